use crate::{DecodeError, EncodeError, Frame, Rsv};

/// One direction of a negotiated extension: what it does to frames (RFC 6455 §9).
///
/// Of several, the one negotiated first is applied first to what is sent and last to what is received (§9.1). An
/// extension sees the data frames of its direction in order, control frames never. It must not lean on where frames
/// begin: a frame may come in pieces, as so many fragments, the first with the opcode and the reserved bits and the
/// others as continuations.
pub trait Extension {
    /// The reserved bits that this extension claims on the first frame of a message. All others stay forbidden.
    fn rsv(&self) -> Rsv;

    /// Undoes in `frame` what the peer's side of the extension did, and clears the bits that are its own.
    ///
    /// Whatever grows on the way gives at most `room` bytes at once. With them comes what is left of `frame` if, and
    /// only if, it has more to give: it is handed in again, as a continuation, before any other frame.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Extension`] for a payload that makes no sense.
    fn decode(&mut self, frame: Frame, room: usize) -> Result<(Frame, Option<Frame>), DecodeError>;

    /// Does to `frame` what the extension is for, and sets the bits that are its own.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Extension`] when it cannot.
    fn encode(&mut self, frame: Frame) -> Result<Frame, EncodeError>;

    /// Begins the next message without what the extension remembers of earlier ones (a compressor's window, for example).
    ///
    /// This is called when a frame is sent that did not come from [`encode`](Self::encode) but has reserved bits set, such
    /// as one that was compressed once for many peers. The peer's side of the extension remembers that frame, and this one
    /// does not. By default it does nothing, which is right for an extension that keeps nothing between messages.
    fn restart(&mut self) {}

    /// Gives back what memory the extension can do without until the next frame. By default it has none.
    fn release_memory(&mut self) {}
}
