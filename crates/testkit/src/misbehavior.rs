//! The ways in which a peer breaks the protocol, and what it sends.

use protocol_websocket::{CloseCode, EndedBy, Role};

/// A way in which a peer breaks the protocol or uses many resources, for [`Peer::misbehave`](crate::Peer::misbehave).
///
/// *Close* is the code of the Close that a correct program sends ([`close_code`](Self::close_code)). *Ended by* is
/// [`Ended::by`](protocol_websocket::Ended::by) of its connection ([`ended_by`](Self::ended_by)). Deadlines are those of
/// [`Timeouts::RECOMMENDED`](protocol_websocket::Timeouts::RECOMMENDED).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Misbehavior {
    /// As a client, a frame without a mask; as a server, one with a mask (RFC 6455 §5.1). Close 1002, ended by us.
    InvalidMask,
    /// A frame with a reserved bit that no extension has negotiated (RFC 6455 §5.2). Close 1002, ended by us.
    ReservedBits,
    /// A frame with the reserved opcode 3 (RFC 6455 §5.2). Close 1002, ended by us.
    ReservedOpcode,
    /// A frame whose length is not in its shortest form (RFC 6455 §5.2). Close 1002, ended by us.
    LengthNotMinimal,
    /// A frame header with a length of 2^62 bytes, without a payload. Close 1009 after the header, ended by us.
    OversizedLength,
    /// A frame header with the top bit of the length set (RFC 6455 §5.2). Close 1002, ended by us.
    LengthTopBit,
    /// A Ping of 126 bytes (RFC 6455 §5.5). Close 1002, ended by us.
    OversizedPing,
    /// A Ping without FIN (RFC 6455 §5.5). Close 1002, ended by us.
    FragmentedPing,
    /// A continuation frame without a message in progress (RFC 6455 §5.4). Close 1002, ended by us.
    OrphanContinuation,
    /// A text frame inside a fragmented message (RFC 6455 §5.4). Close 1002, ended by us.
    InterleavedMessage,
    /// Text that is not valid UTF-8 (RFC 6455 §8.1). Close 1007, ended by us.
    InvalidUtf8,
    /// A Close with the code 1005, which must not be sent (RFC 6455 §7.4.1). Close 1002, ended by us.
    InvalidCloseCode,
    /// A Close with a payload of one byte (RFC 6455 §5.5.1). Close 1002, ended by us.
    ShortClose,
    /// A Close whose reason is not valid UTF-8 (RFC 6455 §5.5.1). Close 1007, ended by us.
    InvalidCloseReason,
    /// The beginning of a TLS connection in place of a frame. Close 1002, ended by us.
    Garbage,
    /// A message of 100,000 empty fragments. Close 1008 when it exceeds the limit of fragments, ended by us.
    FragmentFlood,
    /// 10,000 Pings, and then a Close with 1000. This is allowed: memory stays bounded, and the last Ping gets a Pong.
    /// Close 1000, ended by the peer.
    PingFlood,
    /// A text message and a Close with 1000, one byte each second. This is allowed. Close 1000, ended by the peer.
    ByteByByte,
    /// A Close with 1000 and then a message. The message is ignored. Close 1000, ended by the peer.
    MessageAfterClose,
    /// Reads, and sends nothing, not even a Pong. Close 1011 after the deadline for the Pong, ended by a timeout.
    Silence,
    /// The first part of a frame, and then nothing, as [`Silence`](Self::Silence).
    IncompleteFrame,
    /// Sends messages until its writes block, and reads nothing. A program that echoes them stops reading at its high-water
    /// mark, and cannot write its Ping or its Close. No Close, ended by a timeout.
    NeverReads,
    /// Does not reply to a Close. The program under test sends a Close, waits for
    /// [`Timeouts::close`](protocol_websocket::Timeouts::close) and ends the transport. [`close_code`](Self::close_code)
    /// expects the code 1000 from the program. Ended by a timeout.
    NoReplyToClose,
    /// Ends its output without a Close, and continues to read (RFC 6455 §7.1.5). No Close, ended by the transport.
    HalfClose,
    /// Ends its output inside a frame, and continues to read. No Close, ended by the transport.
    HalfCloseInFrame,
    /// Resets the transport. No Close, ended by the transport.
    Reset,
}

/// What a peer does for a [`Misbehavior`].
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) bytes: Vec<u8>,
    pub(crate) then: Then,
}

/// What a peer does with the bytes of a [`Script`], and afterwards.
#[derive(Debug)]
pub(crate) enum Then {
    /// Writes the bytes while it reads.
    Read,
    /// As `Read`, then writes these bytes this many times, and a Close.
    Flood(Vec<u8>, usize),
    /// As `Read`, one byte each second.
    Slow,
    /// As `Read`, then ends its output.
    Shutdown,
    /// Writes the bytes repeatedly until a write fails, and does not read.
    Block,
    /// Reads until the end, and does not reply to a Close.
    IgnoreClose,
    /// Resets the transport.
    Reset,
}

/// The payload of the messages.
const TEXT: &[u8; 4] = b"text";

impl Misbehavior {
    /// All variants.
    pub const ALL: &[Self] = &[
        Self::InvalidMask,
        Self::ReservedBits,
        Self::ReservedOpcode,
        Self::LengthNotMinimal,
        Self::OversizedLength,
        Self::LengthTopBit,
        Self::OversizedPing,
        Self::FragmentedPing,
        Self::OrphanContinuation,
        Self::InterleavedMessage,
        Self::InvalidUtf8,
        Self::InvalidCloseCode,
        Self::ShortClose,
        Self::InvalidCloseReason,
        Self::Garbage,
        Self::FragmentFlood,
        Self::PingFlood,
        Self::ByteByByte,
        Self::MessageAfterClose,
        Self::Silence,
        Self::IncompleteFrame,
        Self::NeverReads,
        Self::NoReplyToClose,
        Self::HalfClose,
        Self::HalfCloseInFrame,
        Self::Reset,
    ];

