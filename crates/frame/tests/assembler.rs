//! The assembler without a decoder: it checks the frames itself.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use bytes::Bytes;
use protocol_websocket_frame::{Assembler, DecodeError, Frame, Limits, Message, MessageKind, OpCode, Part};

use common::{client, decode};

type Joined = Result<Vec<Message>, DecodeError>;

/// Returns the messages of the frames.
fn join(limits: Limits, frames: impl IntoIterator<Item = Frame>) -> Joined {
    let mut assembler = Assembler::new(limits);
    let messages: Joined = frames.into_iter().filter_map(|frame| assembler.push(frame).transpose()).collect();
    for message in messages.iter().flatten() {
        assert!(message.kind() == MessageKind::Binary || std::str::from_utf8(message.as_bytes()).is_ok());
    }
    messages
}

/// Returns the messages of the frames, joined by the test from the parts that the assembler returns.
fn join_parts(limits: Limits, frames: impl IntoIterator<Item = Frame>) -> Joined {
    let (mut assembler, mut messages, mut bytes) = (Assembler::new(limits), Vec::new(), Vec::new());
    for frame in frames {
        let Some(part) = assembler.push_part(frame)? else { continue };
        assert_eq!(part.first, bytes.is_empty());
        bytes.extend_from_slice(&part.bytes);
        if part.last {
            let bytes = Bytes::from(std::mem::take(&mut bytes));
            messages.push(match part.kind {
                MessageKind::Text => Message::Text(bytes.try_into().unwrap()),
                MessageKind::Binary => Message::Binary(bytes),
            });
        }
    }
    Ok(messages)
}

const BOTH: [fn(Limits, Vec<Frame>) -> Joined; 2] = [join, join_parts];

fn text(payload: &'static [u8]) -> Frame {
    Frame::new(OpCode::Text, payload)
}

fn open(frame: Frame) -> Frame {
    frame.with_fin(false)
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.4
//# Clients and servers MUST support receiving both fragmented and unfragmented messages.
#[test]
fn fragments_are_joined() {
    for join in BOTH {
        let frames = vec![
            Frame::text("one"),
            open(text(b"tw\xC3")),
            open(Frame::continuation(&b"\xB6 "[..])),
            Frame::ping("?"),
            Frame::continuation("three"),
            open(Frame::binary(&b"\xFF"[..])),
            Frame::continuation(&b"\xFF"[..]),
        ];
        let expected = vec!["one".into(), "twö three".into(), Message::Binary(Bytes::from_static(b"\xFF\xFF"))];
        assert_eq!(join(Limits::default(), frames), Ok(expected));
    }
}

#[test]
fn unfragmented_message_is_not_copied() {
    let payload = Bytes::from(vec![b'x'; 100]);
    for opcode in [OpCode::Text, OpCode::Binary] {
        let message = join(Limits::default(), [Frame::new(opcode, payload.clone())]).unwrap().remove(0);
        assert_eq!(message.as_bytes().as_ptr(), payload.as_ptr());
    }
}

#[test]
fn rejects_frames_out_of_order() {
    for join in BOTH {
        for orphans in [vec![Frame::continuation("")], vec![Frame::text("a"), open(Frame::continuation(""))]] {
            assert_eq!(join(Limits::default(), orphans), Err(DecodeError::OrphanContinuation));
        }
        for inner in [Frame::text("x"), Frame::binary("x"), open(Frame::binary("x"))] {
            let frames = vec![open(Frame::text("a")), Frame::pong(""), inner];
            assert_eq!(join(Limits::default(), frames), Err(DecodeError::DataInsideMessage));
        }
    }
}

#[test]
fn rejects_too_long_messages() {
    for join in BOTH {
        let limits = Limits::new(4);
        assert_eq!(join(limits, vec![Frame::text("1234")]), Ok(vec!["1234".into()]));
        assert_eq!(join(limits, vec![Frame::binary("12345")]), Err(DecodeError::MessageTooLong));
        let fits = vec![open(Frame::text("12")), Frame::ping("12345"), Frame::continuation("34"), Frame::text("1234")];
        assert_eq!(join(limits, fits), Ok(vec!["1234".into(), "1234".into()]));
        let long = vec![open(Frame::text("12")), Frame::ping(""), open(Frame::continuation("345"))];
        assert_eq!(join(limits, long), Err(DecodeError::MessageTooLong));
    }
}

#[test]
fn budget_is_the_rest_of_the_limit() {
    let mut assembler = Assembler::new(Limits::new(10));
    assert_eq!(assembler.budget(), 10);
    assembler.push(open(Frame::binary("123"))).unwrap();
    assert_eq!(assembler.budget(), 7);
    assembler.push(Frame::continuation("4")).unwrap();
    assert_eq!(assembler.budget(), 10);
    // A part of text that the decoder validated is counted, too.
    let (frames, _) = decode(client(), [b"\x01\x03abc"]);
    assembler.push_part(frames[0].clone()).unwrap();
    assert_eq!(assembler.budget(), 7);
}

#[test]
fn text_is_checked() {
    for join in BOTH {
        for frames in [
            vec![text(b"a\xFFb")],
            vec![text(b"\xC3")],
            vec![open(text(b"\xC3")), Frame::continuation("x")],
            vec![open(text(b"\xC3")), Frame::continuation("")],
            vec![open(text(b"\xC3")), Frame::ping("\u{a9}"), Frame::continuation(&b"\xC3\xA9"[..])],
        ] {
            assert_eq!(join(Limits::default(), frames), Err(DecodeError::InvalidUtf8));
        }
        // The error is returned at the invalid byte, not at the end of the message.
        let early = vec![open(text(b"\xE0")), open(Frame::continuation(&b"\x80"[..]))];
        assert_eq!(join(Limits::default(), early), Err(DecodeError::InvalidUtf8));
    }
}

#[test]
fn changed_frame_is_checked_again() {
    let (frames, _) = decode(client(), [b"\x81\x03abc"]);
    for join in BOTH {
        let changed = frames[0].clone().with_payload(&b"\xFF"[..]);
        assert_eq!(join(Limits::default(), vec![changed]), Err(DecodeError::InvalidUtf8));
    }
    // The decoder accepts the beginning of a character, because another fragment follows.
    let (frames, _) = decode(client(), [b"\x01\x01\xC3"]);
    for join in BOTH {
        let changed = frames[0].clone().with_fin(true);
        assert_eq!(join(Limits::default(), vec![changed]), Err(DecodeError::InvalidUtf8));
    }
}

#[test]
fn rest_of_a_text_in_parts_is_checked() {
    let mut assembler = Assembler::new(Limits::default());
    assembler.push_part(open(text(b"\xC3"))).unwrap();
    // `assert_eq` would format the message, and invalid text must not be read.
    assert!(assembler.push(Frame::continuation(&b"\xA9"[..])) == Err(DecodeError::InvalidUtf8));
}

#[test]
fn message_converts_to_its_only_part() {
    let part = Part::from(Message::from("Hello"));
    assert_eq!(part, Part::new(MessageKind::Text, "Hello".into()));
}
