//! Attacks by compression: S12 and D1 to D8.

use protocol_websocket::frame::Rsv;
use protocol_websocket::{
    Config, Connection, DecodeError, Delivery, Error, Event, ExtensionParams, Frame, Limits, Negotiated, OpCode,
    PermessageDeflate, Version,
};

use crate::endpoint::{AcceptingServer, bomb, head, masked, send};
use test_support::attacks::close_frame;
use test_support::heap::measure;

const LIMIT: i64 = 1 << 20;

fn config() -> Config {
    Config::new().extension(PermessageDeflate::new())
}

fn server(config: &Config) -> Connection {
    Connection::open_server(&Negotiated::default().extension(ExtensionParams::new("permessage-deflate")), config)
}

/// Returns the extensions that a server accepts of an offer.
fn accepted(config: Config, offers: &str) -> Result<Vec<String>, Error> {
    let request = head(Version::Rfc6455, "", &format!("Sec-WebSocket-Extensions: {offers}\r\n"));
    let received = send(&mut AcceptingServer::new(config), request.as_bytes(), 1000);
    received.result?;
    let [Event::Open(opened)] = &received.events[..] else { panic!("{:?}", received.events) };
    Ok(opened.negotiated().extensions.iter().map(ToString::to_string).collect())
}

#[test]
fn compression_is_off_by_default() {
    assert_eq!(accepted(Config::new(), "permessage-deflate"), Ok(vec![]));
    assert_eq!(accepted(config(), "permessage-deflate"), Ok(vec!["permessage-deflate".into()]));
}

#[test]
fn declines_invalid_parameters() {
    for bad in [
        "server_max_window_bits=7",
        "server_max_window_bits=16",
        "server_max_window_bits=08",
        "server_max_window_bits=+9",
        "server_max_window_bits=99999999999999999999",
        "server_max_window_bits",
        "server_max_window_bits=10; server_max_window_bits=10",
        "client_max_window_bits=0",
        "client_no_context_takeover=1",
        "server_no_context_takeover; server_no_context_takeover",
        "unknown",
    ] {
        assert_eq!(accepted(config(), &format!("permessage-deflate; {bad}")), Ok(vec![]), "{bad}");
        // A valid offer may follow.
        let both = format!("permessage-deflate; {bad}, permessage-deflate");
        assert_eq!(accepted(config(), &both), Ok(vec!["permessage-deflate".into()]), "{bad}");
    }
}

#[test]
fn rejects_a_bomb_in_any_fragmentation() {
    // 64 MiB of zeros, as binary and as text, in 1, 3 and 600 frames.
    let zeros = bomb(64).into_payload();
    let split = |kind: OpCode, piece: usize| -> Vec<Frame> {
        let pieces = zeros.chunks(piece).enumerate();
        let frame = |(at, bytes): (usize, &[u8])| {
            let opcode = if at == 0 { kind } else { OpCode::Continuation };
            let rsv = if at == 0 { Rsv::RSV1 } else { Rsv::NONE };
            Frame::new(opcode, bytes.to_vec()).with_rsv(rsv).with_fin((at + 1) * piece >= zeros.len())
        };
        pieces.map(frame).collect()
    };
    for kind in [OpCode::Binary, OpCode::Text] {
        for piece in [zeros.len(), zeros.len() / 3, zeros.len() / 600] {
            let wire = masked(&split(kind, piece));
            for (delivery, most) in [(Delivery::Whole, LIMIT), (Delivery::Parts, 128 << 10)] {
                let mut server = server(&config().limits(Limits::default()).delivery(delivery));
                let ((end, output), heap) = measure(|| {
                    let (mut input, mut output) = (bytes::BytesMut::new(), bytes::BytesMut::new());
                    let end = wire.chunks(4096).find_map(|read| {
                        input.extend_from_slice(read);
                        loop {
                            match server.receive(&mut input, &mut output) {
                                Ok(Some(_)) => {}
                                Ok(None) => return None,
                                Err(error) => return Some(error),
                            }
                        }
                    });
                    (end, output)
                });
                assert_eq!(end, Some(Error::Decode(DecodeError::MessageTooLong)), "{kind:?} in {piece}");
                assert_eq!(output[..], close_frame(1009));
                assert!(
                    heap.peak < most + (192 << 10),
                    "{} bytes of heap, {kind:?}, {delivery:?} in {piece}",
                    heap.peak
                );
            }
        }
    }
}

/// Each stored block has five bytes and no content.
#[test]
fn empty_blocks_cost_no_memory() {
    let blocks = [&b"\x00\x00\x00\xFF\xFF".repeat(100_000)[..], b"\x00"].concat();
    let wire = masked(&[Frame::binary(blocks).with_rsv(Rsv::RSV1)]);
    let (mut server, mut input) = (server(&config()), bytes::BytesMut::new());
    let (events, heap) = measure(|| {
        let mut events = Vec::new();
        for read in wire.chunks(4096) {
            input.extend_from_slice(read);
            events.extend(server.receive(&mut input, &mut bytes::BytesMut::new()).unwrap());
        }
        events
    });
    assert!(matches!(&events[..], [Event::Message(message)] if message.as_bytes().is_empty()));
    assert!(heap.peak < 128 << 10, "{} bytes of heap", heap.peak);
}

#[test]
fn rejects_malformed_deflate_data() {
    for bad in [
        &b"\x07"[..], // a block of a reserved type
        b"\x06",
        b"\x00\x05\x00\x00\x00hello", // a length that does not match its complement
        b"\x03\x02\x00",              // a distance before the beginning
        b"\x78\x9C\xCB\x48\xCD\xC9\xC9\x07\x00", // a zlib header
        b"\x1F\x8B\x08\x00",          // a gzip header
        b"\x05\xE0\x01\xFF\xFF\xFF",  // code lengths that do not form a tree
    ] {
        let received = send(&mut server(&config()), &masked(&[Frame::binary(bad).with_rsv(Rsv::RSV1)]), 1);
        assert_eq!(received.result, Err(Error::Decode(DecodeError::Extension)), "{bad:02x?}");
        assert_eq!((&received.output[..], received.events.len()), (&close_frame(1007)[..], 0));
    }
}

#[test]
fn rejects_rsv1_except_on_the_first_frame_of_a_message() {
    let first = Frame::binary("").with_fin(false);
    for frames in [
        &[first.clone().with_rsv(Rsv::RSV1), Frame::continuation("").with_rsv(Rsv::RSV1)][..],
        &[first, Frame::continuation("").with_rsv(Rsv::RSV1)],
        &[Frame::ping("").with_rsv(Rsv::RSV1)],
        &[Frame::binary("").with_rsv(Rsv::RSV1 | Rsv::RSV2)],
        &[Frame::binary("").with_rsv(Rsv::RSV3)],
    ] {
        let received = send(&mut server(&config()), &masked(frames), 1);
        assert_eq!(received.result, Err(Error::Decode(DecodeError::ReservedBits)), "{frames:?}");
        assert_eq!(received.output[..], close_frame(1002));
    }
}
