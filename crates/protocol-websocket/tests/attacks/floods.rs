//! Floods and loops: L3 to L5, F1 to F3, F9 and F10.

use bytes::{Bytes, BytesMut};
use protocol_websocket::{
    Close, Config, Connection, DecodeError, Error, Event, Frame, Limits, Message, SendError, State, Version,
};
use test_support::heap::measure;

use crate::ends::{KEY, client, close, masked, send, server, unmasked};

const ONE_MIB: u64 = 1 << 20;

#[test]
fn fragments_without_an_end_are_refused_when_their_sum_is_too_long() {
    // A ping between them neither counts nor begins anew.
    let more = [Frame::continuation(vec![0; 1000]).with_fin(false), Frame::ping("?")];
    let wire = [&masked(&[Frame::binary("").with_fin(false)])[..], &masked(&more).repeat(2000)].concat();
    let (mut server, mut input, mut output, mut sent) =
        (server(&Config::new()), BytesMut::with_capacity(4096), BytesMut::with_capacity(8192), 0);
    let (end, heap) = measure(|| {
        wire.chunks(1000).find_map(|bytes| {
            input.extend_from_slice(bytes);
            sent += bytes.len() as u64;
            refusal(&mut server, &mut input, &mut output)
        })
    });
    assert_eq!(end, Some(Error::Decode(DecodeError::MessageTooLong)));
    assert!(output.ends_with(&close(1009)));
    assert!(sent <= ONE_MIB + 40_000, "{sent} bytes");
    assert!(heap.peak <= 2 * ONE_MIB as i64 + 8192, "{} bytes of heap", heap.peak);
}

#[test]
fn fragments_of_nothing_are_refused_when_there_are_too_many() {
    for max_message in [1, ONE_MIB, 16 * ONE_MIB] {
        let most = (max_message / 256).max(1024) as usize;
        let more = masked(&[Frame::continuation("").with_fin(false), Frame::ping("")]).repeat(2 * most);
        let wire = [&masked(&[Frame::text("").with_fin(false)])[..], &more].concat();
        let mut server = server(&Config::new().limits(Limits::new(max_message)));
        let (mut input, mut output, mut fragments) = (BytesMut::with_capacity(1024), BytesMut::with_capacity(1024), 0);
        let (end, heap) = measure(|| {
            wire.chunks(12).find_map(|bytes| {
                input.extend_from_slice(bytes);
                output.clear();
                fragments += 1;
                refusal(&mut server, &mut input, &mut output)
            })
        });
        assert_eq!(end, Some(Error::Decode(DecodeError::TooManyFragments)));
        // The first twelve bytes are two of them. The last there may be would have to end the message.
        assert_eq!(fragments + 1, most);
        assert!(output.ends_with(&close(1008)));
        assert!(heap.peak <= 4096, "{} bytes of heap", heap.peak);
    }
}

#[test]
fn fragments_of_one_byte_cost_at_most_twice_their_bytes() {
    // Right behind a power of two a buffer that doubles is at its worst.
    for len in [1_usize, 4097, 65_537, 200_000] {
        let [first, middle, last] =
            [Frame::text("x").with_fin(false), Frame::continuation("x").with_fin(false), Frame::continuation("x")]
                .map(|frame| masked(&[frame]));
        let mut server = server(&Config::new().limits(Limits::NONE));
        let (message, heap) = measure(|| {
            let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
            let wires = std::iter::once(&first).chain(std::iter::repeat_n(&middle, len)).chain([&last]);
            let mut events = wires.filter_map(|wire| {
                input.extend_from_slice(wire);
                server.receive(&mut input, &mut output).unwrap()
            });
            events.next()
        });
        assert!(matches!(message, Some(Event::Message(text)) if text.as_bytes().len() == len + 2));
        assert!(heap.peak <= (2 * len + 4096) as i64, "{} bytes for {len}", heap.peak);
    }
}

/// Twice what has come, two reads and 4 KiB: the caller's input and all that the connection holds, whatever the lengths
/// of the reads and the fragments.
#[test]
fn a_message_costs_at_most_twice_what_has_come_whatever_the_reads() {
    const TOTAL: usize = 300_000;
    for count in [1, 2, 17, 1000] {
        let fragment = |nth| {
            let bytes = vec![7; TOTAL / count];
            let frame = if nth == 1 { Frame::binary(bytes) } else { Frame::continuation(bytes) };
            frame.with_fin(nth == count)
        };
        let wire = masked(&(1..=count).map(fragment).collect::<Vec<_>>());
        for reads in [
            &[1460, 1460, 500][..],
            &[1, 1024],
            &[1024, 1],
            &[4096, 100],
            &[16_384, 1],
            &[33_000, 1],
            &[40_000, 10],
            &[1, 65_536],
            &[65_536],
            &[16_384],
            &[100],
        ] {
            let longest = *reads.iter().max().unwrap();
            for reserves in [false, true] {
                let (mut server, mut input, mut output) = (server(&Config::new()), BytesMut::new(), BytesMut::new());
                let (mut came, mut held, mut message) = (0, 0, None);
                for &read in reads.iter().cycle() {
                    let bytes = &wire[came..wire.len().min(came + read)];
                    came += bytes.len();
                    let (event, heap) = measure(|| {
                        input.reserve(if reserves { longest } else { 0 });
                        input.extend_from_slice(bytes);
                        server.receive(&mut input, &mut output).unwrap()
                    });
                    let most = held + heap.peak;
                    let at_most = (2 * came + 2 * longest + 4096) as i64;
                    assert!(
                        most <= at_most,
                        "{most} bytes after {came}: {count} fragments in reads of {reads:?}, {reserves}"
                    );
                    held += heap.live;
                    message = event;
                    if message.is_some() {
                        break;
                    }
                }
                assert!(
                    matches!(message, Some(Event::Message(message)) if message.as_bytes().len() == TOTAL / count * count)
                );
            }
        }
    }
}

