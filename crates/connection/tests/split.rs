//! Two halves in two threads.
#![cfg(feature = "split")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use bytes::{Bytes, BytesMut};
use common::{client, masked, server, unmasked};
use protocol_websocket_connection::{
    Close, CloseCode, Config, Connection, Error, Event, Extension, Frame, MessageKind, Negotiated, Part, SendError,
    SendHalf, Version,
};
use protocol_websocket_frame::{DecodeError, EncodeError, Rsv};

fn part(first: bool, last: bool) -> Part {
    Part { kind: MessageKind::Binary, bytes: Bytes::from("x"), first, last }
}

#[test]
fn a_pong_finds_its_way_and_is_masked() {
    let (mut receiving, mut sending) = client(&Config::new()).split();
    let mut output = BytesMut::new();
    sending.flush(&mut output);
    assert!(output.is_empty());
    receiving.receive(&mut unmasked(Frame::ping("1"))).unwrap();
    receiving.receive(&mut unmasked(Frame::ping("2"))).unwrap();
    sending.send("text", &mut output).unwrap();
    let mut expected = masked(Frame::pong("2"));
    expected.unsplit(masked(Frame::text("text")));
    assert_eq!(output, expected, "the latest one, once, before the message");
}

#[test]
fn a_pong_waits_for_a_frame_border_not_for_the_message() {
    let (mut receiving, mut sending) = server(&Config::new()).split();
    let mut output = BytesMut::new();
    sending.send_part(part(true, false), &mut output).unwrap();
    receiving.receive(&mut masked(Frame::ping("p"))).unwrap();
    sending.send_part(part(false, true), &mut output).unwrap();
    assert_eq!(output[..], *b"\x02\x01x\x8a\x01p\x80\x01x");
}

#[test]
fn a_close_is_answered_by_the_other_half() {
    let (mut receiving, mut sending) = server(&Config::new()).split();
    let close = Close::new(4000, "bye");
    let mut output = BytesMut::new();
    let event = receiving.receive(&mut masked(Frame::close(Some(&close)).unwrap())).unwrap();
    assert!(matches!(event, Some(Event::Close(Some(_)))));
    assert!(!sending.is_closed(), "its answer is not written yet");
    assert_eq!(sending.send("too late", &mut output), Err(SendError::Closed));
    assert_eq!(output, unmasked(Frame::close(Some(&close)).unwrap()));
    assert!(sending.is_closed());
    assert_eq!(receiving.close_code(), Some(close.code));
    assert_eq!(receiving.receive_eof(), Ok(()));
}

#[test]
fn a_failure_is_told_by_the_other_half_once() {
    let (mut receiving, mut sending) = server(&Config::new()).split();
    let mut output = BytesMut::new();
    for _ in 0..2 {
        let failed = receiving.receive(&mut unmasked(Frame::text("not masked")));
        assert_eq!(failed.unwrap_err(), Error::Decode(DecodeError::MaskMissing));
        sending.flush(&mut output);
    }
    assert_eq!(output[..], *b"\x88\x02\x03\xEA");
}

#[test]
fn every_way_of_sending_lets_an_answer_go_first() {
    type Send = fn(&mut SendHalf, &mut BytesMut);
    let sends: [Send; 7] = [
        |sending, output| sending.send("x", output).unwrap(),
        |sending, output| drop(sending.send_vectored("x", output).unwrap()),
        |sending, output| sending.send_part(part(true, true), output).unwrap(),
        |sending, output| sending.send_frame(&Frame::binary("x"), output).unwrap(),
        |sending, output| sending.ping("x", output).unwrap(),
        |sending, output| sending.pong("x", output).unwrap(),
        |sending, output| sending.close(None, output).unwrap(),
    ];
    for send in sends {
        let (mut receiving, mut sending) = server(&Config::new()).split();
        receiving.receive(&mut masked(Frame::ping("p"))).unwrap();
        let mut output = BytesMut::new();
        send(&mut sending, &mut output);
        assert!(output.starts_with(b"\x8a\x01p") && output.len() > 3, "{output:02x?}");
    }
}

#[test]
fn a_pong_that_was_held_back_before_the_split_is_not_lost() {
    let mut server = server(&Config::new().high_water_mark(0));
    let mut output = BytesMut::from(&b"unsent"[..]);
    server.receive(&mut masked(Frame::ping("p")), &mut output).unwrap();
    let (_, mut sending) = server.split();
    output.clear();
    sending.flush(&mut output);
    assert_eq!(output[..], *b"\x8a\x01p");
}

