//! What a child process of `fork` draws.
#![cfg(all(unix, not(miri), feature = "getrandom"))]
#![allow(unsafe_code, reason = "a process forks by a system call")]
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write, pipe};

use protocol_websocket_core::{OsRandom, Random};

fn draw(random: &mut OsRandom) -> [[u8; 4]; 8] {
    let mut keys = [[0; 4]; 8];
    keys.iter_mut().for_each(|key| random.fill(key));
    keys
}

/// Forks, and draws in both processes, in the child after `prepare`. Returns what the child and the parent drew.
fn draw_in_both(random: &mut OsRandom, prepare: fn(&mut OsRandom)) -> [[[u8; 4]; 8]; 2] {
    let (mut from_child, mut to_parent) = pipe().unwrap();
    // SAFETY: the child draws, writes to the pipe and exits. None of these allocates or takes a lock, which another thread
    // of this process might hold.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "{}", std::io::Error::last_os_error());
    if child == 0 {
        prepare(random);
        let written = to_parent.write_all(draw(random).as_flattened());
        // SAFETY: it ends the child.
        unsafe { libc::_exit(i32::from(written.is_err())) };
    }
    drop(to_parent);
    let mut drawn = [[0; 4]; 8];
    from_child.read_exact(drawn.as_flattened_mut()).unwrap();
    let mut status = 0;
    // SAFETY: the child is ours, and `status` is there to be written.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0);
    [drawn, draw(random)]
}

#[test]
fn reseeded_source_of_a_child_process_has_keys_of_its_own() {
    let mut random = OsRandom::new();
    let before = draw(&mut random);
    let [child, parent] = draw_in_both(&mut random, OsRandom::reseed);
    let drawn = [before, child, parent].concat();
    for (at, key) in drawn.iter().enumerate() {
        // Two of 24 keys of 32 bits are alike once in 15 million runs.
        assert!(!drawn[..at].contains(key), "{drawn:02x?}");
    }
}

/// Why there is a `reseed`: the child has a copy of the state.
#[test]
fn child_process_draws_the_keys_of_its_parent_unless_it_reseeds() {
    let mut random = OsRandom::new();
    draw(&mut random);
    let [child, parent] = draw_in_both(&mut random, |_| ());
    assert_eq!(child, parent);
}
