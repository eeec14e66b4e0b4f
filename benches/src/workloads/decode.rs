//! Frames to messages, as they come from a socket: find the frame, unmask it, check the text, hand out the message.

use std::panic::{self, AssertUnwindSafe};

use bytes::{Buf as _, BytesMut};
use protocol_websocket_core::{Role, Version};

use crate::contender::{Answer, Cell, Contender, Kind, Sink, Use};
use crate::wire::{self, LENGTHS, Payload, READ, Source, name_of, per_round};
use crate::workloads::Make;
use crate::{floor, ours};

/// Somebody who reads messages.
pub trait Decode {
    /// Hands the next `messages` messages to `sink`.
    fn pass(&mut self, messages: usize, sink: &mut impl Sink);
}

/// What is to be read.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// At which end.
    pub role: Role,
    /// In which version.
    pub version: Version,
    /// What is in the messages.
    pub payload: Payload,
    /// How long each is.
    pub len: usize,
    /// The bytes.
    pub wire: &'static [u8],
    /// How many messages are in them.
    pub count: usize,
    /// How many bytes one read brings.
    pub most: usize,
}

impl Setup {
    /// What comes to `role` in the current version, in reads of 64 KiB.
    #[must_use]
    pub fn new(role: Role, payload: Payload, len: usize) -> Self {
        Self::of(role, Version::Rfc6455, payload, len, per_round(len))
    }

    fn of(role: Role, version: Version, payload: Payload, len: usize, count: usize) -> Self {
        Self { role, version, payload, len, wire: wire::frames(role, version, payload, len, count), count, most: READ }
    }

    /// Text in the frames of hybi-00, from `00` to `FF`.
    #[must_use]
    pub fn sentinel(len: usize) -> Self {
        Self::of(Role::Server, Version::Hybi00, Payload::MultiByte, len, per_round(len))
    }

    /// 16 KiB in messages of `len` bytes, a byte a read.
    #[must_use]
    pub fn drip(len: usize) -> Self {
        let count = (16 * 1024 / len).max(1);
        Self { most: 1, ..Self::of(Role::Server, Version::Rfc6455, Payload::Ascii, len, count) }
    }

    /// The bytes, as somebody sends them.
    #[must_use]
    pub fn source(&self) -> Source {
        Source::new(self.wire).at_most(self.most)
    }

    /// A row: `make` is called twice, once to measure and once to check.
    pub fn contender<D: Decode + 'static>(
        &self,
        name: &'static str,
        kind: Kind,
        skips: &'static str,
        make: impl Fn() -> D,
    ) -> Contender {
        let (mut timed, mut checked, count) = (make(), make(), self.count);
        let check = move || {
            let mut answer = Answer::default();
            checked.pass(count, &mut answer);
            answer
        };
        Contender { name, kind, skips, pass: Box::new(move || timed.pass(count, &mut Use)), check: Box::new(check) }
    }
}

