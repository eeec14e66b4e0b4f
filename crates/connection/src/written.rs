/// The progress of a frame that the peer has to answer: our Ping or our Close. The deadline for the answer starts when the
/// frame was written.
///
/// Time is only known while a timer handles a call of the caller. So a write is noted when it is seen, and the next such call
/// starts the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// The frame was appended to the output.
    Queued,
    /// The last call found unsent bytes up to the end of the frame.
    Unsent,
    /// The frame was written since the last call.
    Since,
    /// The deadline runs.
    Timed,
}

impl Written {
    /// Notes how many bytes up to the end of the frame are unsent.
    pub(crate) const fn note_unsent(&mut self, unsent: usize) {
        if unsent == 0 && matches!(self, Self::Queued | Self::Unsent) {
            *self = Self::Since;
        }
    }

    /// Returns whether the next call may start the deadline, so that it should come at once.
    pub(crate) const fn awaits_call(self) -> bool {
        matches!(self, Self::Queued | Self::Since)
    }

    /// Takes a call with the time. Returns whether the deadline starts now, perhaps again.
    pub(crate) fn start(&mut self, unsent: usize) -> bool {
        self.note_unsent(unsent);
        let starts = unsent > 0 || *self != Self::Timed;
        *self = if unsent > 0 { Self::Unsent } else { Self::Timed };
        starts
    }
}
