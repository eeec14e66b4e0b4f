//! Runs one small case, so that callgrind can count its instructions.
//!
//! `instructions` lists the cases. `instructions CASE` runs one, and prints the number of messages that went through
//! [`measured`], which is the only function in which callgrind counts. `.ci/instructions` runs all cases.
#![allow(clippy::panic, clippy::unwrap_used)]

mod cases;

use bytes::BytesMut;
use cases::Case;

/// Runs the case. This is the function in which callgrind counts instructions.
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
    let (_, make) = cases.swap_remove(at.unwrap_or_else(|| panic!("unknown case {name}")));
    let mut case = make();
    let mut buffer = BytesMut::with_capacity(2 * cases::READ_BUFFER_SIZE);
    // In the first round, which is not measured, buffers and the allocator's free lists are empty.
    let mut input = received(&case, &mut buffer);
    (case.run)(&mut input);
    for _ in 0..ROUNDS {
        drop(input);
        input = received(&case, &mut buffer);
        measured(&mut case, &mut input);
        assert!(input.is_empty(), "the case left input");
    }
    println!("{}", ROUNDS * case.messages);
}

/// Returns the input of a round: the front of the read buffer, which is still allocated after it.
fn received(case: &Case, buffer: &mut BytesMut) -> BytesMut {
    buffer.extend_from_slice(&case.wire);
    buffer.split()
}
