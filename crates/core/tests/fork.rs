//! After `fork`, the child process has a copy of the source. It gets a new key for a nonce, or calls `reseed`.
#![cfg(all(unix, not(miri), feature = "getrandom"))]
#![allow(unsafe_code, reason = "fork is a system call")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use std::io::{Read, Write, pipe};

use protocol_websocket_core::{OsRandom, Random};

fn fill(random: &mut OsRandom) -> [[u8; 4]; 8] {
    let mut keys = [[0; 4]; 8];
    keys.iter_mut().for_each(|key| random.fill(key));
    keys
}

/// Forks, calls `prepare` in the child, and fills keys in both processes. Returns the keys of the child and of the
/// parent.
fn fill_in_both(random: &mut OsRandom, prepare: fn(&mut OsRandom)) -> [[[u8; 4]; 8]; 2] {
    let (mut from_child, mut to_parent) = pipe().unwrap();
    // SAFETY: the child gets keys, writes to the pipe and exits. None of these allocates or takes a lock, which another
    // thread of this process might hold.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "{}", std::io::Error::last_os_error());
    if child == 0 {
        prepare(random);
        let written = to_parent.write_all(fill(random).as_flattened());
        // SAFETY: it only ends the child process.
        unsafe { libc::_exit(i32::from(written.is_err())) };
    }
    drop(to_parent);
    let mut keys = [[0; 4]; 8];
    from_child.read_exact(keys.as_flattened_mut()).unwrap();
    let mut status = 0;
    // SAFETY: the child is a child of this process, and `status` is valid for writes.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0);
    [keys, fill(random)]
}

#[test]
fn reseeded_child_process_gets_other_keys() {
    assert_other_keys(OsRandom::reseed);
}

#[cfg(feature = "std")]
#[test]
fn child_process_that_draws_a_nonce_gets_other_keys() {
    assert_other_keys(|random| random.fill(&mut [0; 16]));
}

fn assert_other_keys(prepare: fn(&mut OsRandom)) {
    let mut random = OsRandom::new();
    let before = fill(&mut random);
    let [child, parent] = fill_in_both(&mut random, prepare);
    let keys = [before, child, parent].concat();
    for (at, key) in keys.iter().enumerate() {
        // 24 random keys of 32 bits are distinct, except in one of 15 million runs.
        assert!(!keys[..at].contains(key), "{keys:02x?}");
    }
}

/// The reason for both: the child has a copy of the state.
#[test]
fn child_process_gets_keys_of_its_parent_without_either() {
    let mut random = OsRandom::new();
    fill(&mut random);
    let [child, parent] = fill_in_both(&mut random, |_| ());
    assert_eq!(child, parent);
}
