//! Reads the body of a response that rejects the handshake, for a limited time.

use std::io::ErrorKind;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use protocol_websocket::http::{ResponseBody, ResponseHead};

use crate::Transport;
use crate::deadline::Deadline;

/// The maximum length of a body in bytes. The rest is not read.
const MAX_LEN: usize = 64 * 1024;
/// How long a body is read.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Reads the body, of which `input` has the first bytes, until the deadline. What arrived until then is the body.
pub(crate) fn read<S: Transport>(io: &mut S, head: &ResponseHead, mut input: BytesMut, deadline: Deadline) -> Bytes {
    let deadline = deadline.within(TIMEOUT);
    let mut body = ResponseBody::new(head, MAX_LEN);
    let mut buffer = [0; 4096];
    while !body.receive(&mut input) {
        // Without a timeout, a server could keep the client for ever.
        if deadline.left().and_then(|left| io.set_read_timeout(left)).is_err() {
            break;
        }
        match io.read(&mut buffer) {
            Ok(len) if len > 0 => input.extend_from_slice(buffer.get(..len).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            _ => break,
        }
    }
    body.into_bytes()
}
