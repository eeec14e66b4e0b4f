//! Both directions are suspended and resumed at every byte of a message.
//!
//! `cargo test -p protocol-websocket-permessage-deflate --test suspend -- --nocapture` prints the memory and the states.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use proptest::prelude::*;
use protocol_websocket_frame::{
    ExtensionDecoder as _, ExtensionEncoder as _, Frame, Limits, OpCode, ResumeError, Rsv, StateReader, StateWriter,
    SuspendError,
};
use protocol_websocket_permessage_deflate::{Deflater, Inflater};
use test_support::heap::{CountingAllocator, measure};

use common::{decode, encode, fragments, noise};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const ROOM: usize = 1 << 20;

fn suspend(inflater: &mut Inflater) -> Result<Vec<u8>, SuspendError> {
    let mut state = StateWriter::new();
    inflater.suspend(&mut state).map(|()| state.into_bytes())
}

fn resume(mut inflater: Inflater, state: &[u8], limits: &Limits) -> Result<Inflater, ResumeError> {
    let mut state = StateReader::new(state);
    inflater.resume(&mut state, limits)?;
    state.finish().map(|()| inflater)
}

/// Suspends the inflater and resumes it with the same settings.
fn hand_over(inflater: &mut Inflater, new: impl Fn() -> Inflater) -> Inflater {
    let state = suspend(inflater).unwrap();
    resume(new(), &state, &Limits::new(ROOM as u64)).unwrap()
}

fn text(len: usize) -> Vec<u8> {
    (0..).flat_map(|n: usize| format!("line {n} of {}, ", n * 7919).into_bytes()).take(len).collect()
}

/// Splits a frame into pieces of `size` bytes, as a connection passes them on.
fn pieces(frame: &Frame, size: usize) -> Vec<Frame> {
    let chunks: Vec<_> = frame.payload().chunks(size).collect();
    let last = chunks.len().saturating_sub(1);
    let piece = |(at, bytes): (usize, &&[u8])| {
        let piece = Frame::new(if at == 0 { frame.opcode() } else { OpCode::Continuation }, bytes.to_vec());
        piece.with_rsv(if at == 0 { frame.rsv() } else { Rsv::NONE }).with_fin(frame.fin() && at == last)
    };
    chunks.iter().enumerate().map(piece).collect()
}

#[test]
fn every_cut_of_compressed_messages_continues() {
    for takeover in [true, false] {
        for windows_only in [true, false] {
            for bits in [9, 15] {
                let mut deflater = Deflater::new(bits).context_takeover(takeover).threshold(0);
                let new = || {
                    Inflater::new()
                        .window_bits(bits)
                        .context_takeover(takeover)
                        .windows_only(windows_only)
                        .suspendable(ROOM)
                };
                let mut inflater = new();
                for len in [0, 1, 100, 3000, 700, 1500] {
                    let message = text(len);
                    let frame = encode(&mut deflater, Frame::binary(message.clone()));
                    let mut received = Vec::new();
                    for piece in pieces(&frame, 1) {
                        inflater = hand_over(&mut inflater, new);
                        let (decoded, rest) = decode(&mut inflater, piece, ROOM).unwrap();
                        assert!(rest.is_none());
                        received.extend_from_slice(decoded.payload());
                    }
                    assert_eq!(received, message, "takeover {takeover}, {windows_only}, {bits} bits, {len} bytes");
                }
            }
        }
    }
}

#[test]
fn large_messages_continue() {
    for message in [text(400_000), noise(200_000), vec![0; 900_000]] {
        let mut deflater = Deflater::new(15);
        let new = || Inflater::new().suspendable(ROOM);
        let mut inflater = new();
        for _ in 0..2 {
            let frame = encode(&mut deflater, Frame::binary(message.clone())).with_fin(false);
            let size = (frame.payload().len() / 7).max(1);
            let mut received = Vec::new();
            for piece in pieces(&frame, size) {
                let (decoded, rest) = decode(&mut inflater, piece, ROOM).unwrap();
                assert!(rest.is_none());
                received.extend_from_slice(decoded.payload());
                inflater = hand_over(&mut inflater, new);
            }
            let (decoded, _) = decode(&mut inflater, Frame::continuation(""), ROOM).unwrap();
            received.extend_from_slice(decoded.payload());
            assert!(received == message, "{} bytes", message.len());
        }
    }
}

