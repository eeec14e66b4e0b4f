//! Payloads with an owner that uses the connection when it is dropped.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod common;

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use common::open;
use protocol_websocket::Role;
use protocol_websocket_tokio::{Config, SendError, Sender, WebSocket};
use tokio::io::duplex;
use tokio::runtime::Runtime;

/// Bytes that call the connection when they are dropped.
struct Owner {
    bytes: Vec<u8>,
    sender: Sender,
}

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.sender.stats();
    }
}

#[test]
fn payload_that_is_copied_is_dropped_without_the_lock() {
    let (results, result) = channel();
    // A thread that is not joined, because it would not end if the lock were taken twice.
    thread::spawn(move || {
        let runtime = Runtime::new().unwrap();
        let _context = runtime.enter();
        for (role, is_closed) in [Role::Client, Role::Server].map(|role| [(role, false), (role, true)]).concat() {
            let (near, far) = duplex(100_000);
            let (sender, _receiver) = WebSocket::new(near, open(role, Config::new())).split();
            if is_closed {
                sender.queue_close(None);
            }
            for (len, is_borrowed) in [(10, false), (10, true), (4095, false), (10_000, true)] {
                let payload = Bytes::from_owner(Owner { bytes: vec![7; len], sender: sender.clone() });
                let queued = if is_borrowed { sender.queue(&payload) } else { sender.queue(payload) };
                results.send((queued, is_closed)).unwrap();
            }
            drop(far);
        }
    });
    for _ in 0..16 {
        let (queued, is_closed) = result.recv_timeout(Duration::from_secs(60)).expect("the lock was taken twice");
        assert_eq!(queued, if is_closed { Err(SendError::Closed) } else { Ok(()) });
    }
}
