//! A connection is suspended and resumed before each byte of a stream. The events, the output and the end are those of a
//! connection that receives the same bytes and is not suspended. A stream of at most `MAX_SINGLE_CUTS` bytes is also received in
//! two pieces, once for each position, with a hand-over between them. A stream of more than `MAX_ALL_CUTS` bytes is received in
//! about 50 pieces of the same length, with a hand-over before each piece.
//!
//! The streams are the inputs of six fuzz targets without their options, and the recorded streams of Perl. Each of them is
//! received by both roles in all versions, with two of three configurations. No configuration here has an extension:
//! `crates/protocol-websocket/tests/suspend_deflate.rs` does the same with permessage-deflate.

use std::fs;
use std::path::Path;

use bytes::BytesMut;
use proptest::prelude::*;
use protocol_websocket_connection::{Config, Connection, Delivery, Ended, Error, Event, Limits, Role, Version};
use protocol_websocket_frame::MaskKey;

use super::common::{frames, receive_all};
use super::{VERSIONS, hand_over, open};

/// The maximum length of a stream that is also split at one position at a time.
const MAX_SINGLE_CUTS: usize = 24;

/// The maximum length of a stream with a hand-over before each byte.
const MAX_ALL_CUTS: usize = 2000;

type Results = (Vec<Event>, Result<(), Error>, BytesMut, Option<Ended>);

/// Receives the pieces. `between` replaces the connection before each piece except the first.
fn receive<'a>(
    mut connection: Connection,
    pieces: impl Iterator<Item = &'a [u8]>,
    between: impl Fn(Connection) -> Connection,
) -> Results {
    let (mut events, mut end, mut output) = (Vec::new(), Ok(()), BytesMut::new());
    for (number, piece) in pieces.enumerate() {
        if number > 0 {
            connection = between(connection);
        }
        let (more, result, reply) = receive_all(&mut connection, &mut BytesMut::from(piece));
        events.extend(more);
        end = result;
        output.extend_from_slice(&reply);
    }
    let eof = connection.receive_eof();
    (events, end.and(eof), output, connection.ended().cloned())
}

/// Compares a suspended connection with another one at each position of the stream.
fn check(role: Role, version: Version, config: &Config, stream: &[u8]) {
    let new = || open(role, version, config);
    let resume = |mut connection: Connection| hand_over(&mut connection);
    let size = if stream.len() > MAX_ALL_CUTS { stream.len() / 50 } else { 1 };
    let uninterrupted = receive(new(), stream.chunks(size), |connection| connection);
    let resumed = receive(new(), stream.chunks(size), resume);
    assert!(resumed == uninterrupted, "{role:?} {version:?} {stream:02x?}: {resumed:?}, {uninterrupted:?}");
    if stream.len() <= MAX_SINGLE_CUTS {
        for at in 0..=stream.len() {
            let (front, back) = stream.split_at(at);
            let pieces = || [front, back].into_iter();
            let uninterrupted = receive(new(), pieces(), |connection| connection);
            assert_eq!(receive(new(), pieces(), resume), uninterrupted, "{role:?} {version:?} at {at}: {stream:02x?}");
        }
    }
}

fn configs() -> [Config; 3] {
    let limits = Limits::new(1000);
    [
        Config::new().limits(limits),
        Config::new().limits(limits).delivery(Delivery::Parts).min_part(3),
        Config::new().perl_compat(),
    ]
}

fn check_all(number: usize, stream: &[u8]) {
    // Each stream with two of three configurations.
    for config in configs().into_iter().cycle().skip(number % 3).take(2) {
        for version in VERSIONS {
            for role in [Role::Client, Role::Server] {
                check(role, version, &config, stream);
            }
        }
    }
}

