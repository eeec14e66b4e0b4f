//! An extension for tests that changes no frame.
#![allow(dead_code, reason = "each test file uses only a part")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use protocol_websocket_connection::{ExtensionDecoder, ExtensionEncoder, Frame, Payload};
use protocol_websocket_frame::{DecodeError, EncodeError};

/// Counts the calls of `release_memory`. Clones share the count.
#[derive(Clone, Default)]
pub(crate) struct Counted(Arc<AtomicUsize>);

impl Counted {
    pub(crate) fn released(&self) -> usize {
        self.0.load(Relaxed)
    }
}

impl ExtensionDecoder for Counted {
    fn decode<'a>(
        &mut self,
        frame: Frame<Payload<'a>>,
        _: usize,
    ) -> Result<(Frame<Payload<'a>>, Option<Frame<Payload<'a>>>), DecodeError> {
        Ok((frame, None))
    }

    fn release_memory(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

impl ExtensionEncoder for Counted {
    fn encode<'a>(&mut self, frame: Frame<Payload<'a>>) -> Result<Frame<Payload<'a>>, EncodeError> {
        Ok(frame)
    }

    fn restart(&mut self) {}

    fn release_memory(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}
