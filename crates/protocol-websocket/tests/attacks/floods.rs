//! Floods and loops: L3 to L5, F1 to F3, F9 and F10.

use bytes::{Bytes, BytesMut};
use protocol_websocket::{
    Close, Config, Connection, DecodeError, Error, Event, Frame, Limits, Message, SendError, State, Version,
};

use crate::endpoint::{KEY, client, masked, send, server, unmasked};
use test_support::attacks::close_frame;
use test_support::heap::measure;

const ONE_MIB: u64 = 1 << 20;

#[test]
fn rejects_endless_fragments_at_the_message_limit() {
    // Pings between the fragments neither count nor reset the sum.
    let more = [Frame::continuation(vec![0; 1000]).with_fin(false), Frame::ping("?")];
    let wire = [&masked(&[Frame::binary("").with_fin(false)])[..], &masked(&more).repeat(2000)].concat();
    let (mut server, mut input, mut output, mut sent) =
        (server(&Config::new()), BytesMut::with_capacity(4096), BytesMut::with_capacity(8192), 0);
    let (error, heap) = measure(|| {
        wire.chunks(1000).find_map(|bytes| {
            input.extend_from_slice(bytes);
            sent += bytes.len() as u64;
            receive_all(&mut server, &mut input, &mut output)
        })
    });
    assert_eq!(error, Some(Error::Decode(DecodeError::MessageTooLong)));
    assert!(output.ends_with(&close_frame(1009)));
    assert!(sent <= ONE_MIB + 40_000, "{sent} bytes");
    assert!(heap.peak <= 2 * ONE_MIB as i64 + 8192, "{} bytes of heap", heap.peak);
}

#[test]
fn rejects_empty_fragments_at_the_fragment_limit() {
    for max_message in [1, ONE_MIB, 16 * ONE_MIB] {
        let most = (max_message / 256).max(1024) as usize;
        let more = masked(&[Frame::continuation("").with_fin(false), Frame::ping("")]).repeat(2 * most);
        let wire = [&masked(&[Frame::text("").with_fin(false)])[..], &more].concat();
        let mut server = server(&Config::new().limits(Limits::new(max_message)));
        let (mut input, mut output, mut fragments) = (BytesMut::with_capacity(1024), BytesMut::with_capacity(1024), 0);
        let (error, heap) = measure(|| {
            wire.chunks(12).find_map(|bytes| {
                input.extend_from_slice(bytes);
                output.clear();
                fragments += 1;
                receive_all(&mut server, &mut input, &mut output)
            })
        });
        assert_eq!(error, Some(Error::Decode(DecodeError::TooManyFragments)));
        // The first twelve bytes hold two fragments. The last allowed fragment must end the message.
        assert_eq!(fragments + 1, most);
        assert!(output.ends_with(&close_frame(1008)));
        assert!(heap.peak <= 4096, "{} bytes of heap", heap.peak);
    }
}

#[test]
fn fragments_of_one_byte_cost_at_most_twice_their_bytes() {
    // A buffer that doubles wastes most just after a power of two.
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

/// Measures the caller's input and all memory of the connection, for many lengths of reads and fragments. The bound is
/// twice the received bytes, two reads and 4 KiB.
#[test]
fn message_costs_at_most_twice_the_received_bytes() {
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
                let (mut received, mut kept, mut message) = (0, 0, None);
                for &read in reads.iter().cycle() {
                    let bytes = &wire[received..wire.len().min(received + read)];
                    received += bytes.len();
                    let (event, heap) = measure(|| {
                        input.reserve(if reserves { longest } else { 0 });
                        input.extend_from_slice(bytes);
                        server.receive(&mut input, &mut output).unwrap()
                    });
                    let most = kept + heap.peak;
                    let at_most = (2 * received + 2 * longest + 4096) as i64;
                    assert!(
                        most <= at_most,
                        "{most} bytes after {received}: {count} fragments in reads of {reads:?}, {reserves}"
                    );
                    kept += heap.live;
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

/// Receives and drops all events, and returns the error if there is one.
fn receive_all(server: &mut Connection, input: &mut BytesMut, output: &mut BytesMut) -> Option<Error> {
    loop {
        match server.receive(input, output) {
            Ok(Some(_)) => {}
            Ok(None) => return None,
            Err(error) => return Some(error),
        }
    }
}

#[test]
fn ping_flood_keeps_one_pong() {
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
    assert_eq!(output.len(), full, "no pong is added over the high-water mark");
    assert!(heap.live <= 512, "{} bytes are kept", heap.live);
    output.clear();
    server.flush(&mut output);
    assert_eq!(output, unmasked(&[Frame::pong(format!("{:0>125}", 99_999))]), "the latest ping is answered");
}

#[test]
fn pong_flood_keeps_nothing() {
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

/// Each call consumes the bytes of one event and returns, even if the input has more.
#[test]
fn one_call_returns_one_event() {
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

/// All bytes for a slow peer are in `output`, where the caller can count them. The connection keeps none.
#[test]
fn unsent_bytes_are_all_in_the_output() {
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
    assert_eq!(output.len(), before, "over the high-water mark only the caller adds bytes");
}

#[test]
fn simultaneous_closes_are_sent_once_each() {
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
fn discards_everything_after_a_close() {
    let close = masked(&[Frame::close(Close::new(1000, "")).unwrap()]);
    for following in [
        &close.repeat(1000)[..],
        &masked(&[Frame::text("x"), Frame::ping("x"), Frame::continuation("x")]),
        b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
        b"\x83\x00\x91\x00\x88\x01",
        b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    ] {
        for piece in [1, 5, 100_000] {
            let mut server = server(&Config::new());
            let (received, heap) = measure(|| send(&mut server, &[&close, following].concat(), piece));
            assert!(matches!(&received.events[..], [Event::Close(Some(_))]), "{:?}", received.events);
            assert_eq!(
                (received.result, &received.output[..], received.remaining.len()),
                (Ok(()), &close_frame(1000)[..], 0)
            );
            assert!(heap.peak < 100_000);
            assert_eq!(server.send("x", &mut BytesMut::new()), Err(SendError::Closed));
            assert_eq!(server.receive_eof(), Ok(()), "the connection ended cleanly");
        }
    }
}
