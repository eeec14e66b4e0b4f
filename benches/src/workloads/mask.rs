//! Masking alone, in place: of a buffer aligned to 64 bytes, and of one that starts three bytes later.

use std::hint::black_box;

use protocol_websocket_frame::MaskKey;

use crate::baseline;
use crate::contender::{Cell, Contender, Kind, MakeCell, Summary};
use crate::wire::{LENGTHS, Payload, format_len};

/// A payload at a chosen alignment.
pub struct Buffer {
    memory: Vec<u8>,
    start: usize,
    len: usize,
    copy: Vec<u8>,
}

impl Buffer {
    fn new(len: usize, offset: usize) -> Self {
        let mut memory = vec![0; len + 128];
        let start = memory.as_ptr().align_offset(64) + offset;
        memory[start..start + len].copy_from_slice(&Payload::Ascii.bytes(len, 0));
        Self { memory, start, len, copy: vec![0; len] }
    }

    fn bytes(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.start + self.len]
    }
}

const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// Returns the cells of this family.
#[must_use]
pub fn cells() -> Vec<MakeCell> {
    let mut cells: Vec<MakeCell> = Vec::new();
    for (workload, offset) in [("mask in place, aligned", 0), ("mask in place, unaligned", 3)] {
        for len in LENGTHS {
            cells.push(Box::new(move || cell(workload, len, offset)));
        }
    }
    cells
}

fn cell(workload: &'static str, len: usize, offset: usize) -> Cell {
    let units = (64 * 1024 / len).max(1);
    let mut cell = Cell::new(workload, format_len(len), units, len);
    let row = |name, kind, mask: fn(&mut [u8])| {
        let pass = move |buffer: &mut Buffer| {
            let bytes = buffer.bytes();
            (0..units).for_each(|_| mask(black_box(&mut *bytes)));
        };
        // Masking twice restores the text, so each check starts from the same bytes.
        let check = move |buffer: &mut Buffer| {
            mask(buffer.bytes());
            let summary = Summary::of(buffer.bytes());
            mask(buffer.bytes());
            summary
        };
        Contender::new(name, kind, "", move || Buffer::new(len, offset), pass, check)
    };
    let copy = move |buffer: &mut Buffer| {
        for _ in 0..units {
            let (memory, copy) = (black_box(&buffer.memory), black_box(&mut buffer.copy));
            copy.copy_from_slice(&memory[buffer.start..buffer.start + buffer.len]);
        }
    };
    cell.contenders = vec![
        Contender::new("memcpy", Kind::Bound, "the key", || Buffer::new(len, offset), copy, |_| Summary::default()),
        row("baseline: hand-written", Kind::Baseline, |bytes| {
            black_box(baseline::mask(bytes, u32::from_le_bytes(KEY)));
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
