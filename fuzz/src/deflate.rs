//! permessage-deflate, between two connections and compared with flate2.

use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use bytes::{Bytes, BytesMut};
use flate2::{Decompress, FlushDecompress, Status};
use protocol_websocket_connection::{
    Config, Connection, Delivery, Event, EventRef, ExtensionParams, Frame, Limits, Message, MessageKind, Negotiated,
    Part, Role,
};
use protocol_websocket_frame::{
    DecodeError, ExtensionDecoder as _, ExtensionEncoder as _, MaskKey, Negotiate as _, OpCode, Rsv,
};
use protocol_websocket_permessage_deflate::{Deflater, Inflater, PermessageDeflate};

use crate::input::{bit, every_split, pieces, read};

/// With all negotiated parameters, messages arrive unchanged: whole messages, parts, and frames that are compressed
/// elsewhere or not at all, however the wire is split, in either delivery, owned or lent, with pings in order. A
/// message that follows a frame that was compressed elsewhere does not refer to the window before it. Without context
/// takeover the compressed form of a message does not depend on the message before it, finished or not.
pub fn deflate(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(Endpoints { mut sending, mut receiving, shared_window, level, releases_memory, lends, splits }) =
        endpoints(&mut input)
    else {
        return;
    };
    let (mut wire, mut expected) = (BytesMut::new(), Vec::new());
    while expected.len() < 12
        && !input.is_empty()
        && send_message(&mut input, &mut sending, shared_window, &mut wire, &mut expected).is_ok()
    {}
    if let (Some(bits), [(_, previous), .., (_, message)]) = (shared_window, &expected[..]) {
        let deflater = || Deflater::new(bits).level(level).threshold(0).context_takeover(false);
        let mut before = deflater();
        before.encode(Frame::lent(OpCode::Binary, &previous[..])).unwrap();
        let [previous, message] = [previous, message].map(|message| &message[..message.len().min(200)]);
        let unfinished = Frame::lent(OpCode::Binary, previous).with_fin(false);
        every_split(message, &splits, |pieces| {
            let frames: Vec<Frame> = fragments(pieces);
            before.encode(unfinished.clone()).unwrap();
            let [alone, after] = [&mut deflater(), &mut before]
                .map(|deflater| frames.iter().map(|frame| encoded(deflater, frame)).collect::<Vec<_>>());
            assert_eq!(alone, after);
        });
    }

    let (mut pongs, mut received) = (BytesMut::new(), Vec::new());
    let mut open: Option<Vec<u8>> = None;
    // A long stream is not split into single bytes, because that takes too long.
    let splits = if wire.len() > 1000 { splits.map(|split| split | 0x3F) } else { splits };
    for piece in pieces(&wire, &splits) {
        let (mut owned, mut lent) = (BytesMut::from(piece), piece.to_vec());
        let mut rest = &mut lent[..];
        loop {
            let event = if lends {
                receiving.receive_lent(&mut rest, &mut pongs).unwrap().map(EventRef::into_owned)
            } else {
                receiving.receive(&mut owned, &mut pongs).unwrap()
            };
            let Some(event) = event else { break };
            match event {
                Event::Message(message) => received.push((Some(message.kind()), message.into_bytes().into())),
                Event::Part(part) => {
                    assert_eq!(part.first, open.is_none());
                    let mut message = open.take().unwrap_or_default();
                    message.extend_from_slice(&part.bytes);
                    match part.last {
                        true => received.push((Some(part.kind), message)),
                        false => open = Some(message),
                    }
                }
                Event::Ping(payload) => received.push((None, payload.into())),
                other => panic!("{other:?}"),
            }
            if releases_memory {
                receiving.release_memory();
            }
        }
    }
    assert_eq!(received, expected);
}

struct Endpoints {
    sending: Connection,
    receiving: Connection,
    /// Window bits for frames that are compressed elsewhere, if the parameters allow such frames.
    shared_window: Option<u8>,
    level: u8,
    /// Whether the receiver releases memory after each event.
    releases_memory: bool,
    /// Whether the receiver receives lent events.
    lends: bool,
    splits: [u8; 4],
}

