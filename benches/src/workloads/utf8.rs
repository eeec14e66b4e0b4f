//! Checking text alone.

use std::hint::black_box;

use protocol_websocket_frame::Utf8Validator;

use crate::contender::{Answer, Cell, Contender, Kind, Sink as _};
use crate::floor;
use crate::wire::{LENGTHS, Payload, name_of};
use crate::workloads::Make;

/// The cells of this family.
#[must_use]
pub fn cells() -> Vec<Make> {
    let mut cells: Vec<Make> = Vec::new();
    for (workload, payload) in [("check ASCII", Payload::Ascii), ("check multi-byte text", Payload::MultiByte)] {
        for len in LENGTHS {
            cells.push(Box::new(move || cell(workload, payload, len)));
        }
    }
    cells
}

fn cell(workload: &'static str, payload: Payload, len: usize) -> Cell {
    let units = (64 * 1024 / len).max(1);
    let mut cell = Cell::new(workload, name_of(len), units, len);
    let texts = move || (0..units).map(|nth| payload.bytes(len, nth)).collect::<Vec<_>>();
    let row = |name, kind, valid: fn(&[u8]) -> bool| {
        let pass = move |texts: &mut Vec<Vec<u8>>| texts.iter().for_each(|text| assert!(valid(black_box(text))));
        // The last byte of each is cut off as well, or it is made a wrong one.
        let check = move |texts: &mut Vec<Vec<u8>>| {
            let mut answer = Answer::default();
            for text in texts {
                let mut wrong = text.clone();
                *wrong.last_mut().expect("no text is empty") = 0xC3;
                answer.message(&[valid(text).into(), valid(&wrong).into(), valid(&text[..len - 1]).into()]);
            }
            answer
        };
        Contender::new(name, kind, "", texts, pass, check)
    };
    cell.contenders = vec![
        row("floor:simdutf8", Kind::Floor, |text| simdutf8::basic::from_utf8(text).is_ok()),
        row("floor:hand", Kind::Bound, floor::valid),
        row("std", Kind::Peer, |text| std::str::from_utf8(text).is_ok()),
        row("frame", Kind::Ours, |text| {
            let mut validator = Utf8Validator::new();
            validator.push(text).is_ok() && validator.is_complete()
        }),
    ];
    cell
}
