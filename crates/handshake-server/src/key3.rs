use alloc::boxed::Box;

use bytes::{Buf, BytesMut};
use protocol_websocket_http::{KeyNumbers, Negotiated};

/// A handshake of draft-ietf-hybi-00 that was accepted, and waits for the eight bytes behind the request's head.
///
/// A proxy may hold them back until it has seen the answer's head, which is in the output already: write it before you
/// read on. They may as well have come together with the head, and the first frames behind them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the connection is not open yet"]
pub struct AwaitingKey3 {
    numbers: KeyNumbers,
    /// Until the bytes came.
    negotiated: Option<Box<Negotiated>>,
}

impl AwaitingKey3 {
    pub(crate) fn new(numbers: KeyNumbers, negotiated: Negotiated) -> Self {
        Self { numbers, negotiated: Some(Box::new(negotiated)) }
    }

    /// Takes the eight bytes from the front of `input` and appends the 16 that prove that we read them to `output`;
    /// `None` if they are not complete yet.
    ///
    /// The connection is open then, and what is left in `input` are frames. Afterwards nothing more is taken.
    pub fn parse(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Option<Negotiated> {
        let key3 = *input.first_chunk()?;
        let negotiated = self.negotiated.take()?;
        input.advance(key3.len());
        output.extend_from_slice(&self.numbers.digest(key3));
        Some(*negotiated)
    }
}
