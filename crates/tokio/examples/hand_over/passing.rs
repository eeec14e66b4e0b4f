//! Passes open descriptors over a Unix socket, each with the state of its connection.
//!
//! A message is the length of the state in eight bytes, and the state. The descriptor is sent with its first byte.

use std::io::{self, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use rustix::cmsg_space;
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

/// The maximum length of a state, in bytes: the buffers of a connection, and the message in progress.
const MAX_STATE: u64 = 64 * 1024 * 1024;

/// Sends a descriptor and a state. Waits if the other process does not read.
pub(crate) fn send(mut socket: &UnixStream, descriptor: impl AsFd, state: &[u8]) -> io::Result<()> {
    let len = (state.len() as u64).to_le_bytes();
    let descriptors = [descriptor.as_fd()];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let sent = loop {
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
        match sendmsg(socket, &[IoSlice::new(&len)], &mut control, SendFlags::empty()) {
            Err(Errno::INTR) => {}
            // The system limits the number of descriptors that were sent and not received.
            Err(Errno::TOOMANYREFS) => thread::sleep(Duration::from_millis(1)),
            sent => break sent?,
        }
    };
    socket.write_all(len.get(sent..).unwrap_or_default())?;
    socket.write_all(state)
}

/// Receives a descriptor and a state. Returns `None` after the last one.
pub(crate) fn receive(mut socket: &UnixStream) -> io::Result<Option<(OwnedFd, Vec<u8>)>> {
    let mut len = [0; 8];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        match recvmsg(socket, &mut [IoSliceMut::new(&mut len)], &mut control, RecvFlags::empty()) {
            Err(Errno::INTR) => {}
            received => break received?.bytes,
        }
    };
    if received == 0 {
        return Ok(None);
    }
    let descriptor = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    // The descriptor is lost if this process has too many open files.
    let descriptor = descriptor.ok_or_else(|| io::Error::other("a message without a descriptor"))?;
    fcntl_setfd(&descriptor, FdFlags::CLOEXEC)?;
    socket.read_exact(len.get_mut(received..).unwrap_or_default())?;
    let len = u64::from_le_bytes(len);
    let mut state = Vec::new();
    if len > MAX_STATE || socket.take(len).read_to_end(&mut state)? as u64 != len {
        return Err(io::Error::other("a state that is too long or truncated"));
    }
    Ok(Some((descriptor, state)))
}