/// Reads all there is, and drops it at once.
fn refusal(server: &mut Connection, input: &mut BytesMut, output: &mut BytesMut) -> Option<Error> {
    loop {
        match server.receive(input, output) {
            Ok(Some(_)) => {}
            Ok(None) => return None,
            Err(error) => return Some(error),
        }
    }
}

#[test]
fn a_flood_of_pings_holds_back_one_pong() {
    let (mut server, mut output) = (server(&Config::new()), BytesMut::new());
    let mut input = BytesMut::with_capacity(1024);
    let flood = |server: &mut Connection, input: &mut BytesMut, output: &mut BytesMut, count: u32| {
        for number in 0..count {
            let ping = Frame::ping(format!("{number:0>125}"));
            ping.encode(Version::Rfc6455, Some(KEY), input).unwrap();
            assert!(matches!(server.receive(input, output), Ok(Some(Event::Ping(_)))));
        }
    };
    flood(&mut server, &mut input, &mut output, 600);
    assert!(
        output.len() > Config::HIGH_WATER_MARK && output.len() <= Config::HIGH_WATER_MARK + 127,
        "{}",
        output.len()
    );
    let full = output.len();
    let ((), heap) = measure(|| flood(&mut server, &mut input, &mut output, 100_000));
    assert_eq!(output.len(), full, "whoever does not read is not written to");
    assert!(heap.live <= 512, "{} bytes are held", heap.live);
    output.clear();
    server.flush(&mut output);
    assert_eq!(output, unmasked(&[Frame::pong(format!("{:0>125}", 99_999))]), "the latest");
}

#[test]
fn a_flood_of_pongs_is_nothing() {
    let pong = masked(&[Frame::pong(vec![0; 125])]);
    let (mut server, mut input, mut output) = (server(&Config::new()), BytesMut::with_capacity(1024), BytesMut::new());
    let (_, heap) = measure(|| {
        for _ in 0..100_000 {
            input.extend_from_slice(&pong);
            assert!(matches!(server.receive(&mut input, &mut output), Ok(Some(Event::Pong(_)))));
        }
    });
    assert!(output.is_empty());
    assert!(heap.peak <= 2048, "{} bytes of heap", heap.peak);
}

/// Each call takes one event's bytes and returns, however many more there are.
#[test]
fn one_call_gives_one_event() {
    let frames = [Frame::ping("?"), Frame::pong("!"), Frame::text("x")];
    let mut input: BytesMut = masked(&frames).repeat(10_000)[..].into();
    let (mut server, mut output) = (server(&Config::new()), BytesMut::new());
    for _ in 0..30_000 {
        let before = input.len();
        assert!(server.receive(&mut input, &mut output).unwrap().is_some());
        assert_eq!(before - input.len(), 7);
        output.clear();
    }
    assert!(matches!(server.receive(&mut input, &mut output), Ok(None)));
}

/// All that waits for a slow reader is in `output`, for the caller to see; nothing waits inside.
#[test]
fn what_a_slow_reader_leaves_is_in_the_output() {
    let (mut server, mut output) = (server(&Config::new()), BytesMut::new());
    let message = Message::from(Bytes::from_static(&[0; 1000]));
    let (_, heap) = measure(|| {
        for _ in 0..1000 {
            let mut written = BytesMut::with_capacity(1004);
            server.send(message.clone(), &mut written).unwrap();
            assert_eq!(written.len(), 1004);
        }
    });
    assert_eq!(heap.live, 0);
    output.extend_from_slice(&vec![0; Config::HIGH_WATER_MARK + 1]);
    let before = output.len();
    assert!(server.receive(&mut masked(&[Frame::ping("?")]), &mut output).unwrap().is_some());
    assert_eq!(output.len(), before, "over the mark nothing is added unasked");
}

#[test]
fn two_ends_that_close_say_it_once_each() {
    let (mut a, mut b) = (client(&Config::new()), server(&Config::new()));
    let (mut to_a, mut to_b) = (BytesMut::new(), BytesMut::new());
    a.close(Close::new(4000, ""), &mut to_b).unwrap();
    b.close(Close::new(4001, ""), &mut to_a).unwrap();
    let mut rounds = 0;
    while !(to_a.is_empty() && to_b.is_empty()) {
        rounds += 1;
        while a.receive(&mut to_a, &mut to_b).unwrap().is_some() {}
        while b.receive(&mut to_b, &mut to_a).unwrap().is_some() {}
    }
    assert_eq!((rounds, a.state(), b.state()), (1, State::Closed, State::Closed));
}

#[test]
fn what_follows_a_close_is_neither_read_nor_answered() {
    let close_frame = masked(&[Frame::close(Some(&Close::new(1000, ""))).unwrap()]);
    for behind in [
        &close_frame.repeat(1000)[..],
        &masked(&[Frame::text("x"), Frame::ping("x"), Frame::continuation("x")]),
        b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
        b"\x83\x00\x91\x00\x88\x01",
        b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    ] {
        for piece in [1, 5, 100_000] {
            let mut server = server(&Config::new());
            let (told, heap) = measure(|| send(&mut server, &[&close_frame, behind].concat(), piece));
            assert!(matches!(&told.events[..], [Event::Close(Some(_))]), "{:?}", told.events);
            assert_eq!((told.end, &told.output[..], told.left.len()), (Ok(()), &close(1000)[..], 0));
            assert!(heap.peak < 100_000);
            assert_eq!(server.send("x", &mut BytesMut::new()), Err(SendError::Closed));
            assert_eq!(server.receive_eof(), Ok(()), "that was a clean end");
        }
    }
}
