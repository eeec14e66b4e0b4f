//! Masking alone, in place, from where a buffer of 64 begins and three bytes past it.

use std::hint::black_box;

use protocol_websocket_frame::MaskKey;

use crate::contender::{Answer, Cell, Contender, Kind};
use crate::floor;
use crate::wire::{LENGTHS, Payload, name_of};
use crate::workloads::Make;

/// Bytes at a place of our choice.
pub struct Buffer {
    memory: Vec<u8>,
    start: usize,
    len: usize,
    copy: Vec<u8>,
}

impl Buffer {
    fn new(len: usize, past: usize) -> Self {
        let mut memory = vec![0; len + 128];
        let start = memory.as_ptr().align_offset(64) + past;
        memory[start..start + len].copy_from_slice(&Payload::Ascii.bytes(len, 0));
        Self { memory, start, len, copy: vec![0; len] }
    }

    fn bytes(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.len]
    }
}

const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// The cells of this family.
#[must_use]
pub fn cells() -> Vec<Make> {
    let mut cells: Vec<Make> = Vec::new();
    for (workload, past) in [("mask in place, aligned", 0), ("mask in place, 3 past", 3)] {
        for len in LENGTHS {
            cells.push(Box::new(move || cell(workload, len, past)));
        }
    }
    cells
}

fn cell(workload: &'static str, len: usize, past: usize) -> Cell {
    let units = (64 * 1024 / len).max(1);
    let mut cell = Cell::new(workload, name_of(len), units, len);
    let row = |name, kind, mask: fn(&mut [u8])| {
        let pass = move |buffer: &mut Buffer| {
            let bytes = buffer.bytes();
            (0..units).for_each(|_| mask(black_box(&mut *bytes)));
        };
        // Each time the other way, so the first answer and the third are alike: from text to what nobody can read.
        let check = move |buffer: &mut Buffer| {
            mask(buffer.bytes());
            let answer = Answer::of(buffer.bytes());
            mask(buffer.bytes());
            answer
        };
        Contender::new(name, kind, "", move || Buffer::new(len, past), pass, check)
    };
    let copy = move |buffer: &mut Buffer| {
        for _ in 0..units {
            let (memory, copy) = (black_box(&buffer.memory), black_box(&mut buffer.copy));
            copy.copy_from_slice(&memory[buffer.start..buffer.start + buffer.len]);
        }
    };
    cell.contenders = vec![
        Contender::new("memcpy", Kind::Bound, "the key", || Buffer::new(len, past), copy, |_| Answer::default()),
        row("floor:hand", Kind::Floor, |bytes| {
            black_box(floor::mask(bytes, u32::from_le_bytes(KEY)));
        }),
        row("frame", Kind::Ours, |bytes| protocol_websocket_frame::mask(bytes, MaskKey(KEY), 0)),
    ];
    #[cfg(feature = "peers")]
    cell.contenders.extend([
        row("fastwebsockets", Kind::Peer, |bytes| fastwebsockets::unmask(bytes, KEY)),
        row("yawc", Kind::Peer, |bytes| yawc::mask::apply_mask(bytes, KEY)),
        row("sockudo-ws", Kind::Peer, |bytes| sockudo_ws::mask::apply_mask(bytes, KEY)),
    ]);
    cell
}
