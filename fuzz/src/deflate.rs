//! permessage-deflate, from one end to the other and against the plain decompressor below it.

use arbitrary::{Arbitrary, Unstructured};
use bytes::{Bytes, BytesMut};
use flate2::{Decompress, FlushDecompress, Status};
use protocol_websocket_connection::{
    Config, Connection, Delivery, Event, Extension as _, Frame, Limits, Message, MessageKind, Negotiate, Negotiated,
    Part,
};
use protocol_websocket_frame::{DecodeError, MaskKey, Rsv};
use protocol_websocket_http::{Extension, Role};
use protocol_websocket_permessage_deflate::{Deflater, Inflater, PermessageDeflate};

use crate::input::{bit, every_cut, pieces, read};

/// Whatever two ends agree on, what is sent arrives: whole messages, parts and frames past the extension, compressed
/// elsewhere or not at all, however the wire is cut and in whatever form it is asked for, with pings in their places. And
/// what a message is compressed to does not depend on the message before it, finished or not.
pub fn deflate(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(Ends { mut sending, mut receiving, shared, level, shrink, cuts }) = ends(&mut input) else { return };
    let (mut wire, mut expected) = (BytesMut::new(), Vec::new());
    while expected.len() < 12
        && !input.is_empty()
        && say(&mut input, &mut sending, shared, &mut wire, &mut expected).is_ok()
    {}
    if let (Some(bits), [(_, tenant), .., (_, message)]) = (shared, &expected[..]) {
        let deflater = || Deflater::new(bits).level(level).threshold(0).context_takeover(false);
        let mut before = deflater();
        before.encode(Frame::binary(tenant.clone())).unwrap();
        let [tenant, message] = [tenant, message].map(|message| &message[..message.len().min(200)]);
        let unfinished = Frame::binary(tenant.to_vec()).with_fin(false);
        every_cut(message, &cuts, |cuts| {
            let frames: Vec<Frame> = fragments(cuts);
            before.encode(unfinished.clone()).unwrap();
            let [alone, after] = [&mut deflater(), &mut before]
                .map(|deflater| frames.iter().map(|frame| deflater.encode(frame.clone()).unwrap()).collect::<Vec<_>>());
            assert_eq!(alone, after);
        });
    }

    let (mut buffer, mut pongs, mut came) = (BytesMut::new(), BytesMut::new(), Vec::new());
    let mut open: Option<Vec<u8>> = None;
    // Byte by byte, what is long takes long.
    let cuts = if wire.len() > 1000 { cuts.map(|cut| cut | 0x3F) } else { cuts };
    for piece in pieces(&wire, &cuts) {
        buffer.extend_from_slice(piece);
        while let Some(event) = receiving.receive(&mut buffer, &mut pongs).unwrap() {
            match event {
                Event::Message(message) => came.push((Some(message.kind()), message.into_bytes().into())),
                Event::Part(part) => {
                    assert_eq!(part.first, open.is_none());
                    let mut message = open.take().unwrap_or_default();
                    message.extend_from_slice(&part.bytes);
                    match part.last {
                        true => came.push((Some(part.kind), message)),
                        false => open = Some(message),
                    }
                }
                Event::Ping(payload) => came.push((None, payload.into())),
                other => panic!("{other:?}"),
            }
            if shrink {
                receiving.release_memory();
            }
        }
    }
    assert_eq!(came, expected);
}

struct Ends {
    sending: Connection,
    receiving: Connection,
    /// The window that frames may have that were compressed elsewhere.
    shared: Option<u8>,
    level: u8,
    /// Whether the receiving end shrinks after each event.
    shrink: bool,
    cuts: [u8; 4],
}

/// A server that sends and a client that receives, or the other way round.
fn ends(input: &mut Unstructured<'_>) -> arbitrary::Result<Ends> {
    let (options, level, bits, cuts) = input.arbitrary::<(u8, u8, [u8; 2], [u8; 4])>()?;
    let mut extension = PermessageDeflate::new().level(level % 10).threshold(usize::from(level >> 4));
    extension = extension.server_max_window_bits(8 + bits[0] % 8).client_max_window_bits(8 + bits[1] % 8);
    if bit(options, 0) {
        extension = extension.server_no_context_takeover();
    }
    if bit(options, 1) {
        extension = extension.client_no_context_takeover();
    }
    let offer = extension.offers().remove(0);
    let agreed = extension.answer(&offer).unwrap();
    let role = if bit(options, 3) { Role::Server } else { Role::Client };
    let shared = PermessageDeflate::window_bits(role, &agreed);
    let negotiated = Negotiated::default().extension(agreed);
    let delivery = if bit(options, 2) { Delivery::Parts } else { Delivery::Whole };
    let config = Config::new().extension(extension).limits(Limits::NONE).delivery(delivery);
    let server = Connection::server(&negotiated, &config);
    let client = Connection::client(&negotiated, &config, |key: &mut [u8]| key.copy_from_slice(b"key!"));
    let (sending, receiving) = if role == Role::Server { (server, client) } else { (client, server) };
    Ok(Ends { sending, receiving, shared, level: level % 10, shrink: bit(options, 4), cuts })
}

type Said = (Option<MessageKind>, Vec<u8>);

