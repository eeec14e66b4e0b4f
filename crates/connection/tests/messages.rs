//! Messages whole and in parts, pings and pongs.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use bytes::{Bytes, BytesMut};
use common::{client, frames, masked, receive_all, receive_valid, server, text_part, unmasked};
use proptest::prelude::*;
use protocol_websocket_connection::{
    Config, Connection, Delivery, Event, Limits, Message, Negotiated, Outbox, SendError,
};
use protocol_websocket_frame::{DecodeError, EncodeError, Frame};

//= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
//# an endpoint MUST perform the following steps.
//= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
//# An endpoint MUST encapsulate the /data/ in a WebSocket frame as defined in Section 5.2.
#[test]
fn roundtrips_messages_in_both_directions() {
    let (mut client, mut server) = (client(&Config::new()), server(&Config::new()));
    for message in [Message::from("grüß dich"), Message::from(""), Message::from(vec![0; 70_000])] {
        let mut wire = BytesMut::new();
        client.send(message.clone(), &mut wire).unwrap();
        let (events, _) = receive_valid(&mut server, &mut wire);
        assert_eq!(events, [Event::Message(message.clone())]);

        server.send(message.clone(), &mut wire).unwrap();
        let (events, _) = receive_valid(&mut client, &mut wire);
        assert_eq!(events, [Event::Message(message)]);
    }
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.1
//# a client MUST mask all frames that it sends to the server
//= https://www.rfc-editor.org/rfc/rfc6455#section-5.3
//# the client MUST pick a fresh masking key from the set of allowed 32-bit values.
//= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
//# If the data is being sent by the client, the frame(s) MUST be masked as defined in Section 5.3.
//= https://www.rfc-editor.org/rfc/rfc6455#section-10.3
//# Clients MUST choose a new masking key for each frame, using an algorithm that cannot be
//# predicted by end applications
#[test]
fn client_masks_each_frame_with_fresh_key() {
    let mut next = 0;
    let random = move |key: &mut [u8]| {
        next += 1;
        key.fill(next);
    };
    let mut client = Connection::open_client(&Negotiated::default(), Config::new(), random);
    let mut wire = BytesMut::new();
    client.send("a", &mut wire).unwrap();
    client.ping("b", &mut wire).unwrap();
    assert_eq!(
        wire[..],
        [&b"\x81\x81\x01\x01\x01\x01"[..], &[b'a' ^ 1], b"\x89\x81\x02\x02\x02\x02", &[b'b' ^ 2]].concat()
    );
}

#[test]
fn send_shared_returns_a_long_payload_without_copy() {
    let (mut client, mut server) = (client(&Config::new()), server(&Config::new()));
    for len in [Outbox::MIN_SHARED, 100_000] {
        let payload = Bytes::from(vec![0x55; len]);
        let mut output = BytesMut::new();
        let rest = server.send_shared(payload.clone(), &mut output).unwrap().unwrap();
        assert_eq!((rest.as_ptr(), rest.len()), (payload.as_ptr(), len), "the payload is not copied");
        output.extend_from_slice(&rest);
        let (events, _) = receive_valid(&mut client, &mut output);
        assert_eq!(events, [Event::Message(payload.into())]);

        // A client masks in place what has no other owner.
        let payload = Bytes::from(vec![0x55; len]);
        let at = payload.as_ptr();
        let rest = client.send_shared(payload, &mut output).unwrap().unwrap();
        assert_eq!(rest.as_ptr(), at);
        output.extend_from_slice(&rest);
        let (events, _) = receive_valid(&mut server, &mut output);
        assert_eq!(events, [Event::Message(vec![0x55; len].into())]);
    }
}

#[test]
fn send_shared_copies_what_it_cannot_share() {
    let long = Bytes::from(vec![0x55; Outbox::MIN_SHARED]);
    let short = long.slice(1..);
    let mut output = BytesMut::new();
    let mut server = server(&Config::new());
    assert_eq!(server.send_shared(short.clone(), &mut output), Ok(None));
    assert_eq!(server.send_shared(&long, &mut output), Ok(None));
    let (events, _) = receive_valid(&mut client(&Config::new()), &mut output);
    assert_eq!(events, [Event::Message(short.clone().into()), Event::Message(long.clone().into())]);

    let mut client = client(&Config::new());
    assert_eq!(client.send_shared(short.clone(), &mut output), Ok(None));
    assert_eq!(client.send_shared(long.clone(), &mut output), Ok(None), "other owners share the bytes");
    let (events, _) = receive_valid(&mut server, &mut output);
    assert_eq!(events, [Event::Message(short.into()), Event::Message(long.into())]);
}

#[test]
fn limits_of_configuration_apply() {
    let config = Config::new().limits(Limits::new(10));
    let (events, end, _) = receive_all(&mut server(&config), &mut masked(Frame::binary(vec![0; 10])));
    assert_eq!((events.len(), end), (1, Ok(())));
    let (events, end, output) = receive_all(&mut server(&config), &mut masked(Frame::binary(vec![0; 11])));
    assert_eq!((events.len(), end), (0, Err(DecodeError::FrameTooLong.into())));
    assert_eq!(output[..], *b"\x88\x02\x03\xF1");
}

#[test]
fn parts_arrive_as_one_message() {
    let (mut client, mut server) = (client(&Config::new()), server(&Config::new()));
    let mut wire = BytesMut::new();
    client.send_part(text_part("Hel", true, false), &mut wire).unwrap();
    assert_eq!(client.send("another", &mut wire), Err(SendError::MessageUnfinished));
    assert_eq!(client.send_part(text_part("new", true, true), &mut wire), Err(EncodeError::PartOutOfOrder.into()));
    client.ping("between", &mut wire).unwrap();
    client.send_part(text_part("lo", false, true), &mut wire).unwrap();
    client.send("another", &mut wire).unwrap();
    let (events, _) = receive_valid(&mut server, &mut wire);
    let between = Event::Ping(Bytes::from("between"));
    assert_eq!(events, [between, Event::Message("Hello".into()), Event::Message("another".into())]);
}

#[test]
fn delivers_parts_as_bytes_arrive() {
    let mut server = server(&Config::new().delivery(Delivery::Parts).min_part(1));
    let mut rest = masked(Frame::text("Hello"));
    let mut wire = rest.split_to(8);
    let (events, _) = receive_valid(&mut server, &mut wire);
    assert_eq!(events, [Event::Part(text_part("He", true, false))]);
    assert!(wire.is_empty(), "all bytes are delivered");
    let (events, _) = receive_valid(&mut server, &mut rest);
    assert_eq!(events, [Event::Part(text_part("llo", false, true))]);
}

#[test]
fn part_has_4_kib_or_ends_its_frame() {
    let mut server = server(&Config::new().delivery(Delivery::Parts));
    let mut lens = Vec::new();
    for mut read in masked(Frame::binary(vec![7; 10_000])).chunks(1000).map(BytesMut::from) {
        for event in receive_valid(&mut server, &mut read).0 {
            let Event::Part(part) = event else { panic!("{event:?}") };
            lens.push(part.bytes.len());
        }
    }
    // Eight bytes of the first read are the header.
    assert_eq!(lens, [4992, 5000, 8]);
}

#[test]
fn complete_message_is_one_part() {
    let mut server = server(&Config::new().delivery(Delivery::Parts));
    let mut wire = masked(Frame::text("all of it"));
    let (events, _) = receive_valid(&mut server, &mut wire);
    assert_eq!(events, [Event::Part(text_part("all of it", true, true))]);
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.1
//# A server MUST NOT mask any frames that it sends to the client.
//= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.2
//# an endpoint MUST send a Pong frame in response, unless it already received a Close frame.
//= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
//# If a control frame (Section 5.5) is received, the frame MUST be handled as defined by Section
//# 5.5.
#[test]
fn answers_ping_with_its_payload() {
    let (events, output) = receive_valid(&mut server(&Config::new()), &mut masked(Frame::ping("there?")));
    assert_eq!(events, [Event::Ping(Bytes::from("there?"))]);
    assert_eq!(output, unmasked(Frame::pong("there?")));

    let (_, output) = receive_valid(&mut client(&Config::new()), &mut unmasked(Frame::ping("there?")));
    assert_eq!(output, masked(Frame::pong("there?")));

    let (events, output) = receive_valid(&mut server(&Config::new()), &mut masked(Frame::pong("here")));
    assert_eq!((events, output.len()), (vec![Event::Pong(Bytes::from("here"))], 0));
}

#[test]
fn application_can_answer_pings() {
    let mut server = server(&Config::new().auto_pong(false));
    let (events, mut output) = receive_valid(&mut server, &mut masked(Frame::ping("there?")));
    assert_eq!((events.len(), output.len()), (1, 0));
    server.pong("there?", &mut output).unwrap();
    assert_eq!(output, unmasked(Frame::pong("there?")));
    assert_eq!(server.ping(vec![0; 126], &mut output), Err(EncodeError::ControlTooLong.into()));
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3
//= type=test
//# If an endpoint receives a Ping frame and has not yet sent Pong
//# frame(s) in response to previous Ping frame(s), the endpoint MAY
//# elect to send a Pong frame for only the most recently processed Ping
//# frame.
#[test]
fn ping_flood_is_answered_with_latest_pong() {
    let mut server = server(&Config::new().high_water_mark(1000));
    let mut output = BytesMut::new();
    for n in 0..10_000 {
        let mut wire = masked(Frame::ping(format!("{n:0>125}")));
        assert!(server.receive(&mut wire, &mut output).unwrap().is_some());
    }
    let one = unmasked(Frame::pong("0".repeat(125))).len();
    assert!(output.len() <= 1000 + one, "{} bytes", output.len());

    output.clear();
    assert!(server.receive(&mut BytesMut::new(), &mut output).unwrap().is_none());
    assert_eq!(output, unmasked(Frame::pong(format!("{:0>125}", 9_999))));
    output.clear();
    server.send("next", &mut output).unwrap();
    assert_eq!(output, unmasked(Frame::text("next")), "a pong is written once");
}

#[test]
fn keeps_pong_over_64_kib_by_default() {
    for (unsent, pong) in [(65_536, 3), (65_537, 0)] {
        let mut output = BytesMut::zeroed(unsent);
        assert!(server(&Config::new()).receive(&mut masked(Frame::ping("p")), &mut output).unwrap().is_some());
        assert_eq!(output.len(), unsent + pong);
    }
}

#[test]
fn pending_pong_is_written_first() {
    type Send = fn(&mut Connection, &mut BytesMut);
    let sends: [(Send, &[u8]); 4] = [
        (|server, output| server.flush(output), b""),
        (|server, output| server.send("x", output).unwrap(), b"\x81\x01x"),
        (|server, output| drop(server.send_shared("x", output).unwrap()), b"\x81\x01x"),
        (|server, output| server.close(None, output).unwrap(), b"\x88\x00"),
    ];
    for (send, bytes) in sends {
        let mut server = server(&Config::new().high_water_mark(0));
        let mut output = BytesMut::from(&b"unsent"[..]);
        assert!(server.receive(&mut masked(Frame::ping("p")), &mut output).unwrap().is_some());
        server.flush(&mut output);
        assert_eq!(output[..], *b"unsent", "the output is still over the high-water mark");
        output.clear();
        send(&mut server, &mut output);
        assert_eq!(output[..], [b"\x8a\x01p", bytes].concat());
    }
}

#[test]
fn pending_pong_does_not_follow_close() {
    let mut server = server(&Config::new().high_water_mark(0));
    let mut output = BytesMut::from(&b"unsent"[..]);
    let mut wire = masked(Frame::ping("p"));
    wire.unsplit(masked(Frame::close(None).unwrap()));
    while server.receive(&mut wire, &mut output).unwrap().is_some() {}
    output.clear();
    server.flush(&mut output);
    assert!(output.is_empty());
}

proptest! {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
    //# Incoming data MUST be parsed as WebSocket frames as defined in Section 5.2.
    #[test]
    fn events_do_not_depend_on_reads(
        frames in frames(),
        noise: Vec<u8>,
        sizes in prop::collection::vec(1_usize..40, 1..20),
    ) {
        let mut wire: BytesMut = frames.into_iter().flat_map(masked).collect();
        wire.extend_from_slice(&noise);
        let (whole_events, whole_end, whole_output) = receive_all(&mut server(&Config::new()), &mut wire.clone());

        let mut server = server(&Config::new());
        let (mut events, mut end, mut output, mut input) = (Vec::new(), Ok(()), BytesMut::new(), BytesMut::new());
        let mut sizes = sizes.iter().cycle();
        while !wire.is_empty() && end.is_ok() {
            let size = *sizes.next().unwrap();
            input.unsplit(wire.split_to(size.min(wire.len())));
            let (new_events, new_end, new_output) = receive_all(&mut server, &mut input);
            events.extend(new_events);
            output.unsplit(new_output);
            end = new_end;
        }
        prop_assert_eq!(events, whole_events);
        prop_assert_eq!((end, output), (whole_end, whole_output));
    }
}
