//! A stream gives the same messages and the same error however it is cut and delivered.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use protocol_websocket_core::Role;
use protocol_websocket_frame::{Assembler, DecodeError, Decoder, Delivery, Frame, Limits, Message};
use protocol_websocket_fuzz::pieces;

const LIMITS: Limits = Limits::new(300).max_frame(200).max_fragments(4);

#[derive(Debug, PartialEq)]
enum Out {
    Control(Frame),
    Message(Message),
    Error(DecodeError),
}

fuzz_target!(|input: (bool, [u8; 4], &[u8])| {
    let (server, cuts, stream) = input;
    let decoder = Decoder::new(if server { Role::Server } else { Role::Client }).limits(LIMITS);
    let whole = run(decoder.clone(), [stream].into_iter());
    for delivery in [Delivery::Whole, Delivery::Parts] {
        assert_eq!(run(decoder.clone().delivery(delivery), pieces(stream, &cuts)), whole);
    }
});

fn run<'a>(mut decoder: Decoder, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Out> {
    let (mut input, mut assembler, mut out) = (BytesMut::new(), Assembler::new(LIMITS), Vec::new());
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut input) {
                Ok(None) => break,
                Ok(Some(frame)) if frame.opcode().is_control() => out.push(Out::Control(frame)),
                Ok(Some(frame)) => out.extend(assembler.push(frame).unwrap().map(Out::Message)),
                Err(error) => {
                    out.push(Out::Error(error));
                    return out;
                }
            }
        }
    }
    out
}