#[test]
fn the_end_of_input_ends_both_halves() {
    let (mut receiving, mut sending) = server(&Config::new()).split();
    assert_eq!(receiving.receive_eof(), Err(Error::UnexpectedEof));
    assert_eq!(receiving.receive_eof(), Ok(()));
    let mut output = BytesMut::new();
    assert_eq!(sending.send("x", &mut output), Err(SendError::Closed));
    assert!(sending.is_closed() && output.is_empty());
}

/// As [`Connection::receive_eof`] does it: servers of hybi-00 close the transport instead of a Close of their own.
#[test]
fn end_of_stream_after_our_close_is_clean_in_the_oldest_versions() {
    type Close = fn(&mut SendHalf);
    let closes: [Close; 2] = [
        |sending| sending.close(None, &mut BytesMut::new()).unwrap(),
        |sending| sending.send_frame(&Frame::close(None).unwrap(), &mut BytesMut::new()).unwrap(),
    ];
    for (version, is_clean) in [(Version::Hixie75, true), (Version::Hybi00, true), (Version::Hybi10, false)] {
        let end = if is_clean { Ok(()) } else { Err(Error::UnexpectedEof) };
        let code = if is_clean { CloseCode::NO_STATUS } else { CloseCode::ABNORMAL };
        let new = || Connection::server(&Negotiated::default().version(version), &Config::new());
        for close in closes {
            let (mut receiving, mut sending) = new().split();
            close(&mut sending);
            assert_eq!((receiving.receive_eof(), receiving.close_code()), (end, Some(code)), "{version}");
        }
        let mut closed_before = new();
        closed_before.close(None, &mut BytesMut::new()).unwrap();
        let (mut receiving, _) = closed_before.split();
        assert_eq!((receiving.receive_eof(), receiving.close_code()), (end, Some(code)), "{version}");
        let (mut receiving, _sending) = new().split();
        assert_eq!(receiving.receive_eof(), Err(Error::UnexpectedEof), "before our Close");
    }
}

#[test]
fn the_halves_may_live_in_two_threads() {
    let (mut receiving, mut sending) = server(&Config::new()).split();
    let (wake, woken) = std::sync::mpsc::channel();
    let writer = std::thread::spawn(move || {
        let mut output = BytesMut::new();
        while let Ok(()) = woken.recv() {
            sending.flush(&mut output);
        }
        assert!(sending.is_closed());
        output
    });
    for frame in [Frame::ping("a"), Frame::close(None).unwrap()] {
        receiving.receive(&mut masked(frame)).unwrap();
        wake.send(()).unwrap();
    }
    drop(wake);
    let output = writer.join().unwrap();
    assert!(output.ends_with(b"\x88\x00") && output.starts_with(b"\x8a\x01a"), "{output:02x?}");
}

/// Counts how often it was asked to give memory back.
struct Counted(Arc<AtomicUsize>);

impl Extension for Counted {
    fn rsv(&self) -> Rsv {
        Rsv::NONE
    }

    fn decode(&mut self, frame: Frame, _: usize) -> Result<(Frame, Option<Frame>), DecodeError> {
        Ok((frame, None))
    }

    fn encode(&mut self, frame: Frame) -> Result<Frame, EncodeError> {
        Ok(frame)
    }

    fn release_memory(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[test]
fn each_half_gives_its_own_memory_back() {
    let (received, sent) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let mut server = server(&Config::new());
    server.extend(Counted(received.clone()), Counted(sent.clone()));
    server.release_memory();
    assert_eq!((received.load(Relaxed), sent.load(Relaxed)), (1, 1));
    let (mut receiving, mut sending) = server.split();
    receiving.release_memory();
    assert_eq!((received.load(Relaxed), sent.load(Relaxed)), (2, 1));
    sending.release_memory();
    assert_eq!((received.load(Relaxed), sent.load(Relaxed)), (2, 2));
}

#[test]
fn what_needs_no_answer_gives_the_other_half_none() {
    let (mut receiving, mut sending) = server(&Config::new()).split();
    let mut input = masked(Frame::text("hi"));
    assert!(matches!(receiving.receive(&mut input), Ok(Some(Event::Message(_)))));
    assert!(matches!(receiving.receive(&mut input), Ok(None)));
    let mut output = BytesMut::new();
    sending.flush(&mut output);
    assert!(output.is_empty());
}
