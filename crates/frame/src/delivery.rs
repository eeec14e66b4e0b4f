/// Selects when a decoder returns the payload of a data frame. Control frames are always returned complete.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_frame::{Decoder, Delivery, Frame, Role};
///
/// // The header and the first three of five bytes.
/// let read = &b"\x82\x05abc"[..];
/// let mut whole = Decoder::new(Role::Client);
/// assert_eq!(whole.decode(&mut BytesMut::from(read))?, None);
/// let mut parts = Decoder::new(Role::Client).delivery(Delivery::Parts).min_part(1);
/// assert_eq!(parts.decode(&mut BytesMut::from(read))?, Some(Frame::binary("abc").with_fin(false)));
/// # Ok::<_, protocol_websocket_frame::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Delivery {
    /// When the payload is complete. Each frame is returned as the peer sent it.
    #[default]
    Whole,
    /// As the bytes of the payload arrive. A frame that arrives in pieces is returned as fragments, as if an
    /// intermediary had split it (RFC 6455 §5.4). Each fragment has at least [`min_part`](crate::Decoder::min_part)
    /// bytes, except the last one of a frame. For a fragment the decoder allocates at most twice its length plus 4 KiB,
    /// so a payload of any length passes through a small buffer.
    Parts,
}
