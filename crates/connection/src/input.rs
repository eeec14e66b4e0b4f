use bytes::BytesMut;
use protocol_websocket_frame::{DecodeError, Decoder, Frame, Payload};

/// The input of the slow path: a `BytesMut`, whose payloads are shared, or a slice, whose payloads are borrowed.
pub(crate) trait Input<'i> {
    fn decode(&mut self, decoder: &mut Decoder) -> Result<Option<Frame<Payload<'i>>>, DecodeError>;
    fn len(&self) -> usize;
    fn clear(&mut self);
}

impl Input<'static> for BytesMut {
    #[inline(always)]
    fn decode(&mut self, decoder: &mut Decoder) -> Result<Option<Frame<Payload<'static>>>, DecodeError> {
        Ok(decoder.decode(self)?.map(Frame::from))
    }

    fn len(&self) -> usize {
        Self::len(self)
    }

    fn clear(&mut self) {
        Self::clear(self);
    }
}

impl<'i> Input<'i> for &'i mut [u8] {
    #[inline(always)]
    fn decode(&mut self, decoder: &mut Decoder) -> Result<Option<Frame<Payload<'i>>>, DecodeError> {
        decoder.decode_lent(self)
    }

    fn len(&self) -> usize {
        <[u8]>::len(self)
    }

    fn clear(&mut self) {
        *self = &mut [];
    }
}
