/// When a decoder returns the payload of a data frame. Control frames are always returned complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Delivery {
    /// When the payload is complete: frames are returned as they were sent.
    #[default]
    Whole,
    /// As the bytes of the payload arrive: a long frame that arrives in pieces is returned as fragments, as if an
    /// intermediary had split it (RFC 6455 §5.4). Each fragment has at least
    /// [`min_part`](crate::Decoder::min_part) bytes, except the last one of a frame. The decoder keeps at most twice as many
    /// bytes and 4 KiB, so a payload of any length passes through a small buffer.
    Parts,
}
