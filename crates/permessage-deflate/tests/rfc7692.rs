//! The examples of RFC 7692 §7.2.3, byte for byte.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use protocol_websocket_frame::{Frame, OpCode, Rsv};
use protocol_websocket_permessage_deflate::{Deflater, Inflater};

use common::{decode, encode};

/// A text message in one compressed frame.
fn compressed(payload: &'static [u8]) -> Frame {
    Frame::new(OpCode::Text, payload).with_rsv(Rsv::RSV1)
}

fn inflated(inflater: &mut Inflater, frame: Frame) -> Frame {
    let (frame, rest) = decode(inflater, frame, 1024).unwrap();
    assert_eq!(rest, None);
    frame
}

const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";

//= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
//# An endpoint MUST use the following algorithm to send a message in the form of a compressed
//# message.
#[test]
fn section_7_2_3_1_one_compressed_block() {
    assert_eq!(inflated(&mut Inflater::new(), compressed(HELLO)), Frame::text("Hello"));
    let frame = encode(&mut Deflater::new(15).threshold(0), Frame::text("Hello"));
    assert_eq!((frame.payload()[..].to_vec(), frame.rsv()), (HELLO.to_vec(), Rsv::RSV1));
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-6.2
//# An endpoint MUST use the following algorithm to receive a message in the form of a compressed
//# message.
#[test]
fn section_7_2_3_1_in_two_frames() {
    let mut inflater = Inflater::new();
    let first = inflated(&mut inflater, compressed(&HELLO[..3]).with_fin(false));
    let second = inflated(&mut inflater, Frame::continuation(&HELLO[3..]));
    assert_eq!((first.opcode(), first.fin(), first.rsv()), (OpCode::Text, false, Rsv::NONE));
    assert_eq!((second.opcode(), second.fin()), (OpCode::Continuation, true));
    assert_eq!([&first.payload()[..], second.payload()].concat(), b"Hello");
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
//# Otherwise, the client MUST decompress each new message using the LZ77 sliding window used to
//# process the last compressed message.
#[test]
fn section_7_2_3_2_the_window_is_kept() {
    let again = &b"\xf2\x00\x11\x00\x00"[..];
    for mut inflater in [Inflater::new(), Inflater::default()] {
        assert_eq!(inflated(&mut inflater, compressed(HELLO)), Frame::text("Hello"));
        assert_eq!(inflated(&mut inflater, compressed(again)), Frame::text("Hello"));
    }
    let mut deflater = Deflater::new(15).threshold(0);
    encode(&mut deflater, Frame::text("Hello"));
    assert_eq!(encode(&mut deflater, Frame::text("Hello")).payload()[..], *again);
    // Without takeover the window is empty.
    let mut deflater = deflater.context_takeover(false);
    encode(&mut deflater, Frame::text("Hello"));
    assert_eq!(encode(&mut deflater, Frame::text("Hello")).payload()[..], *HELLO);
}

#[test]
fn section_7_2_3_3_a_block_without_compression() {
    let frame = compressed(b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00");
    assert_eq!(inflated(&mut Inflater::new(), frame), Frame::text("Hello"));
}

#[test]
fn section_7_2_3_4_a_final_block() {
    let r#final = &b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"[..];
    let mut inflater = Inflater::new();
    for _ in 0..2 {
        assert_eq!(inflated(&mut inflater, compressed(r#final)), Frame::text("Hello"));
        assert_eq!(inflated(&mut inflater, compressed(HELLO)), Frame::text("Hello"));
    }
}

#[test]
fn section_7_2_3_5_two_blocks() {
    let frame = compressed(b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00");
    assert_eq!(inflated(&mut Inflater::new(), frame), Frame::text("Hello"));
}

#[test]
fn section_7_2_3_6_an_empty_message() {
    for empty in [&b"\x00"[..], b"\x02\x00"] {
        assert_eq!(inflated(&mut Inflater::new(), compressed(empty)), Frame::text(""));
    }
    let mut deflater = Deflater::new(15).threshold(0);
    for _ in 0..3 {
        assert_eq!(encode(&mut deflater, Frame::text("")).payload()[..], *b"\x00");
    }
    encode(&mut deflater, Frame::text("Hello"));
    assert_eq!(encode(&mut deflater, Frame::text("")).payload()[..], *b"\x00");
}