/// Makes a server that sends and a client that receives, or the reverse.
fn endpoints(input: &mut Unstructured<'_>) -> arbitrary::Result<Endpoints> {
    let (options, level, bits, splits) = input.arbitrary::<(u8, u8, [u8; 2], [u8; 4])>()?;
    let mut extension = PermessageDeflate::new().level(level % 10).threshold(usize::from(level >> 4));
    extension = extension.server_max_window_bits(8 + bits[0] % 8).client_max_window_bits(8 + bits[1] % 8);
    if bit(options, 0) {
        extension = extension.server_no_context_takeover();
    }
    if bit(options, 1) {
        extension = extension.client_no_context_takeover();
    }
    let offer = extension.offers().remove(0);
    let agreed = extension.respond(&offer).unwrap();
    let role = if bit(options, 3) { Role::Server } else { Role::Client };
    let shared_window = PermessageDeflate::window_bits(role, &agreed);
    let negotiated = Negotiated::default().extension(agreed);
    let delivery = if bit(options, 2) { Delivery::Parts } else { Delivery::Whole };
    let config = Config::new().extension(extension).limits(Limits::NONE).delivery(delivery);
    let config = Arc::new(config);
    let server = Connection::open_server(&negotiated, Arc::clone(&config));
    let client = Connection::open_client(&negotiated, config, |key: &mut [u8]| key.copy_from_slice(b"key!"));
    let (sending, receiving) = if role == Role::Server { (server, client) } else { (client, server) };
    Ok(Endpoints {
        sending,
        receiving,
        shared_window,
        level: level % 10,
        releases_memory: bit(options, 4),
        lends: bit(options, 5),
        splits,
    })
}

type Sent = (Option<MessageKind>, Vec<u8>);

/// Sends a message in one of the ways, with pings and releases of memory in between.
fn send_message(
    input: &mut Unstructured<'_>,
    sending: &mut Connection,
    shared_window: Option<u8>,
    wire: &mut BytesMut,
    expected: &mut Vec<Sent>,
) -> arbitrary::Result<()> {
    let options = input.arbitrary::<u8>()?;
    let payload = payload(input)?;
    match options % 4 {
        0 => sending.send(Message::from(payload.clone()), wire).unwrap(),
        1 => {
            let mut elsewhere =
                shared_window.filter(|_| bit(options, 5)).map(|bits| Deflater::new(bits).context_takeover(false));
            // In one frame or in two.
            let pieces = payload.chunks(1 + payload.len() / (1 + usize::from(bit(options, 4))));
            for frame in fragments(&mut pieces.filter(|piece| !piece.is_empty())) {
                let frame = match &mut elsewhere {
                    Some(deflater) => encoded(deflater, &frame),
                    None => frame,
                };
                sending.send_frame(&frame, wire).unwrap();
            }
        }
        2 => {
            let rest = sending.send_shared(Message::from(payload.clone()), wire).unwrap();
            wire.extend(rest);
        }
        _ => {
            // Only a few parts, because the compressor flushes after each.
            let size = 1 + payload.len() / 8 + usize::from(input.arbitrary::<u8>()?);
            let mut rest = Bytes::from(payload.clone());
            let mut first = true;
            while first || !rest.is_empty() {
                let bytes = rest.split_to(size.min(rest.len()));
                let last = rest.is_empty();
                let part = Part::new(MessageKind::Binary, bytes).with_first(first).with_last(last);
                sending.send_part(part, wire).unwrap();
                first = false;
                if bit(options, 7) {
                    sending.ping("inside", wire).unwrap();
                    expected.push((None, b"inside".to_vec()));
                }
            }
            // The message ends with its last part, before the ping after it.
            let last_ping = if bit(options, 7) { expected.pop() } else { None };
            expected.push((Some(MessageKind::Binary), payload));
            expected.extend(last_ping);
            return Ok(());
        }
    }
    if bit(options, 6) {
        sending.release_memory();
    }
    expected.push((Some(MessageKind::Binary), payload));
    Ok(())
}

/// Encodes a frame, which is lent to the encoder.
fn encoded(deflater: &mut Deflater, frame: &Frame) -> Frame {
    let lent = Frame::lent(frame.opcode(), &frame.payload()[..]).with_fin(frame.fin()).with_rsv(frame.rsv());
    deflater.encode(lent).unwrap().into_owned()
}

/// Makes a fragmented message of these pieces.
fn fragments(pieces: &mut dyn Iterator<Item = &[u8]>) -> Vec<Frame> {
    let mut pieces: Vec<_> = pieces.map(Bytes::copy_from_slice).collect();
    let last = pieces.pop().unwrap_or_default();
    let mut frames: Vec<_> = pieces.into_iter().map(|piece| Frame::continuation(piece).with_fin(false)).collect();
    frames.push(Frame::continuation(last));
    frames[0] = Frame::binary(frames[0].payload().clone()).with_fin(frames[0].fin());
    frames
}

/// Makes a payload: some bytes of the input, possibly repeated.
fn payload(input: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    let (times, len) = input.arbitrary::<(u8, u8)>()?;
    let unit = input.bytes(usize::from(len).min(input.len()))?;
    Ok(unit.repeat(if times < 128 { 1 } else { usize::from(times - 127) }))
}

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    max_output: u16,
    splits: [u8; 4],
    stream: &'a [u8],
}