    /// Returns the code of the Close that a correct program sends, or `None` if it sends none.
    #[must_use]
    pub const fn close_code(self) -> Option<CloseCode> {
        Some(match self {
            Self::OversizedLength => CloseCode::MESSAGE_TOO_BIG,
            Self::InvalidUtf8 | Self::InvalidCloseReason => CloseCode::INVALID_PAYLOAD_DATA,
            Self::FragmentFlood => CloseCode::POLICY_VIOLATION,
            Self::Silence | Self::IncompleteFrame => CloseCode::INTERNAL_ERROR,
            Self::PingFlood | Self::ByteByByte | Self::MessageAfterClose | Self::NoReplyToClose => CloseCode::NORMAL,
            Self::NeverReads | Self::HalfClose | Self::HalfCloseInFrame | Self::Reset => return None,
            _ => CloseCode::PROTOCOL_ERROR,
        })
    }

    /// Returns what ended the connection of a correct program.
    #[must_use]
    pub const fn ended_by(self) -> EndedBy {
        match self {
            Self::PingFlood | Self::ByteByByte | Self::MessageAfterClose => EndedBy::Peer,
            Self::Silence | Self::IncompleteFrame | Self::NeverReads | Self::NoReplyToClose => EndedBy::Timeout,
            Self::HalfClose | Self::HalfCloseInFrame | Self::Reset => EndedBy::Transport,
            _ => EndedBy::Us,
        }
    }

    /// Returns what a peer of this role does.
    pub(crate) fn script(self, role: Role) -> Script {
        let header = |first, len, extended| header(role, first, len, extended);
        let message = frame(role, 0x81, TEXT);
        let part = message.get(..message.len() - 1).unwrap_or_default().to_vec();
        let (bytes, then) = match self {
            Self::InvalidMask => (frame(role.peer(), 0x81, TEXT), Then::Read),
            Self::ReservedBits => (frame(role, 0xC1, TEXT), Then::Read),
            Self::ReservedOpcode => (frame(role, 0x83, TEXT), Then::Read),
            Self::LengthNotMinimal => (header(0x82, 126, b"\0\0"), Then::Read),
            Self::OversizedLength => (header(0x82, 127, b"\x40\0\0\0\0\0\0\0"), Then::Read),
            Self::LengthTopBit => (header(0x82, 127, b"\x80\0\0\0\0\0\0\0"), Then::Read),
            Self::OversizedPing => ([header(0x89, 126, b"\0\x7E"), vec![0; 126]].concat(), Then::Read),
            Self::FragmentedPing => (frame(role, 0x09, b""), Then::Read),
            Self::OrphanContinuation => (frame(role, 0x80, TEXT), Then::Read),
            Self::InterleavedMessage => ([frame(role, 0x01, TEXT), message].concat(), Then::Read),
            Self::InvalidUtf8 => (frame(role, 0x81, b"\xFF"), Then::Read),
            Self::InvalidCloseCode => (frame(role, 0x88, &1005_u16.to_be_bytes()), Then::Read),
            Self::ShortClose => (frame(role, 0x88, b"\x03"), Then::Read),
            Self::InvalidCloseReason => (frame(role, 0x88, b"\x03\xE8\xFF"), Then::Read),
            Self::Garbage => (b"\x16\x03\x01\x02\0\x01\0\x01\xFC\x03\x03".to_vec(), Then::Read),
            Self::FragmentFlood => (frame(role, 0x01, b""), Then::Flood(frame(role, 0x00, b""), 100_000)),
            Self::PingFlood => (Vec::new(), Then::Flood(frame(role, 0x89, b"ping"), 10_000)),
            Self::ByteByByte => ([message, normal_close(role)].concat(), Then::Slow),
            Self::MessageAfterClose => ([normal_close(role), message].concat(), Then::Read),
            Self::Silence => (Vec::new(), Then::Read),
            Self::IncompleteFrame => (part, Then::Read),
            Self::NeverReads => (frame(role, 0x82, &[0; 100]), Then::Block),
            Self::NoReplyToClose => (Vec::new(), Then::IgnoreClose),
            Self::HalfClose => (Vec::new(), Then::Shutdown),
            Self::HalfCloseInFrame => (part, Then::Shutdown),
            Self::Reset => (Vec::new(), Then::Reset),
        };
        Script { bytes, then }
    }
}

/// Returns a Close with the code 1000.
pub(crate) fn normal_close(role: Role) -> Vec<u8> {
    frame(role, 0x88, &1000_u16.to_be_bytes())
}

/// Returns a frame as a peer of this role sends it. `first` has FIN, the reserved bits and the opcode. The mask is zero.
fn frame<const LEN: usize>(role: Role, first: u8, payload: &[u8; LEN]) -> Vec<u8> {
    const { assert!(LEN < 126, "a longer payload has an extended length") };
    #[allow(clippy::cast_possible_truncation, reason = "it is checked above")]
    let header = header(role, first, LEN as u8, b"");
    [&header, &payload[..]].concat()
}

/// Returns a frame header with the field of seven bits for the length, and the extended length.
fn header(role: Role, first: u8, len: u8, extended: &[u8]) -> Vec<u8> {
    let (mask, key): (u8, &[u8]) = if role == Role::Client { (0x80, &[0; 4]) } else { (0, &[]) };
    [&[first, mask | len], extended, key].concat()
}
