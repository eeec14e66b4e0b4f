//! Runs one small case, so that callgrind can count its instructions.
//!
//! `instructions` lists the cases. `instructions CASE` runs one, and says how many messages stood in [`measured`]:
//! callgrind counts in there and nowhere else. `.ci/instructions` does all that.
#![allow(clippy::panic, clippy::unwrap_used)]

mod cases;

use bytes::BytesMut;
use cases::Case;

/// What callgrind counts.
#[inline(never)]
fn measured(case: &mut Case, input: &mut BytesMut) {
    (case.run)(input);
}

const ROUNDS: usize = 2;

fn main() {
    let mut cases = cases::all();
    let Some(name) = std::env::args().nth(1) else {
        for (name, _) in cases {
            println!("{name}");
        }
        return;
    };
    let at = cases.iter().position(|(known, _)| *known == name);
    let (_, make) = cases.swap_remove(at.unwrap_or_else(|| panic!("no case is called {name}")));
    let mut case = make();
    let mut buffer = BytesMut::with_capacity(2 * cases::READ);
    // The first round finds buffers and the allocator's lists empty.
    let mut input = arrived(&case, &mut buffer);
    (case.run)(&mut input);
    for _ in 0..ROUNDS {
        drop(input);
        input = arrived(&case, &mut buffer);
        measured(&mut case, &mut input);
        assert!(input.is_empty(), "not all was read");
    }
    println!("{}", ROUNDS * case.messages);
}

/// What the socket gave: a buffer's front, as a server reads into it.
fn arrived(case: &Case, buffer: &mut BytesMut) -> BytesMut {
    buffer.extend_from_slice(&case.wire);
    buffer.split()
}
