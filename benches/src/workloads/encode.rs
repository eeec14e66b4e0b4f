//! Encoding: messages to frames, into one buffer that is cleared when it has 64 KiB.

use std::hint::black_box;

use protocol_websocket_core::Role;
use protocol_websocket_frame::{Decoder, Limits, Message};

use crate::contender::{Cell, Contender, Encode, Kind, MakeCell, Sink as _, Summary};
use crate::wire::{LENGTHS, Payload, READ_BUFFER_SIZE, format_len, messages_per_pass};
use crate::{baseline, ours};

/// The message to send.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// The role of the sender.
    pub role: Role,
    /// The length of the text in bytes.
    pub len: usize,
}

impl Setup {
    /// Returns the text. It is leaked, so that all contenders can share it.
    #[must_use]
    pub fn text(&self) -> &'static str {
        String::from_utf8(Payload::Ascii.bytes(self.len, 0)).expect("the payload is UTF-8").leak()
    }

    /// Returns the text as a message.
    #[must_use]
    pub fn message(&self) -> Message {
        Message::from(self.text())
    }

    /// Makes a row. `make` is called twice: for the state to measure and for the state to check.
    pub fn contender<E: Encode + 'static>(
        &self,
        name: &'static str,
        kind: Kind,
        skips: &'static str,
        make: impl Fn() -> E,
    ) -> Contender {
        let (mut timed, mut checked, count, peer) = (make(), make(), messages_per_pass(self.len), self.role.peer());
        let check = move || {
            let (mut summary, mut decoder) = (Summary::default(), Decoder::new(peer).limits(Limits::NONE));
            for _ in 0..3 {
                checked.pass(1);
                let mut output = checked.take().as_slice().into();
                while let Some(frame) = decoder.decode(&mut output).expect("the output is valid") {
                    summary.message(frame.payload());
                }
                assert!(output.is_empty(), "{name} sent an incomplete frame");
            }
            summary
        };
        Contender { name, kind, skips, pass: Box::new(move || timed.pass(count)), check: Box::new(check) }
    }
}

/// Returns the cells of this family.
#[must_use]
pub fn cells() -> Vec<MakeCell> {
    let mut cells: Vec<MakeCell> = Vec::new();
    for (workload, role) in [("encode, server", Role::Server), ("encode, client", Role::Client)] {
        for len in LENGTHS {
            cells.push(Box::new(move || cell(workload, Setup { role, len })));
        }
    }
    cells
}

/// Makes one cell with all contenders.
#[must_use]
pub fn cell(workload: &'static str, setup: Setup) -> Cell {
    let Setup { role, len } = setup;
    let client = role == Role::Client;
    let mut cell = Cell::new(workload, format_len(len), messages_per_pass(len), len);
    let (text, message) = (setup.text(), setup.message());
    let predictable = if client { "unpredictable keys" } else { "" };
    cell.contenders = vec![
        setup.contender("baseline: copy", Kind::Bound, "headers, masking", || Copy { text, output: Vec::new() }),
        setup.contender("baseline: hand-written", Kind::Baseline, predictable, || HandWritten {
            text,
            keys: client.then(baseline::Keys::default),
            output: Vec::with_capacity(3 * READ_BUFFER_SIZE),
        }),
        setup.contender("frame", Kind::Ours, "", || ours::EncodeFrames::new(message.clone().into(), role)),
        setup.contender("connection", Kind::Ours, "", || ours::Sending::new(message.clone(), role)),
    ];
    if !client {
        let vectored = || ours::Vectored::new(message.clone());
        cell.contenders.push(setup.contender("frame, vectored", Kind::Ours, "the copy from 4 KiB on", vectored));
    }
    #[cfg(feature = "peers")]
    cell.contenders.extend(peers(&setup));
    cell
}

/// Makes the rows of the other libraries.
#[cfg(feature = "peers")]
fn peers(setup: &Setup) -> Vec<Contender> {
    use crate::peers::*;
    let (role, text, peer) = (setup.role, setup.text(), Kind::Peer);
    let predictable = if role == Role::Client { "unpredictable keys" } else { "" };
    vec![
        setup.contender("tungstenite", peer, "", || tungstenite::Sending::new(text, role)),
        setup.contender("tokio-websockets", peer, predictable, || tokio_websockets::Sending::new(text, role)),
        setup.contender("fastwebsockets", peer, "", || fastwebsockets::Sending::new(text, role)),
        setup.contender("soketto", peer, "", || soketto::Sending::new(text, role)),
        setup.contender("yawc", peer, "", || yawc::Sending::new(text, role)),
        setup.contender("web-socket", peer, predictable, || web_socket::Sending::new(text, role)),
        setup.contender("sockudo-ws", peer, predictable, || sockudo::Sending::new(text, role)),
    ]
}

/// `baseline: hand-written`: see [`baseline::encode`].
struct HandWritten {
    text: &'static str,
    keys: Option<baseline::Keys>,
    output: Vec<u8>,
}

impl Encode for HandWritten {
    fn pass(&mut self, count: usize) {
        for _ in 0..count {
            if self.output.len() >= READ_BUFFER_SIZE {
                self.output.clear();
            }
            let text = black_box(self.text.as_bytes());
            let key = self.keys.as_mut().map(baseline::Keys::draw);
            baseline::encode(&mut self.output, 0x81, text, key);
        }
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }
}

/// `baseline: copy`: copies the payloads without headers.
struct Copy {
    text: &'static str,
    output: Vec<u8>,
}

impl Encode for Copy {
    fn pass(&mut self, count: usize) {
        for _ in 0..count {
            if self.output.len() >= READ_BUFFER_SIZE {
                self.output.clear();
            }
            self.output.extend_from_slice(black_box(self.text.as_bytes()));
        }
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }
}
