//! Conversions between messages, payloads and frames, and hashes that agree with equality.
#![allow(clippy::unwrap_used)]

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};

use bytes::{Bytes, BytesMut};
use protocol_websocket_frame::{Frame, LentMessage, Message, MessageRef, OpCode, Payload, Rsv, Utf8Bytes};

#[test]
fn message_is_made_from_text_or_bytes() {
    let text = Message::text("grüß dich");
    assert_eq!(text, Message::Text(Utf8Bytes::from("grüß dich")));
    assert_eq!(text, Message::text(String::from("grüß dich")));
    assert_eq!((text.len(), text.is_empty()), (11, false));
    let binary = Message::binary(vec![0xFF, 0]);
    assert_eq!(binary, Message::Binary(Bytes::from_static(&[0xFF, 0])));
    assert_eq!((binary.len(), binary.is_empty()), (2, false));
    for empty in [Message::text(""), Message::binary("")] {
        assert_eq!((empty.len(), empty.is_empty()), (0, true));
    }
}

#[test]
fn borrowed_message_is_made_from_text_bytes_or_a_message() {
    assert_eq!(MessageRef::from("a"), MessageRef::Text("a"));
    assert_eq!(MessageRef::from(&b"a"[..]), MessageRef::Binary(b"a"));
    for message in [Message::text("a"), Message::binary("a")] {
        let borrowed = MessageRef::from(&message);
        assert_eq!((borrowed.kind(), borrowed.as_bytes().as_ptr()), (message.kind(), message.as_bytes().as_ptr()));
        assert_eq!(Message::from(borrowed), message);
        assert_eq!(Message::from(LentMessage::from(borrowed)), message);
    }
}

#[test]
fn payload_shares_the_memory_that_it_is_made_from() {
    let text = String::from("grüß dich");
    let at = text.as_ptr();
    let payload = Payload::from(text);
    assert_eq!((payload.as_str(), payload.as_ptr()), (Ok("grüß dich"), at));
    let bytes = Bytes::from(payload);
    assert_eq!((&bytes, bytes.as_ptr()), (&Bytes::from("grüß dich"), at));
    let payload = Payload::from(Utf8Bytes::try_from(bytes).unwrap());
    assert_eq!((payload.as_str(), payload.as_ptr()), (Ok("grüß dich"), at));

    let buffer = BytesMut::from(&[0xFF; 100][..]);
    let at = buffer.as_ptr();
    let payload = Payload::from(buffer);
    assert_eq!((payload.as_bytes(), payload.as_ptr()), (&[0xFF; 100][..], at));
}

#[test]
fn equal_payloads_have_equal_hashes() {
    let state = RandomState::new();
    let (borrowed, shared) = (Payload::from(b"ab"), Payload::from(vec![b'a', b'b']));
    assert_eq!((&borrowed, state.hash_one(&borrowed)), (&shared, state.hash_one(&shared)));
    assert_ne!(state.hash_one(&borrowed), state.hash_one(Payload::from(b"ac")));
}

#[test]
fn equal_frames_have_equal_hashes() {
    let state = RandomState::new();
    let text = Frame::text("ab");
    // This payload was not validated yet.
    let bytes = Frame::new(OpCode::Text, "ab");
    assert_eq!((&text, state.hash_one(&text)), (&bytes, state.hash_one(&bytes)));
    for other in
        [Frame::text("ac"), Frame::binary("ab"), text.clone().with_fin(false), text.clone().with_rsv(Rsv::RSV1)]
    {
        assert_ne!(text, other);
        assert_ne!(state.hash_one(&text), state.hash_one(&other), "{other:?}");
    }
}

#[test]
fn text_is_created_from_strings_and_from_bytes_of_any_owner() {
    let string = String::from("grüß dich");
    let invalid = b"\xC3".to_vec();
    for text in [
        Utf8Bytes::from(&string),
        Utf8Bytes::try_from(string.clone().into_bytes()).unwrap(),
        Utf8Bytes::try_from(BytesMut::from(string.as_str())).unwrap(),
    ] {
        assert_eq!(text.as_str(), string);
    }
    assert!(Utf8Bytes::try_from(BytesMut::from(&invalid[..])).is_err() && Utf8Bytes::try_from(invalid).is_err());
}

#[test]
#[allow(clippy::cmp_owned, clippy::nonminimal_bool, clippy::op_ref, reason = "each pair of types is compared")]
fn text_is_compared_with_strings_on_both_sides() {
    let (text, string) = (Utf8Bytes::from_static("ü"), String::from("ü"));
    let (cow, other) = (Cow::from("ü"), String::from("u"));
    assert!(text == "ü" && text == *"ü" && text == string && text == &string && text == cow);
    assert!("ü" == text && *"ü" == text && string == text && &string == text && cow == text);
    assert!(text != "u" && text != other && other != text && "u" != text && text != Cow::from("u"));
}

#[test]
fn text_is_found_in_maps_by_a_str() {
    let hashed = HashMap::from([(Utf8Bytes::from_static("room"), 1)]);
    let ordered = BTreeMap::from([(Utf8Bytes::from_static("room"), 1)]);
    assert_eq!((hashed.get("room"), ordered.get("room")), (Some(&1), Some(&1)));
    assert_eq!((hashed.get("roo"), ordered.get("roo")), (None, None));
}
