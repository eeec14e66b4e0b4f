//! Frames to messages, as they come from a socket: find the frame, unmask it, check the text, hand out the message.

use protocol_websocket_core::{Role, Version};

use crate::contender::{Answer, Cell, Contender, Kind, Sink, Use};
use crate::wire::{self, LENGTHS, Payload, READ, Source, name_of};
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
    /// What is in the messages.
    pub payload: Payload,
    /// How long each is.
    pub len: usize,
    /// The bytes, and how many messages are in them.
    pub wire: (&'static [u8], usize),
    /// How many bytes one read brings.
    pub most: usize,
}

impl Setup {
    /// What comes to `role` in the current version, in reads of 64 KiB.
    #[must_use]
    pub fn new(role: Role, payload: Payload, len: usize) -> Self {
        Self { role, payload, len, wire: wire::frames(role, Version::RFC6455, payload, len), most: READ }
    }

    /// The bytes.
    #[must_use]
    pub fn source(&self) -> Source {
        Source::new(self.wire.0).at_most(self.most)
    }

    /// A row: `make` is called twice, once to measure and once to check.
    pub fn contender<D: Decode + 'static>(
        &self,
        name: &'static str,
        kind: Kind,
        skips: &'static str,
        make: impl Fn() -> D,
    ) -> Contender {
        let (mut timed, mut checked, count) = (make(), make(), self.wire.1);
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
    let Setup { role, payload, len, wire: (_, count), .. } = setup;
    let mut cell = Cell::new(workload, name_of(len), count, len);
    let hand = || floor::Decode::new(setup.source(), role == Role::Server, payload.is_text());
    cell.contenders = vec![
        setup.contender("floor:copy", Kind::Bound, "all but the read", || Copy::new(setup.source())),
        setup.contender("floor:batch", Kind::Bound, "one call a message", || Batch(hand())),
        setup.contender("floor:hand", Kind::Floor, "", hand),
        setup.contender("frame", Kind::Ours, "", || ours::Frames::new(setup.source(), role, Version::RFC6455)),
        // The form that lends messages from a slice of the caller's goes here, beside this one.
        setup.contender("connection", Kind::Ours, "", || ours::Connected::new(setup.source(), role, Version::RFC6455)),
    ];
    #[cfg(feature = "peers")]
    cell.contenders.extend(crate::peers::decoders(&setup));
    cell
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