/// Any payload decompresses as with flate2, or is an error in both, however it is split and in pieces of at most `room`
/// bytes.
pub fn inflate(data: &[u8]) {
    let Some(input) = read::<Input<'_>>(data) else { return };
    let room = 1 + usize::from(input.max_output);
    let expected = plain(input.stream);
    let check = |result: Result<Vec<u8>, DecodeError>| match (result, &expected) {
        (Ok(message), Some(expected)) => assert_eq!(message, *expected),
        (Err(error), None) => assert_eq!(error, DecodeError::Extension),
        (result, expected) => panic!("{result:?} instead of {expected:?}"),
    };
    every_split(input.stream, &input.splits, |pieces| check(inflated(&mut Inflater::new(), pieces, room)));

    // Without context takeover, a message before it changes nothing, even if that message is not finished.
    let mut deflater = Deflater::new(15).threshold(0);
    let previous = deflater.encode(Frame::lent(OpCode::Binary, input.stream)).unwrap();
    for (fin, first_room) in [(true, usize::MAX), (false, usize::MAX), (true, room)] {
        let mut after = Inflater::new().context_takeover(false);
        // The output beyond `room` is dropped, so the first message may stay unfinished.
        after.decode(previous.clone().with_fin(fin), first_room).unwrap();
        check(inflated(&mut after, &mut [input.stream].into_iter(), room));
    }

    // A connection returns no message over the limit, and rejects no message within the limit.
    let limit = u64::from(input.max_output);
    let negotiated = Negotiated::default().extension(ExtensionParams::new("permessage-deflate"));
    let config = Config::new().extension(PermessageDeflate::new()).limits(Limits::new(limit).max_frame(u64::MAX));
    let mut server = Connection::open_server(&negotiated, config);
    let (mut wire, mut output) = (BytesMut::new(), BytesMut::new());
    let frame = Frame::binary(input.stream.to_vec()).with_rsv(Rsv::RSV1);
    frame.encode(negotiated.version, Some(MaskKey(*b"key!")), &mut wire).unwrap();
    match (server.receive(&mut wire, &mut output), expected) {
        (Ok(Some(Event::Message(message))), Some(plain)) => {
            assert!(message.as_bytes().len() as u64 <= limit);
            assert_eq!(message.as_bytes()[..], plain[..]);
        }
        (Err(error), plain) => {
            let fits = plain.is_some_and(|plain| plain.len() as u64 <= limit) && input.stream.len() as u64 <= limit;
            assert!(!fits, "{error:?}");
        }
        (Ok(event), plain) => panic!("{event:?} instead of {plain:?}"),
    }
}

/// Decompresses a message in these pieces.
fn inflated(
    inflater: &mut Inflater,
    pieces: &mut dyn Iterator<Item = &[u8]>,
    room: usize,
) -> Result<Vec<u8>, DecodeError> {
    let (mut out, mut first) = (Vec::new(), true);
    for piece in pieces.map(Some).chain([None]) {
        let (opcode, rsv) = if first { (OpCode::Binary, Rsv::RSV1) } else { (OpCode::Continuation, Rsv::NONE) };
        let frame = Frame::lent(opcode, piece.unwrap_or_default()).with_rsv(rsv);
        let mut next = Some(frame.with_fin(piece.is_none()));
        while let Some(frame) = next {
            let (output, rest) = inflater.decode(frame, room)?;
            assert!(output.payload().len() <= room);
            assert!(rest.is_none() || output.payload().len() == room, "a piece is shorter than room");
            out.extend_from_slice(output.payload());
            next = rest;
        }
        first = false;
    }
    Ok(out)
}

/// Decompresses a complete payload by RFC 7692 §7.2.2.
fn plain(stream: &[u8]) -> Option<Vec<u8>> {
    let stream = [stream, &[0x00, 0x00, 0xFF, 0xFF]].concat();
    let mut context = Decompress::new(false);
    let (mut rest, mut out) = (&stream[..], Vec::new());
    loop {
        out.reserve(1 << 16);
        let before = context.total_in();
        let status = context.decompress_vec(rest, &mut out, FlushDecompress::Sync).ok()?;
        rest = &rest[(context.total_in() - before) as usize..];
        match status {
            Status::StreamEnd => context.reset(false),
            _ if out.len() == out.capacity() => continue,
            Status::BufError if !rest.is_empty() => return None,
            _ => {}
        }
        if rest.is_empty() {
            return Some(out);
        }
    }
}
