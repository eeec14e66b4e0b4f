//! An extension (RFC 6455 §9) between the decoder and the assembler.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use protocol_websocket_frame::{
    Assembler, DecodeError, Decoder, Delivery, EncodeError, ExtensionDecoder, ExtensionEncoder, ExtensionPair, Frame,
    Limits, Message, OpCode, Payload, Rsv,
};

use common::{KEY, client, decode, encode, server};

/// Flips all bits of a message whose first frame has RSV2.
#[derive(Default)]
struct Flip {
    is_active: bool,
}

const RSV: Rsv = Rsv::RSV2;

fn flipped(frame: &Frame<Payload<'_>>) -> Vec<u8> {
    frame.payload().iter().map(|byte| !byte).collect()
}

impl ExtensionDecoder for Flip {
    fn decode<'a>(
        &mut self,
        frame: Frame<Payload<'a>>,
        _: usize,
    ) -> Result<(Frame<Payload<'a>>, Option<Frame<Payload<'a>>>), DecodeError> {
        if frame.opcode() != OpCode::Continuation {
            self.is_active = frame.rsv().contains(RSV);
        }
        if !self.is_active {
            return Ok((frame, None));
        }
        let (rsv, payload) = (frame.rsv().without(RSV), flipped(&frame));
        Ok((frame.with_rsv(rsv).with_payload(payload), None))
    }
}

impl ExtensionEncoder for Flip {
    fn encode<'a>(&mut self, frame: Frame<Payload<'a>>) -> Result<Frame<Payload<'a>>, EncodeError> {
        let rsv = if frame.opcode() == OpCode::Continuation { frame.rsv() } else { frame.rsv() | RSV };
        let payload = flipped(&frame);
        Ok(frame.with_rsv(rsv).with_payload(payload))
    }

    fn restart(&mut self) {}
}

fn allow_rsv(decoder: Decoder) -> Decoder {
    decoder.allow_rsv(RSV)
}

/// Decodes the frames with the extension and joins them into messages.
fn receive(frames: Vec<Frame>, limits: Limits) -> Result<Vec<Message>, DecodeError> {
    let (mut flip, mut assembler, mut messages) = (Flip::default(), Assembler::new(limits), Vec::new());
    for frame in frames {
        if frame.opcode().is_control() {
            continue;
        }
        let (frame, rest) = flip.decode(frame.into(), usize::MAX)?;
        assert_eq!(rest, None);
        messages.extend(assembler.push(frame.into_owned())?);
    }
    Ok(messages)
}

fn send(frames: &[Frame]) -> Vec<Frame> {
    let apply = |frame: &Frame| {
        let frame = frame.clone();
        if frame.opcode().is_control() { frame } else { Flip::default().encode(frame.into()).unwrap().into_owned() }
    };
    frames.iter().map(apply).collect()
}

#[test]
fn decoder_undoes_encoder() {
    let frames =
        send(&[Frame::text("Grüße"), Frame::binary("ab").with_fin(false), Frame::ping("?"), Frame::continuation("cd")]);
    let plain = Frame::text("plain");
    let frames = [frames, vec![plain]].concat();
    for (decoder, mask) in [(client(), None), (server(), Some(KEY))] {
        for delivery in [Delivery::Whole, Delivery::Parts] {
            for size in [1, 3, 1000] {
                let decoder = allow_rsv(decoder.clone()).delivery(delivery);
                let (received, end) = decode(decoder, encode(&frames, mask).chunks(size));
                assert_eq!(end, Ok(()));
                let expected = vec!["Grüße".into(), Message::Binary("abcd".into()), "plain".into()];
                assert_eq!(receive(received, Limits::default()), Ok(expected));
            }
        }
    }
}

#[test]
fn unchanged_payloads_are_not_copied() {
    let payload = *b"plain";
    let (frame, rest) = Flip::default().decode(Frame::lent(OpCode::Text, &payload), usize::MAX).unwrap();
    assert_eq!((frame.payload().as_ptr(), rest), (payload.as_ptr(), None));
    assert!(matches!(frame.payload(), Payload::Borrowed(_)));
}

#[test]
fn pair_has_both_directions() {
    let ExtensionPair { mut decoder, mut encoder } = ExtensionPair::new(Flip::default(), Flip::default());
    encoder.restart();
    encoder.release_memory();
    decoder.release_memory();
    let frame = encoder.encode(Frame::lent(OpCode::Text, "Hello")).unwrap();
    assert_eq!(decoder.decode(frame, usize::MAX), Ok((Frame::lent(OpCode::Text, "Hello"), None)));
    assert_eq!(format!("{:?}", ExtensionPair { decoder, encoder }), "ExtensionPair { .. }");
}

#[test]
fn text_is_checked_after_extension_and_other_text_before() {
    let bad = [Frame::new(OpCode::Text, &b"\xC3\x28"[..])];
    let (frames, end) = decode(allow_rsv(client()), [encode(&send(&bad), None)]);
    assert_eq!((frames.len(), end), (1, Ok(())));
    assert_eq!(receive(frames, Limits::default()), Err(DecodeError::InvalidUtf8));
    let (_, end) = decode(allow_rsv(client()), [encode(&bad, None)]);
    assert_eq!(end, Err(DecodeError::InvalidUtf8));
}

#[test]
fn rejects_reserved_bit_that_was_not_negotiated() {
    let wire = encode(&send(&[Frame::text("a")]), None);
    assert_eq!(decode(client(), [&wire]), (vec![], Err(DecodeError::ReservedBits)));
}

#[test]
fn message_limit_counts_after_extension() {
    let limits = Limits::new(4);
    let frames = send(&[Frame::text("12").with_fin(false), Frame::continuation("34")]);
    assert_eq!(receive(frames, limits), Ok(vec!["1234".into()]));
    let frames = send(&[Frame::text("12").with_fin(false), Frame::continuation("345")]);
    assert_eq!(receive(frames, limits), Err(DecodeError::MessageTooLong));
}
