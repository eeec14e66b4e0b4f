use alloc::boxed::Box;
use alloc::vec::Vec;

use protocol_websocket_frame::{DecodeError, EncodeError, Extension, Frame};

/// The extensions of one direction, the one that was negotiated first in front.
#[derive(Default)]
pub(crate) struct Extensions(Box<[Slot]>);

struct Slot {
    extension: Box<dyn Extension + Send>,
    /// What is left of a frame that had more to give than there was room for.
    rest: Option<Frame>,
}

impl Extensions {
    pub(crate) fn push(&mut self, extension: Box<dyn Extension + Send>) {
        let mut slots = Vec::from(core::mem::take(&mut self.0));
        slots.push(Slot { extension, rest: None });
        self.0 = slots.into_boxed_slice();
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the application sent, of what came. The first worked on it first, so it undoes its work last.
    pub(crate) fn decode(&mut self, frame: Frame, room: usize) -> Result<Frame, DecodeError> {
        undo(&mut self.0, frame, room)
    }

    /// More of a frame that came before, if there is more. Until there is not, no other frame may come in.
    #[inline]
    pub(crate) fn resume(&mut self, room: usize) -> Result<Option<Frame>, DecodeError> {
        // Whoever is nearest to the application goes first: what it still holds is older.
        for at in 0..self.0.len() {
            let (slots, _) = self.0.split_at_mut(at + 1);
            if let Some(rest) = slots.last_mut().and_then(|slot| slot.rest.take()) {
                return undo(slots, rest, room).map(Some);
            }
        }
        Ok(None)
    }

    /// Whether [`resume`](Self::resume) has something.
    #[inline]
    pub(crate) fn has_more(&self) -> bool {
        self.0.iter().any(|slot| slot.rest.is_some())
    }

    /// What goes out, of what the application sends.
    pub(crate) fn encode(&mut self, frame: Frame) -> Result<Frame, EncodeError> {
        self.0.iter_mut().try_fold(frame, |frame, slot| slot.extension.encode(frame))
    }

    /// A frame with reserved bits was sent past them.
    pub(crate) fn restart(&mut self) {
        self.0.iter_mut().for_each(|slot| slot.extension.restart());
    }

    pub(crate) fn release_memory(&mut self) {
        self.0.iter_mut().for_each(|slot| slot.extension.release_memory());
    }
}

fn undo(slots: &mut [Slot], frame: Frame, room: usize) -> Result<Frame, DecodeError> {
    slots.iter_mut().rev().try_fold(frame, |frame, slot| {
        let (frame, rest) = slot.extension.decode(frame, room)?;
        slot.rest = rest;
        Ok(frame)
    })
}
