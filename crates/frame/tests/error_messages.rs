//! The `Display` and `Debug` texts of errors, close codes and messages.
#![allow(clippy::unwrap_used)]

use bytes::{Bytes, BytesMut};
use protocol_websocket_frame::{
    Assembler, CloseCode, DecodeError, Decoder, EncodeError, Frame, FrameHeader, Limits, Message, MessageKind, OpCode,
    Role, Utf8Bytes, Utf8Error,
};
use test_support::errors::assert_distinct_texts;

#[test]
fn error_texts_are_distinct() {
    assert_distinct_texts(&[
        &DecodeError::CloseTooShort,
        &DecodeError::CloseCode(1005),
        &DecodeError::CloseCode(1006),
        &DecodeError::ControlFragmented,
        &DecodeError::ControlTooLong,
        &DecodeError::DataInsideMessage,
        &DecodeError::Extension,
        &DecodeError::FrameTooLong,
        &DecodeError::InvalidUtf8,
        &DecodeError::LengthNotMinimal,
        &DecodeError::LengthTopBit,
        &DecodeError::MaskMissing,
        &DecodeError::MaskUnexpected,
        &DecodeError::MessageTooLong,
        &DecodeError::OrphanContinuation,
        &DecodeError::ReservedBits,
        &DecodeError::ReservedOpCode(3),
        &DecodeError::ReservedOpCode(11),
        &DecodeError::TooManyFragments,
    ]);
    assert_distinct_texts(&[
        &EncodeError::CloseCode(1005),
        &EncodeError::CloseReasonTooLong,
        &EncodeError::CloseTooShort,
        &EncodeError::ControlFragmented,
        &EncodeError::ControlTooLong,
        &EncodeError::Extension,
        &EncodeError::FrameTooLong,
        &EncodeError::InvalidUtf8,
        &EncodeError::PartOutOfOrder,
        &EncodeError::Unsupported,
    ]);
    assert_eq!(Utf8Error.to_string(), DecodeError::InvalidUtf8.to_string());
}

#[test]
fn close_codes_show_number_and_name() {
    for (code, name) in [
        (1000, "NORMAL"),
        (1001, "GOING_AWAY"),
        (1002, "PROTOCOL_ERROR"),
        (1003, "UNSUPPORTED_DATA"),
        (1005, "NO_STATUS"),
        (1006, "ABNORMAL"),
        (1007, "INVALID_PAYLOAD_DATA"),
        (1008, "POLICY_VIOLATION"),
        (1009, "MESSAGE_TOO_BIG"),
        (1010, "MANDATORY_EXTENSION"),
        (1011, "INTERNAL_ERROR"),
        (1012, "SERVICE_RESTART"),
        (1013, "TRY_AGAIN_LATER"),
        (1014, "BAD_GATEWAY"),
        (1015, "TLS_HANDSHAKE"),
    ] {
        assert_eq!(CloseCode(code).to_string(), code.to_string());
        assert_eq!(format!("{:?}", CloseCode(code)), format!("CloseCode({code}, {name})"));
    }
    assert_eq!(format!("{:?}", CloseCode(4000)), "CloseCode(4000)");
}

#[test]
fn opcodes_and_message_kinds_are_displayed_with_padding() {
    let opcodes = [0x0, 0x1, 0x2, 0x8, 0x9, 0xA].map(|bits| format!("{:>12}", OpCode::from_bits(bits).unwrap()));
    assert_eq!(
        opcodes,
        ["continuation", "        text", "      binary", "       close", "        ping", "        pong"]
    );
    assert_eq!(format!("{:8}|{:8}|", MessageKind::Text, MessageKind::Binary), "text    |binary  |");
}

#[test]
fn utf8_bytes_behaves_as_str() {
    static TEXT: Utf8Bytes = Utf8Bytes::from_static("grüß dich");
    assert_eq!(TEXT, *"grüß dich");
    assert_ne!(TEXT, *"grüß");
    assert_eq!(TEXT.to_string(), "grüß dich");
    assert_eq!(format!("{TEXT:>10}|{TEXT:?}"), " grüß dich|\"grüß dich\"");
    let borrowed: &str = TEXT.as_ref();
    assert_eq!(borrowed.chars().count(), 9);
}

#[test]
fn message_kind_follows_the_variant() {
    let text = Message::from(Utf8Bytes::from_static("é"));
    assert_eq!((text.kind(), text.as_text()), (MessageKind::Text, Some("é")));
    let binary = Message::Binary(Bytes::from_static("é".as_bytes()));
    assert_eq!((binary.kind(), binary.as_text()), (MessageKind::Binary, None));
    assert_eq!(text.as_bytes(), binary.as_bytes());
}

#[test]
fn header_bytes_behaves_as_slice() {
    let header = FrameHeader::new(OpCode::Binary, 126);
    let encoded = header.encode().unwrap();
    let borrowed: &[u8] = encoded.as_ref();
    assert_eq!(borrowed, [0x82, 126, 0, 126]);
}

#[test]
fn debug_hides_the_message_in_progress() {
    let secret = "5EC2E7";
    let mut input = BytesMut::from(&b"\x81\x0C5EC2E7"[..]);
    let mut decoder = Decoder::new(Role::Client);
    assert_eq!(decoder.decode(&mut input), Ok(None));
    let mut lending = Decoder::new(Role::Client);
    assert_eq!(lending.decode_lent(&mut &mut b"\x81\x0C5EC2E7".to_vec()[..]), Ok(None));
    let mut assembler = Assembler::new(Limits::default());
    assert_eq!(assembler.push(Frame::text(secret).with_fin(false)), Ok(None));
    for shown in [format!("{decoder:?}"), format!("{lending:?}"), format!("{assembler:?}")] {
        assert!(!shown.contains(secret) && shown.ends_with(", .. }"), "{shown}");
    }
}
