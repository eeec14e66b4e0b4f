/// The progress of a frame that the peer must reply to: our Ping or our Close. The deadline for the reply starts when
/// the frame was written.
///
/// Only `handle_timeout` has the time. A write between two calls of it is noted here, and the next call starts the
/// deadline. Below, a *call* is a call of `handle_timeout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteProgress {
    /// The frame was appended to the output, and there was no call since.
    Queued,
    /// The last call found unsent bytes up to the end of the frame.
    Unsent,
    /// The frame was written since the last call.
    Written,
    /// A call started the deadline, which runs.
    DeadlineRuns,
}

impl WriteProgress {
    /// Notes how many bytes up to the end of the frame are unsent.
    pub(crate) const fn note_unsent(&mut self, unsent: usize) {
        if unsent == 0 && matches!(self, Self::Queued | Self::Unsent) {
            *self = Self::Written;
        }
    }

    /// Returns whether the next call may start the deadline, and should therefore be made at once.
    pub(crate) const fn awaits_call(self) -> bool {
        matches!(self, Self::Queued | Self::Written)
    }

    /// Notes a call. Returns whether the deadline starts with it, for the first time or again.
    pub(crate) fn start(&mut self, unsent: usize) -> bool {
        self.note_unsent(unsent);
        let starts = unsent > 0 || *self != Self::DeadlineRuns;
        *self = if unsent > 0 { Self::Unsent } else { Self::DeadlineRuns };
        starts
    }
}