/// The cells of this family.
#[must_use]
pub fn cells() -> Vec<Make> {
    let mut cells: Vec<Make> = Vec::new();
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

/// One cell, of all who can do it.
#[must_use]
pub fn cell(workload: &'static str, setup: Setup) -> Cell {
    let Setup { role, version, payload, len, count, .. } = setup;
    let mut cell = Cell::new(workload, name_of(len), count, len);
    let hand = || floor::Decode::new(setup.source(), role == Role::Server, payload.is_text());
    cell.contenders = vec![
        setup.contender("floor:copy", Kind::Bound, "all but the read", || Copy::new(setup.source())),
        setup.contender("floor:batch", Kind::Bound, "one call a message", || Batch(hand())),
        setup.contender("floor:hand", Kind::Floor, "", hand),
        setup.contender("frame", Kind::Ours, "", || ours::Frames::new(setup.source(), role, version)),
        setup.contender("lent", Kind::Ours, "", || ours::Lending::new(setup.source(), role, version, len)),
        setup.contender("connection", Kind::Ours, "", || ours::Connected::new(setup.source(), role, version)),
    ];
    if setup.most == READ {
        let shorter = || ours::Frames::new(setup.source().at_most(READ / 4), role, version);
        cell.contenders.insert(4, setup.contender("frame, reads of 16 KiB", Kind::Ours, "", shorter));
    }
    #[cfg(feature = "peers")]
    cell.contenders.extend(crate::peers::decoders(&setup));
    cell
}

/// The cells in the frames of hybi-00 and hixie-75, which no peer knows.
#[must_use]
pub fn sentinel() -> Vec<Make> {
    let cell = |len| {
        let setup = Setup::sentinel(len);
        let mut cell = Cell::new("decode sentinel frames", name_of(len), setup.count, len);
        cell.contenders = vec![
            setup.contender("floor:copy", Kind::Bound, "all but the read", || Copy::new(setup.source())),
            setup.contender("floor:memchr", Kind::Floor, "", || Sentinel::new(setup.source())),
            setup.contender("frame", Kind::Ours, "", || ours::Frames::new(setup.source(), setup.role, setup.version)),
            setup.contender("connection", Kind::Ours, "", || {
                ours::Connected::new(setup.source(), setup.role, setup.version)
            }),
        ];
        cell
    };
    LENGTHS.into_iter().map(|len| Box::new(move || cell(len)) as Make).collect()
}

/// The cells in which each read brings one byte. Time is for a byte: it must not grow with the message.
#[must_use]
pub fn drip() -> Vec<Make> {
    let cell = |len| {
        let setup = Setup::drip(len);
        let mut cell = cell("decode byte by byte", setup);
        cell.contenders.retain(|contender| contender.kind != Kind::Bound);
        (cell.units, cell.bytes) = (setup.wire.len(), 1);
        cell
    };
    [125, 1024, 16 * 1024].into_iter().map(|len| Box::new(move || cell(len)) as Make).collect()
}

/// `floor:memchr`: memchr finds the end, simdutf8 judges, a slice is lent.
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
            sink.message(simdutf8::basic::from_utf8(&self.buffer[1..end]).expect("this is text").as_bytes());
            self.buffer.advance(end + 1);
            searched = 0;
        }
    }
}

/// Shows everybody a text that is none: who says that nothing is left out must refuse it, each in its own way, which is a
/// panic here, and who says that this is left out must take it.
///
/// # Errors
///
/// When somebody does not do what stands beside the name.
pub fn refuses_what_is_no_text() -> Result<(), String> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| ()));
    let mut wrong = Vec::new();
    for len in [16, 125, 1024] {
        let cell = cell("", Setup::of(Role::Server, Version::Rfc6455, Payload::Wrong, len, 1));
        for mut row in cell.contenders.into_iter().filter(|row| row.kind != Kind::Bound) {
            let taken = panic::catch_unwind(AssertUnwindSafe(|| (row.check)())).is_ok();
            if taken == row.skips.is_empty() {
                wrong.push(row.name);
            }
        }
    }
    panic::set_hook(hook);
    if wrong.is_empty() { Ok(()) } else { Err(format!("not as it stands beside the name: {}", wrong.join(", "))) }
}

impl Decode for floor::Decode {
    #[inline]
    fn pass(&mut self, messages: usize, sink: &mut impl Sink) {
        for _ in 0..messages {
            sink.message(self.lend());
        }
    }
}

/// `floor:batch`: a loop that never leaves the function with the vector instructions.
struct Batch(floor::Decode);

impl Decode for Batch {
    fn pass(&mut self, messages: usize, sink: &mut impl Sink) {
        self.0.batch(messages, sink);
    }
}

/// `floor:copy`: reads, and looks at nothing.
struct Copy {
    source: Source,
    buffer: Vec<u8>,
}

impl Copy {
    fn new(source: Source) -> Self {
        Self { source, buffer: vec![0; READ] }
    }
}

impl Decode for Copy {
    fn pass(&mut self, _: usize, sink: &mut impl Sink) {
        loop {
            let bytes = self.source.next(READ);
            self.buffer[..bytes.len()].copy_from_slice(bytes);
            sink.message(&self.buffer[..bytes.len()]);
            if self.source.is_at_end() {
                return;
            }
        }
    }
}
