use crate::{DecodeError, FrameHeader, Limits, OpCode, Rsv};

/// When the decoder hands out the payload of a data frame. Control frames are always whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// When it is complete: frames come out as they were sent.
    #[default]
    Whole,
    /// As its bytes arrive: a long frame that comes in pieces comes out as fragments, as if an intermediary had split it
    /// (§5.4), each of at least `Decoder::min_part` bytes, except the last one of a frame. The decoder keeps at most twice
    /// as many bytes, two reads and 4 KiB, so a payload of any length passes through a small buffer.
    Parts,
}

/// What the decoder was told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) masks: Masks,
    /// Takes a length in a longer form than it needs.
    pub(crate) allow_non_minimal_length: bool,
    /// Looks for the next `00` or Close where no frame begins.
    pub(crate) skip_stray_bytes: bool,
    pub(crate) claimed: Rsv,
    pub(crate) delivery: Delivery,
    /// The least length of a part that does not end its frame.
    pub(crate) min_part: u16,
    pub(crate) limits: Limits,
}

/// Which frames are let in, by their mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Masks {
    Any,
    Refused,
    Required,
}

impl Rules {
    #[inline]
    pub(crate) const fn admits_mask(&self, is_masked: bool) -> bool {
        match self.masks {
            Masks::Any => true,
            Masks::Refused => !is_masked,
            Masks::Required => is_masked,
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-10.7
    //# Incoming data MUST always be validated by both clients and servers.
    /// Checks of a head what needs no memory of the frames before it.
    pub(crate) fn admit(&self, header: &FrameHeader) -> Result<(), DecodeError> {
        match (self.masks, header.mask) {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.1
            //# The server MUST close the connection upon receiving a
            //# frame that is not masked.
            (Masks::Required, None) => return Err(DecodeError::MaskMissing),
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.1
            //# A client MUST close a connection if it detects a masked
            //# frame.
            (Masks::Refused, Some(_)) => return Err(DecodeError::MaskUnexpected),
            _ => {}
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
        //# If a nonzero value is received and none of
        //# the negotiated extensions defines the meaning of such a nonzero
        //# value, the receiving endpoint MUST _Fail the WebSocket
        //# Connection_.
        let claimed = match header.opcode {
            OpCode::Text | OpCode::Binary => self.claimed,
            //= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
            //# An endpoint receiving such a frame MUST _Fail the WebSocket Connection_.
            _ => Rsv::NONE,
        };
        if !claimed.contains(header.rsv) {
            return Err(DecodeError::ReservedBits);
        }
        if header.len > self.limits.max_frame && !header.opcode.is_control() {
            return Err(DecodeError::FrameTooLong);
        }
        Ok(())
    }
}