proptest! {
    #[test]
    fn fragments_continue_at_every_cut(
        lengths in prop::collection::vec(0_usize..600, 1..5),
        sizes in prop::collection::vec(1_usize..300, 0..4),
        piece in 1_usize..200,
        takeover: bool,
    ) {
        let mut deflater = Deflater::new(12).context_takeover(takeover).threshold(64);
        let new = || Inflater::new().window_bits(12).context_takeover(takeover).suspendable(ROOM);
        let (mut inflater, mut uninterrupted) = (new(), new());
        for len in lengths {
            for fragment in fragments(&text(len), &sizes) {
                for piece in pieces(&encode(&mut deflater, fragment), piece) {
                    inflater = hand_over(&mut inflater, new);
                    prop_assert_eq!(decode(&mut inflater, piece.clone(), ROOM), decode(&mut uninterrupted, piece, ROOM));
                }
            }
        }
    }

    #[test]
    fn changed_state_neither_panics_nor_exceeds_limits(at: prop::sample::Index, byte: u8, len in 0_usize..2000) {
        let frame = encode(&mut Deflater::new(15), Frame::binary(text(2000)));
        let mut inflater = Inflater::new().suspendable(ROOM);
        let part = frame.payload().slice(..len.min(frame.payload().len() - 1));
        let first = Frame::new(OpCode::Binary, part).with_rsv(Rsv::RSV1).with_fin(false);
        decode(&mut inflater, first, ROOM).unwrap();
        let mut state = suspend(&mut inflater).unwrap();
        let at = at.index(state.len());
        state[at] = byte;
        let (resumed, heap) = measure(|| resume(Inflater::new().suspendable(ROOM), &state, &Limits::new(3000)));
        prop_assert!(heap.peak < 200 * 1024, "{}", heap.peak);
        if let Ok(mut inflater) = resumed {
            let _ = decode(&mut inflater, Frame::continuation("more"), 100);
        }
        for len in 0..state.len() {
            prop_assert!(resume(Inflater::new().suspendable(ROOM), &state[..len], &Limits::new(3000)).is_err());
        }
    }
}

#[test]
fn deflater_continues_with_an_empty_window() {
    for takeover in [true, false] {
        let mut deflater = Deflater::new(15).context_takeover(takeover);
        let mut inflater = Inflater::new().context_takeover(takeover);
        for _ in 0..3 {
            for fragment in fragments(&text(5000), &[1000, 3, 2000]) {
                let mut state = StateWriter::new();
                deflater.suspend(&mut state).unwrap();
                let state = state.into_bytes();
                deflater = Deflater::new(15).context_takeover(takeover);
                deflater.resume(&mut StateReader::new(&state)).unwrap();
                let encoded = encode(&mut deflater, fragment.clone());
                let (decoded, rest) = decode(&mut inflater, encoded, ROOM).unwrap();
                assert_eq!((decoded, rest), (fragment, None));
            }
        }
    }
}

#[test]
fn refuses_inside_a_message_without_the_setting() {
    let frame = encode(&mut Deflater::new(15), Frame::binary(text(3000)));
    let mut inflater = Inflater::new();
    let [first, second] = &pieces(&frame, frame.payload().len().div_ceil(2))[..] else { panic!("two pieces") };
    let (decoded, _) = decode(&mut inflater, first.clone(), ROOM).unwrap();
    assert_eq!(suspend(&mut inflater), Err(SuspendError::MessageInProgress));
    let (rest, _) = decode(&mut inflater, second.clone(), ROOM).unwrap();
    assert_eq!([decoded.payload().as_ref(), rest.payload()].concat(), text(3000));
    assert!(suspend(&mut inflater).is_ok(), "between messages");
}

#[test]
fn refuses_a_message_that_is_longer_than_the_record() {
    let frame = encode(&mut Deflater::new(15), Frame::binary(noise(3000)));
    let mut inflater = Inflater::new().suspendable(1000);
    for (at, piece) in pieces(&frame, 500).into_iter().enumerate() {
        let is_last = piece.fin();
        decode(&mut inflater, piece, ROOM).unwrap();
        let expected = if at < 2 || is_last { None } else { Some(SuspendError::MessageInProgress) };
        assert_eq!(suspend(&mut inflater).err(), expected, "piece {at}");
    }
}