proptest! {
    #[test]
    fn frames_do_not_depend_on_a_hand_over(frames in frames(), role_is_server: bool, parts: bool, new_version: bool) {
        let (role, key) = if role_is_server { (Role::Server, Some(MaskKey([7; 4]))) } else { (Role::Client, None) };
        let version = if new_version { Version::Rfc6455 } else { Version::Hybi10 };
        let mut stream = BytesMut::new();
        for frame in frames {
            frame.encode(version, key, &mut stream).unwrap();
        }
        let config = Config::new().min_part(2).delivery(if parts { Delivery::Parts } else { Delivery::Whole });
        check(role, version, &config, &stream);
    }

    #[test]
    fn fragmented_text_does_not_depend_on_a_hand_over(
        text in "\\PC{1,40}",
        splits in prop::collection::vec(1_usize..9, 1..5),
        parts: bool,
    ) {
        let (mut stream, mut rest, mut opcode) = (Vec::new(), text.as_bytes(), 0x01);
        for size in splits.iter().cycle() {
            let (fragment, later) = rest.split_at((*size).min(rest.len()));
            rest = later;
            let fin = if rest.is_empty() { 0x80 } else { 0 };
            stream.extend([fin | opcode, u8::try_from(fragment.len()).unwrap()]);
            stream.extend(fragment);
            // A ping between the fragments.
            stream.extend(*b"\x89\x02hi");
            opcode = 0;
            if rest.is_empty() {
                break;
            }
        }
        let config = Config::new().min_part(2).delivery(if parts { Delivery::Parts } else { Delivery::Whole });
        check(Role::Client, Version::Rfc6455, &config, &stream);
    }

    #[test]
    fn sentinel_frames_do_not_depend_on_a_hand_over(
        stream in prop::collection::vec(prop_oneof![Just(0_u8), Just(0xFF), Just(0x80), 0_u8..4, any::<u8>()], 0..60),
    ) {
        for config in configs() {
            for version in [Version::Hybi00, Version::Hixie75] {
                check(Role::Server, version, &config, &stream);
            }
        }
    }
}

#[test]
fn stored_inputs_of_fuzz_targets_do_not_depend_on_a_hand_over() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    let mut streams = 0;
    for target in ["connection", "decoder", "frame_header", "modified_input", "sentinel", "session"] {
        let mut paths: Vec<_> = fs::read_dir(seeds.join(target)).unwrap().map(|file| file.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let bytes = fs::read(path).unwrap();
            // The first bytes are the options of the target: five limits and four lengths of pieces for a decoder.
            let stream = bytes.get(10..).unwrap_or(&bytes);
            check_all(streams, stream);
            streams += 1;
        }
    }
    println!("{streams} streams");
    assert!(streams > 500, "{streams}");
}

/// Returns the bytes of a string of hexadecimal digits, or of a list of strings, some with a number of repetitions.
fn recorded_stream(hex: &serde_json::Value) -> Vec<u8> {
    if let Some(pieces) = hex.as_array() {
        let repeated = |piece: &serde_json::Value| match piece[1].as_u64() {
            Some(times) => recorded_stream(&piece[0]).repeat(usize::try_from(times).unwrap()),
            None => recorded_stream(piece),
        };
        return pieces.iter().flat_map(repeated).collect();
    }
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn recorded_streams_of_perl_do_not_depend_on_a_hand_over() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol-websocket/tests/perl/frame-decode.jsonl");
    let (mut streams, mut longer) = (0, 0);
    for line in fs::read_to_string(path).unwrap().lines() {
        let vector: serde_json::Value = serde_json::from_str(line).unwrap();
        let stream = recorded_stream(&vector["in"]["stream_hex"]);
        longer += usize::from(stream.len() > MAX_ALL_CUTS);
        check_all(streams, &stream);
        streams += 1;
    }
    println!("{streams} streams, {longer} of them longer than {MAX_ALL_CUTS} bytes");
    assert!(streams > 500, "{streams}");
}

#[test]
fn payload_that_a_transport_read_is_carried() {
    use bytes::BufMut as _;
    let mut server = open(Role::Server, Version::Rfc6455, &Config::new());
    let payload: Vec<u8> = (0..128).cycle().take(200_000).collect();
    let mut stream = BytesMut::from(&b"\x81\xFF\0\0\0\0\0\x03\x0D\x40\x01\x02\x03\x04"[..]);
    stream.extend(payload.iter().zip([1_u8, 2, 3, 4].iter().cycle()).map(|(byte, key)| byte ^ key));
    let mut input = stream.split_to(10_000);
    assert_eq!(server.receive(&mut input, &mut BytesMut::new()), Ok(None));
    let mut buffer = server.payload_buffer().unwrap();
    let read = buffer.remaining_mut().min(5000);
    buffer.put_slice(&stream.split_to(read));
    drop(buffer);
    let mut server = hand_over(&mut server);
    let received = server.receive(&mut stream, &mut BytesMut::new()).unwrap();
    assert_eq!(received, Some(Event::Message(String::from_utf8(payload).unwrap().into())));
}
