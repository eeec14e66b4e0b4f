//! Decoding: frames, as a socket delivers them, to messages. A contender parses the header, unmasks the payload,
//! validates text, and passes on the message.

use std::panic::{self, AssertUnwindSafe};

use bytes::{Buf as _, BytesMut};
use protocol_websocket_core::{Role, Version};

use crate::contender::{BlackBox, Cell, Contender, Decode, Kind, MakeCell, Sink, Summary};
use crate::wire::{self, LENGTHS, Payload, READ_BUFFER_SIZE, Source, format_len, messages_per_pass};
use crate::{baseline, ours};

/// The messages to read.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// The role of the reader.
    pub role: Role,
    /// The version.
    pub version: Version,
    /// The content of the messages.
    pub payload: Payload,
    /// The length of each message in bytes.
    pub len: usize,
    /// The encoded frames.
    pub wire: &'static [u8],
    /// The number of messages.
    pub count: usize,
    /// The most bytes that one read delivers.
    pub max_read: usize,
}

impl Setup {
    /// Makes messages to `role` in RFC 6455, in reads of 64 KiB.
    #[must_use]
    pub fn new(role: Role, payload: Payload, len: usize) -> Self {
        Self::of(role, Version::Rfc6455, payload, len, messages_per_pass(len))
    }

    fn of(role: Role, version: Version, payload: Payload, len: usize, count: usize) -> Self {
        let wire = wire::frames(role, version, payload, len, count);
        Self { role, version, payload, len, wire, count, max_read: READ_BUFFER_SIZE }
    }

    /// Makes text in the sentinel frames of hybi-00, from `00` to `FF`.
    #[must_use]
    pub fn sentinel(len: usize) -> Self {
        Self::of(Role::Server, Version::Hybi00, Payload::MultiByte, len, messages_per_pass(len))
    }

    /// Makes 16 KiB in messages of `len` bytes, one byte per read.
    #[must_use]
    pub fn byte_by_byte(len: usize) -> Self {
        let count = (16 * 1024 / len).max(1);
        Self { max_read: 1, ..Self::of(Role::Server, Version::Rfc6455, Payload::Ascii, len, count) }
    }

    /// Returns a source of the frames.
    #[must_use]
    pub fn source(&self) -> Source {
        Source::new(self.wire).max_read(self.max_read)
    }

    /// Makes a row. `make` is called twice: for the state to measure and for the state to check.
    pub fn contender<D: Decode + 'static>(
        &self,
        name: &'static str,
        kind: Kind,
        skips: &'static str,
        make: impl Fn() -> D,
    ) -> Contender {
        let (mut timed, mut checked, count) = (make(), make(), self.count);
        let check = move || {
            let mut summary = Summary::default();
            checked.pass(count, &mut summary);
            summary
        };
        Contender {
            name,
            kind,
            skips,
            pass: Box::new(move || timed.pass(count, &mut BlackBox)),
            check: Box::new(check),
        }
    }
}

/// Returns the cells of this family.
#[must_use]
pub fn cells() -> Vec<MakeCell> {
    let mut cells: Vec<MakeCell> = Vec::new();
    for (workload, role, payload) in [
        ("decode masked ASCII text", Role::Server, Payload::Ascii),
        ("decode masked multi-byte text", Role::Server, Payload::MultiByte),
        ("decode unmasked binary", Role::Client, Payload::Binary),
    ] {
        for len in LENGTHS {
            cells.push(Box::new(move || cell(workload, Setup::new(role, payload, len))));
        }
    }
    cells
}

/// Makes one cell with all contenders.
#[must_use]
pub fn cell(workload: &'static str, setup: Setup) -> Cell {
    let Setup { role, version, payload, len, count, .. } = setup;
    let mut cell = Cell::new(workload, format_len(len), count, len);
    let hand_written = || baseline::Decode::new(setup.source(), role == Role::Server, payload.is_text());
    cell.contenders = vec![
        setup.contender("baseline: copy", Kind::Bound, "all but the read", || Copy::new(setup.source())),
        setup.contender("baseline: batch", Kind::Bound, "one call per message", || Batch(hand_written())),
        setup.contender("baseline: hand-written", Kind::Baseline, "", hand_written),
        setup.contender("frame", Kind::Ours, "", || ours::Frames::new(setup.source(), role, version)),
        setup.contender("frame, lent", Kind::Ours, "", || ours::FramesLent::new(setup.source(), role, version)),
        setup.contender("connection", Kind::Ours, "", || ours::Receiving::new(setup.source(), role, version)),
        setup.contender("connection, lent", Kind::Ours, "", || ours::ReceivingLent::new(setup.source(), role, version)),
    ];
    if setup.max_read == READ_BUFFER_SIZE {
        let shorter = || ours::Frames::new(setup.source().max_read(READ_BUFFER_SIZE / 4), role, version);
        cell.contenders.insert(4, setup.contender("frame, reads of 16 KiB", Kind::Ours, "", shorter));
    }
    #[cfg(feature = "peers")]
    cell.contenders.extend(peers(&setup));
    cell
}

