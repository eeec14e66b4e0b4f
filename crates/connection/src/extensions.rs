use alloc::boxed::Box;
use alloc::vec::Vec;

use protocol_websocket_frame::{DecodeError, EncodeError, Extension, Frame};

/// The extensions of one direction, the one that was negotiated first in front.
#[derive(Default)]
pub(crate) struct Extensions(Box<[Box<dyn Extension + Send>]>);

impl Extensions {
    pub(crate) fn push(&mut self, extension: Box<dyn Extension + Send>) {
        let mut extensions = Vec::from(core::mem::take(&mut self.0));
        extensions.push(extension);
        self.0 = extensions.into_boxed_slice();
    }

    /// What the application sent, of what came. The first worked on it first, so it undoes its work last.
    pub(crate) fn decode(&mut self, frame: Frame, budget: u64) -> Result<Frame, DecodeError> {
        self.0.iter_mut().rev().try_fold(frame, |frame, extension| extension.decode(frame, budget))
    }

    /// What goes out, of what the application sends.
    pub(crate) fn encode(&mut self, frame: Frame) -> Result<Frame, EncodeError> {
        self.0.iter_mut().try_fold(frame, |frame, extension| extension.encode(frame))
    }
}
