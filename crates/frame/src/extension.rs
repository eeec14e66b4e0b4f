use crate::{DecodeError, EncodeError, Frame, Rsv};

/// What a negotiated extension does to frames (RFC 6455 §9).
///
/// Of several, the one negotiated first is applied first to what is sent and last to what is received (§9.1). An
/// extension sees the data frames of one direction in order, control frames never. A frame that is delivered in parts
/// comes as so many fragments: the first with the opcode and the reserved bits, the others as continuations.
pub trait Extension {
    /// The reserved bits that this extension claims on the first frame of a message. All others stay forbidden.
    fn rsv(&self) -> Rsv;

    /// Undoes in `frame` what the peer's side of the extension did, and clears the bits that are its own.
    ///
    /// `budget` is how many bytes the payload may have afterwards.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Extension`] for a payload that makes no sense, [`DecodeError::MessageTooLong`] as soon as the
    /// payload outgrows the budget: it must not be held first.
    fn decode(&mut self, frame: Frame, budget: u64) -> Result<Frame, DecodeError>;

    /// Does to `frame` what the extension is for, and sets the bits that are its own.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Extension`] when it cannot.
    fn encode(&mut self, frame: Frame) -> Result<Frame, EncodeError>;
}