/// Sends a message in one of all ways, pings and shrinks on the way.
fn say(
    input: &mut Unstructured<'_>,
    sending: &mut Connection,
    shared: Option<u8>,
    wire: &mut BytesMut,
    expected: &mut Vec<Said>,
) -> arbitrary::Result<()> {
    let what = input.arbitrary::<u8>()?;
    let payload = payload(input)?;
    match what % 4 {
        0 => sending.send(Message::from(payload.clone()), wire).unwrap(),
        1 => {
            let mut elsewhere = shared.filter(|_| bit(what, 5)).map(|bits| Deflater::new(bits).context_takeover(false));
            // In one frame or in two.
            let pieces = payload.chunks(1 + payload.len() / (1 + usize::from(bit(what, 4))));
            for frame in fragments(&mut pieces.filter(|piece| !piece.is_empty())) {
                let frame = match &mut elsewhere {
                    Some(deflater) => deflater.encode(frame).unwrap(),
                    None => frame,
                };
                sending.send_frame(&frame, wire).unwrap();
            }
        }
        2 => {
            let rest = sending.send_vectored(Message::from(payload.clone()), wire).unwrap();
            wire.extend_from_slice(&rest);
        }
        _ => {
            // A few parts: each costs the compressor a flush.
            let size = 1 + payload.len() / 8 + usize::from(input.arbitrary::<u8>()?);
            let mut rest = Bytes::from(payload.clone());
            let mut first = true;
            while first || !rest.is_empty() {
                let bytes = rest.split_to(size.min(rest.len()));
                let last = rest.is_empty();
                sending.send_part(Part { kind: MessageKind::Binary, bytes, first, last }, wire).unwrap();
                first = false;
                if bit(what, 7) {
                    sending.ping("inside", wire).unwrap();
                    expected.push((None, b"inside".to_vec()));
                }
            }
            // The message ends with its last part, so before the ping behind that.
            let inside = if bit(what, 7) { expected.pop() } else { None };
            expected.push((Some(MessageKind::Binary), payload));
            expected.extend(inside);
            return Ok(());
        }
    }
    if bit(what, 6) {
        sending.release_memory();
    }
    expected.push((Some(MessageKind::Binary), payload));
    Ok(())
}

/// A message in these pieces.
fn fragments(pieces: &mut dyn Iterator<Item = &[u8]>) -> Vec<Frame> {
    let mut pieces: Vec<_> = pieces.map(Bytes::copy_from_slice).collect();
    let last = pieces.pop().unwrap_or_default();
    let mut frames: Vec<_> = pieces.into_iter().map(|piece| Frame::continuation(piece).with_fin(false)).collect();
    frames.push(Frame::continuation(last));
    frames[0] = Frame::binary(frames[0].payload().clone()).with_fin(frames[0].fin());
    frames
}

/// Bytes as they come, or some of them over and over.
fn payload(input: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    let (times, len) = input.arbitrary::<(u8, u8)>()?;
    let unit = input.bytes(usize::from(len).min(input.len()))?;
    Ok(unit.repeat(if times < 128 { 1 } else { usize::from(times - 127) }))
}

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    room: u16,
    cuts: [u8; 4],
    stream: &'a [u8],
}

/// Any bytes give what the plain decompressor makes of them, or an error if it does, in pieces of at most as many bytes
/// as there is room for, however they are cut.
pub fn inflate(data: &[u8]) {
    let Some(input) = read::<Input<'_>>(data) else { return };
    let room = 1 + usize::from(input.room);
    let expected = plain(input.stream);
    let check = |came: Result<Vec<u8>, DecodeError>| match (came, &expected) {
        (Ok(came), Some(expected)) => assert_eq!(came, *expected),
        (Err(error), None) => assert_eq!(error, DecodeError::Extension),
        (came, expected) => panic!("{came:?} is not {expected:?}"),
    };
    every_cut(input.stream, &input.cuts, |cuts| check(inflated(&mut Inflater::new(), cuts, room)));

    // The same after a message of which nothing may be left, finished or not.
    let tenant = Deflater::new(15).threshold(0).encode(Frame::binary(input.stream.to_vec())).unwrap();
    for (fin, first_room) in [(true, usize::MAX), (false, usize::MAX), (true, room)] {
        let mut after = Inflater::new().context_takeover(false);
        // What does not fit into the room is dropped, so the message may stay unfinished.
        after.decode(tenant.clone().with_fin(fin), first_room).unwrap();
        check(inflated(&mut after, &mut [input.stream].into_iter(), room));
    }

    // At a connection: no message beyond the limit, and the limit is named where it was the reason.
    let limit = u64::from(input.room);
    let negotiated = Negotiated::default().extension(Extension::new("permessage-deflate"));
    let config = Config::new().extension(PermessageDeflate::new()).limits(Limits::new(limit).max_frame(u64::MAX));
    let mut server = Connection::server(&negotiated, &config);
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
        (Ok(came), plain) => panic!("{came:?} is not {plain:?}"),
    }
}

/// What a message in these pieces gives.
fn inflated(
    inflater: &mut Inflater,
    cuts: &mut dyn Iterator<Item = &[u8]>,
    room: usize,
) -> Result<Vec<u8>, DecodeError> {
    let (mut out, mut first) = (Vec::new(), true);
    let cuts = cuts.map(Some).chain([None]);
    for cut in cuts {
        let bytes = Bytes::copy_from_slice(cut.unwrap_or_default());
        let frame = if first { Frame::binary(bytes).with_rsv(Rsv::RSV1) } else { Frame::continuation(bytes) };
        let mut next = Some(frame.with_fin(cut.is_none()));
        while let Some(frame) = next {
            let (piece, rest) = inflater.decode(frame, room)?;
            assert!(piece.payload().len() <= room);
            assert!(rest.is_none() || piece.payload().len() == room, "room was left");
            out.extend_from_slice(piece.payload());
            next = rest;
        }
        first = false;
    }
    Ok(out)
}

/// What RFC 7692 §7.2.2 says to do, on a stream that is there as a whole.
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