#[test]
fn refuses_while_output_is_pending() {
    let frame = encode(&mut Deflater::new(15), Frame::binary(text(3000)));
    let mut inflater = Inflater::new().suspendable(ROOM);
    let (_, rest) = decode(&mut inflater, frame, 100).unwrap();
    assert_eq!(suspend(&mut inflater), Err(SuspendError::EventsPending));
    decode(&mut inflater, rest.unwrap(), ROOM).unwrap();
    assert!(suspend(&mut inflater).is_ok());
}

#[test]
fn refuses_after_an_error() {
    let mut inflater = Inflater::new();
    let frame = Frame::binary(&b"\xFF\xFF"[..]).with_rsv(Rsv::RSV1);
    decode(&mut inflater, frame, ROOM).unwrap_err();
    assert_eq!(suspend(&mut inflater), Err(SuspendError::Failed));
}

#[test]
fn rejects_states_over_the_limits() {
    let frame = encode(&mut Deflater::new(15), Frame::binary(text(3000))).with_fin(false);
    let mut inflater = Inflater::new().suspendable(ROOM);
    decode(&mut inflater, frame.clone(), ROOM).unwrap();
    let state = suspend(&mut inflater).unwrap();
    let exceeded = Some(ResumeError::LimitExceeded);
    let limits = |max| Limits::new(max);
    assert_eq!(resume(Inflater::new().suspendable(ROOM), &state, &limits(2999)).err(), exceeded);
    assert_eq!(resume(Inflater::new().suspendable(ROOM), &state, &limits(3000)).err(), None);
    let len = frame.payload().len();
    assert_eq!(resume(Inflater::new().suspendable(len - 1), &state, &limits(3000)).err(), exceeded);
    assert_eq!(resume(Inflater::new(), &state, &limits(3000)).err(), exceeded, "the setting is off");

    let mut deflater = Deflater::new(15);
    let mut inflater = Inflater::new();
    decode(&mut inflater, encode(&mut deflater, Frame::binary(text(3000))), ROOM).unwrap();
    let state = suspend(&mut inflater).unwrap();
    assert_eq!(resume(Inflater::new().window_bits(9), &state, &limits(3000)).err(), exceeded);
    assert_eq!(resume(Inflater::new().context_takeover(false), &state, &limits(3000)).err(), exceeded);
}

#[test]
fn rejects_a_message_that_was_not_returned_in_this_length() {
    let frame = encode(&mut Deflater::new(15), Frame::binary(vec![0; 900_000])).with_fin(false);
    let mut inflater = Inflater::new().suspendable(ROOM);
    decode(&mut inflater, frame, ROOM).unwrap();
    let state = suspend(&mut inflater).unwrap();
    let (numbers, last) = state.split_at(state.len() - 8);
    let returned = u64::from_le_bytes(last.try_into().unwrap());
    for other in [0, returned - 1, returned + 1] {
        let changed = [numbers, &other.to_le_bytes()].concat();
        let (resumed, heap) =
            measure(|| resume(Inflater::new().suspendable(ROOM), &changed, &Limits::new(ROOM as u64)));
        assert_eq!(resumed.err(), Some(ResumeError::Invalid));
        assert!(heap.peak < 100 * 1024, "{}", heap.peak);
    }
}

#[test]
fn message_in_one_piece_takes_no_more_memory_with_the_setting() {
    let frame = encode(&mut Deflater::new(15), Frame::binary(text(20_000)));
    let peak = |inflater: Inflater| {
        let mut inflater = inflater;
        measure(|| decode(&mut inflater, frame.clone(), ROOM).unwrap()).1.peak
    };
    assert_eq!(peak(Inflater::new()), peak(Inflater::new().suspendable(ROOM)));
}

#[test]
fn message_in_pieces_takes_the_window_and_its_compressed_bytes() {
    let frame = encode(&mut Deflater::new(15), Frame::binary(text(400_000))).with_fin(false);
    let live = |mut inflater: Inflater| {
        let (_, heap) = measure(|| {
            for piece in pieces(&frame, 1000) {
                drop(decode(&mut inflater, piece, ROOM).unwrap());
            }
            &inflater
        });
        let mut suspended = inflater;
        (heap.live, suspend(&mut suspended).map(|state| state.len()))
    };
    let ((without, _), (with, state)) = (live(Inflater::new()), live(Inflater::new().suspendable(ROOM)));
    let compressed = i64::try_from(frame.payload().len()).unwrap();
    println!(
        "{compressed} compressed bytes: {without} bytes of heap, with the setting {with}, state of {state:?} bytes"
    );
    assert!(with - without <= 2 * compressed + 1024, "{with} and {without}");
}