/// Makes the rows of the other libraries.
#[cfg(feature = "peers")]
fn peers(setup: &Setup) -> Vec<Contender> {
    use crate::peers::*;
    let (role, peer) = (setup.role, Kind::Peer);
    let no_utf8 = if setup.payload.is_text() { "UTF-8" } else { "" };
    vec![
        setup.contender("tungstenite", peer, "", || tungstenite::Reading::new(setup.source(), role)),
        setup.contender("tokio-websockets", peer, "", || tokio_websockets::Reading::new(setup.source(), role)),
        setup.contender("fastwebsockets", peer, "", || fastwebsockets::Reading::new(setup.source(), role)),
        setup.contender("soketto", peer, no_utf8, || soketto::Reading::new(setup.source(), role)),
        setup.contender("yawc", peer, "", || yawc::Reading::new(setup.source(), role)),
        setup.contender("web-socket", peer, no_utf8, || web_socket::Reading::new(setup.source(), role)),
        setup.contender("sockudo-ws", peer, "", || sockudo::Reading::new(setup.source(), role)),
    ]
}

/// Returns the cells with sentinel frames (hybi-00 and hixie-75), which no peer supports.
#[must_use]
pub fn sentinel() -> Vec<MakeCell> {
    let cell = |len| {
        let setup = Setup::sentinel(len);
        let mut cell = Cell::new("decode sentinel frames", format_len(len), setup.count, len);
        cell.contenders = vec![
            setup.contender("baseline: copy", Kind::Bound, "all but the read", || Copy::new(setup.source())),
            setup.contender("baseline: memchr", Kind::Baseline, "", || Sentinel::new(setup.source())),
            setup.contender("frame", Kind::Ours, "", || ours::Frames::new(setup.source(), setup.role, setup.version)),
            setup.contender("connection", Kind::Ours, "", || {
                ours::Receiving::new(setup.source(), setup.role, setup.version)
            }),
        ];
        cell
    };
    LENGTHS.into_iter().map(|len| Box::new(move || cell(len)) as MakeCell).collect()
}

/// Returns the cells with one byte per read. The unit is a byte: the time must not grow with the length of the message.
#[must_use]
pub fn byte_by_byte() -> Vec<MakeCell> {
    let cell = |len| {
        let setup = Setup::byte_by_byte(len);
        let mut cell = cell("decode byte by byte", setup);
        cell.contenders.retain(|contender| contender.kind != Kind::Bound);
        (cell.units, cell.bytes) = (setup.wire.len(), 1);
        cell
    };
    [125, 1024, 16 * 1024].into_iter().map(|len| Box::new(move || cell(len)) as MakeCell).collect()
}

/// `baseline: memchr`: finds the end with memchr, validates with simdutf8, and lends a slice.
struct Sentinel {
    source: Source,
    buffer: BytesMut,
}

impl Sentinel {
    fn new(source: Source) -> Self {
        Self { source, buffer: BytesMut::new() }
    }
}

impl Decode for Sentinel {
    fn pass(&mut self, messages: usize, sink: &mut impl Sink) {
        let mut searched = 0;
        for _ in 0..messages {
            let end = loop {
                match memchr::memchr(0xFF, &self.buffer[searched..]) {
                    Some(at) => break searched + at,
                    None => searched = self.buffer.len(),
                }
                self.source.read_into(&mut self.buffer);
            };
            sink.message(simdutf8::basic::from_utf8(&self.buffer[1..end]).expect("the payload is UTF-8").as_bytes());
            self.buffer.advance(end + 1);
            searched = 0;
        }
    }
}

/// Sends invalid UTF-8 to each contender. A contender that does the whole work must reject it, which is a panic here. A
/// contender that leaves out the validation must accept it.
///
/// # Errors
///
/// Returns an error with the names of the contenders whose `skips` is wrong.
pub fn check_utf8_validation() -> Result<(), String> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| ()));
    let mut wrong = Vec::new();
    for len in [16, 125, 1024] {
        let cell = cell("", Setup::of(Role::Server, Version::Rfc6455, Payload::InvalidText, len, 1));
        for mut row in cell.contenders.into_iter().filter(|row| row.kind != Kind::Bound) {
            let accepted = panic::catch_unwind(AssertUnwindSafe(|| (row.check)())).is_ok();
            if accepted == row.skips.is_empty() {
                wrong.push(row.name);
            }
        }
    }
    panic::set_hook(hook);
    if wrong.is_empty() { Ok(()) } else { Err(format!("these do not match their `skips`: {}", wrong.join(", "))) }
}

impl Decode for baseline::Decode {
    #[inline]
    fn pass(&mut self, messages: usize, sink: &mut impl Sink) {
        for _ in 0..messages {
            sink.message(self.lend());
        }
    }
}

/// `baseline: batch`: one loop inside the function that enables the vector instructions.
struct Batch(baseline::Decode);

impl Decode for Batch {
    fn pass(&mut self, messages: usize, sink: &mut impl Sink) {
        self.0.batch(messages, sink);
    }
}

/// `baseline: copy`: reads without parsing.
struct Copy {
    source: Source,
    buffer: Vec<u8>,
}

impl Copy {
    fn new(source: Source) -> Self {
        Self { source, buffer: vec![0; READ_BUFFER_SIZE] }
    }
}

impl Decode for Copy {
    fn pass(&mut self, _: usize, sink: &mut impl Sink) {
        loop {
            let bytes = self.source.next(READ_BUFFER_SIZE);
            self.buffer[..bytes.len()].copy_from_slice(bytes);
            sink.message(&self.buffer[..bytes.len()]);
            if self.source.is_at_end() {
                return;
            }
        }
    }
}
