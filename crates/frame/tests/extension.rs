//! An extension between the decoder and the assembler: RFC 6455 §9.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use bytes::Bytes;
use protocol_websocket_frame::{
    Assembler, DecodeError, Decoder, Delivery, EncodeError, Extension, Frame, Limits, Message, OpCode, Rsv,
};

use common::{KEY, client, decode, encode, server};

/// Flips all bits of a message whose first frame has RSV2.
#[derive(Default)]
struct Flip {
    receiving: bool,
    sending: bool,
}

fn flipped(frame: &Frame) -> Bytes {
    frame.payload().iter().map(|byte| !byte).collect()
}

impl Extension for Flip {
    fn rsv(&self) -> Rsv {
        Rsv::RSV2
    }

    fn decode(&mut self, frame: Frame, _: usize) -> Result<(Frame, Option<Frame>), DecodeError> {
        if frame.opcode() != OpCode::Continuation {
            self.receiving = frame.rsv().contains(self.rsv());
        }
        if !self.receiving {
            return Ok((frame, None));
        }
        let (rsv, payload) = (frame.rsv().without(self.rsv()), flipped(&frame));
        Ok((frame.with_rsv(rsv).with_payload(payload), None))
    }

    fn encode(&mut self, frame: Frame) -> Result<Frame, EncodeError> {
        if frame.opcode() != OpCode::Continuation {
            self.sending = true;
        }
        let rsv = if frame.opcode() == OpCode::Continuation { Rsv::NONE } else { frame.rsv() | self.rsv() };
        let payload = flipped(&frame);
        Ok(frame.with_rsv(rsv).with_payload(payload))
    }
}

fn claims(decoder: Decoder) -> Decoder {
    decoder.allow_rsv(Flip::default().rsv())
}

/// Decoder, extension and assembler in a row.
fn receive(frames: Vec<Frame>, limits: Limits) -> Result<Vec<Message>, DecodeError> {
    let (mut flip, mut assembler, mut messages) = (Flip::default(), Assembler::new(limits), Vec::new());
    for frame in frames {
        if frame.opcode().is_control() {
            continue;
        }
        let (frame, rest) = flip.decode(frame, usize::MAX)?;
        assert_eq!(rest, None);
        messages.extend(assembler.push(frame)?);
    }
    Ok(messages)
}

fn send(frames: &[Frame]) -> Vec<Frame> {
    let mut flip = Flip::default();
    let through = |frame: &Frame| {
        if frame.opcode().is_control() { frame.clone() } else { flip.encode(frame.clone()).unwrap() }
    };
    frames.iter().map(through).collect()
}

#[test]
fn what_it_did_is_undone() {
    let frames =
        send(&[Frame::text("Grüße"), Frame::binary("ab").with_fin(false), Frame::ping("?"), Frame::continuation("cd")]);
    let plain = Frame::text("plain");
    let frames = [frames, vec![plain]].concat();
    for (decoder, mask) in [(client(), None), (server(), Some(KEY))] {
        for delivery in [Delivery::Whole, Delivery::Parts] {
            for size in [1, 3, 1000] {
                let decoder = claims(decoder.clone()).delivery(delivery);
                let (came, end) = decode(decoder, encode(&frames, mask).chunks(size));
                assert_eq!(end, Ok(()));
                let expected = vec!["Grüße".into(), Message::Binary("abcd".into()), "plain".into()];
                assert_eq!(receive(came, Limits::default()), Ok(expected));
            }
        }
    }
}

#[test]
fn its_text_is_checked_behind_it_and_other_text_before() {
    let bad = [Frame::new(OpCode::Text, &b"\xC3\x28"[..])];
    let (frames, end) = decode(claims(client()), [encode(&send(&bad), None)]);
    assert_eq!((frames.len(), end), (1, Ok(())));
    assert_eq!(receive(frames, Limits::default()), Err(DecodeError::InvalidUtf8));
    let (_, end) = decode(claims(client()), [encode(&bad, None)]);
    assert_eq!(end, Err(DecodeError::InvalidUtf8));
}

#[test]
fn its_bit_is_refused_where_it_was_not_negotiated() {
    let wire = encode(&send(&[Frame::text("a")]), None);
    assert_eq!(decode(client(), [&wire]), (vec![], Err(DecodeError::ReservedBits)));
}

#[test]
fn behind_it_the_message_limit_counts() {
    let limits = Limits::new(4);
    let frames = send(&[Frame::text("12").with_fin(false), Frame::continuation("34")]);
    assert_eq!(receive(frames, limits), Ok(vec!["1234".into()]));
    let frames = send(&[Frame::text("12").with_fin(false), Frame::continuation("345")]);
    assert_eq!(receive(frames, limits), Err(DecodeError::MessageTooLong));
}
