//! UTF-8 validation alone.

use std::hint::black_box;

use protocol_websocket_frame::Utf8Validator;

use crate::baseline;
use crate::contender::{Cell, Contender, Kind, MakeCell, Sink as _, Summary};
use crate::wire::{LENGTHS, Payload, format_len};

/// Returns the cells of this family.
#[must_use]
pub fn cells() -> Vec<MakeCell> {
    let mut cells: Vec<MakeCell> = Vec::new();
    for (workload, payload) in [("validate ASCII", Payload::Ascii), ("validate multi-byte text", Payload::MultiByte)] {
        for len in LENGTHS {
            cells.push(Box::new(move || cell(workload, payload, len)));
        }
    }
    cells
}

fn cell(workload: &'static str, payload: Payload, len: usize) -> Cell {
    let units = (64 * 1024 / len).max(1);
    let mut cell = Cell::new(workload, format_len(len), units, len);
    let texts = move || (0..units).map(|nth| payload.bytes(len, nth)).collect::<Vec<_>>();
    let row = |name, kind, is_utf8: fn(&[u8]) -> bool| {
        let pass = move |texts: &mut Vec<Vec<u8>>| texts.iter().for_each(|text| assert!(is_utf8(black_box(text))));
        // Each text is also checked without its last byte, and with an invalid last byte.
        let check = move |texts: &mut Vec<Vec<u8>>| {
            let mut summary = Summary::default();
            for text in texts {
                let mut invalid = text.clone();
                *invalid.last_mut().expect("the text is not empty") = 0xC3;
                summary.message(&[is_utf8(text).into(), is_utf8(&invalid).into(), is_utf8(&text[..len - 1]).into()]);
            }
            summary
        };
        Contender::new(name, kind, "", texts, pass, check)
    };
    cell.contenders = vec![
        row("baseline: simdutf8", Kind::Baseline, |text| simdutf8::basic::from_utf8(text).is_ok()),
        row("baseline: hand-written", Kind::Bound, baseline::is_utf8),
        row("std", Kind::Peer, |text| std::str::from_utf8(text).is_ok()),
        row("frame", Kind::Ours, |text| {
            let mut validator = Utf8Validator::new();
            validator.push(text).is_ok() && validator.is_complete()
        }),
    ];
    cell
}
