//! Messages to frames, one behind the other in one buffer of 64 KiB that is emptied when it is full.

use std::hint::black_box;

use protocol_websocket_core::Role;
use protocol_websocket_frame::{Decoder, Limits, Message};

use crate::contender::{Answer, Cell, Contender, Kind, Sink as _};
use crate::wire::{LENGTHS, Payload, READ, name_of, per_round};
use crate::workloads::Make;
use crate::{floor, ours};

/// Somebody who sends the same message again and again.
pub trait Encode {
    /// Sends it `count` times.
    fn pass(&mut self, count: usize);

    /// Takes what is in the output.
    fn take(&mut self) -> Vec<u8>;
}

/// What is to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// From which end.
    pub role: Role,
    /// How long the text is.
    pub len: usize,
}

impl Setup {
    /// The text.
    #[must_use]
    pub fn text(&self) -> &'static str {
        String::from_utf8(Payload::Ascii.bytes(self.len, 0)).expect("this is text").leak()
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> Message {
        Message::from(self.text())
    }

    /// A row: `make` is called twice, once to measure and once to check.
    pub fn contender<E: Encode + 'static>(
        &self,
        name: &'static str,
        kind: Kind,
        skips: &'static str,
        make: impl Fn() -> E,
    ) -> Contender {
        let (mut timed, mut checked, count, peer) = (make(), make(), per_round(self.len), self.role.peer());
        let check = move || {
            let (mut answer, mut decoder) = (Answer::default(), Decoder::new(peer).limits(Limits::NONE));
            for _ in 0..3 {
                checked.pass(1);
                let mut output = checked.take().as_slice().into();
                while let Some(frame) = decoder.decode(&mut output).expect("these are frames") {
                    answer.message(frame.payload());
                }
                assert!(output.is_empty(), "{name} sent a part of a frame");
            }
            answer
        };
        Contender { name, kind, skips, pass: Box::new(move || timed.pass(count)), check: Box::new(check) }
    }
}

/// The cells of this family.
#[must_use]
pub fn cells() -> Vec<Make> {
    let mut cells: Vec<Make> = Vec::new();
    for (workload, role) in [("encode, server", Role::Server), ("encode, client", Role::Client)] {
        for len in LENGTHS {
            cells.push(Box::new(move || cell(workload, Setup { role, len })));
        }
    }
    cells
}

/// One cell, of all who can do it.
#[must_use]
pub fn cell(workload: &'static str, setup: Setup) -> Cell {
    let Setup { role, len } = setup;
    let client = role == Role::Client;
    let mut cell = Cell::new(workload, name_of(len), per_round(len), len);
    let (text, message) = (setup.text(), setup.message());
    let predictable = if client { "unpredictable keys" } else { "" };
    cell.contenders = vec![
        setup.contender("floor:copy", Kind::Bound, "heads, masking", || Floor {
            text,
            keys: None,
            head: false,
            output: vec![],
        }),
        setup.contender("floor:hand", Kind::Floor, predictable, || Floor {
            text,
            keys: client.then(floor::Keys::default),
            head: true,
            output: Vec::with_capacity(3 * READ),
        }),
        setup.contender("frame", Kind::Ours, "", || ours::EncodeFrames::new(message.clone().into(), role)),
        setup.contender("connection", Kind::Ours, "", || ours::Sending::new(message.clone(), role)),
    ];
    if !client {
        let vectored = || ours::Vectored::new(message.clone().into());
        cell.contenders.push(setup.contender("frame, vectored", Kind::Ours, "the copy", vectored));
    }
    #[cfg(feature = "peers")]
    cell.contenders.extend(crate::peers::encoders(&setup));
    cell
}

struct Floor {
    text: &'static str,
    keys: Option<floor::Keys>,
    head: bool,
    output: Vec<u8>,
}

impl Encode for Floor {
    fn pass(&mut self, count: usize) {
        for _ in 0..count {
            if self.output.len() >= READ {
                self.output.clear();
            }
            let text = black_box(self.text.as_bytes());
            if self.head {
                let key = self.keys.as_mut().map(floor::Keys::draw);
                floor::encode(&mut self.output, 0x81, text, key);
            } else {
                self.output.extend_from_slice(text);
            }
        }
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }
}
