//! permessage-deflate that counts the messages it encodes.

use std::sync::atomic::{AtomicU64, Ordering};

use protocol_websocket_core::{ExtensionParams, Role};
use protocol_websocket_frame::{EncodeError, ExtensionEncoder, ExtensionPair, Frame, Negotiate, Payload, Rsv};
use protocol_websocket_permessage_deflate::PermessageDeflate;

pub(super) struct Counted {
    inner: PermessageDeflate,
    encoded: &'static AtomicU64,
}

impl Counted {
    pub(super) const fn new(encoded: &'static AtomicU64) -> Self {
        Self { inner: PermessageDeflate::new(), encoded }
    }
}

impl Negotiate for Counted {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn rsv(&self) -> Rsv {
        self.inner.rsv()
    }

    fn offers(&self) -> Vec<ExtensionParams> {
        self.inner.offers()
    }

    fn respond(&self, offer: &ExtensionParams) -> Option<ExtensionParams> {
        self.inner.respond(offer)
    }

    fn agree(&self, role: Role, response: &ExtensionParams) -> Option<ExtensionPair> {
        let ExtensionPair { decoder, encoder } = self.inner.agree(role, response)?;
        Some(ExtensionPair { decoder, encoder: Box::new(CountedEncoder { inner: encoder, encoded: self.encoded }) })
    }
}

struct CountedEncoder {
    inner: Box<dyn ExtensionEncoder>,
    encoded: &'static AtomicU64,
}

impl ExtensionEncoder for CountedEncoder {
    fn encode<'a>(&mut self, frame: Frame<Payload<'a>>) -> Result<Frame<Payload<'a>>, EncodeError> {
        self.encoded.fetch_add(1, Ordering::Relaxed);
        self.inner.encode(frame)
    }

    fn restart(&mut self) {
        self.inner.restart();
    }

    fn encoding_key(&self) -> Option<u64> {
        self.inner.encoding_key()
    }

    fn release_memory(&mut self) {
        self.inner.release_memory();
    }
}
