//! The floors: one read, decode what came, one write. They know whole text frames and nothing else.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

use ::mio::{Events, Interest, Poll, Token};
use ::tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Result;

const READ: usize = 64 * 1024;
/// The longest frame that is not all there yet.
const FRAME: usize = 32 * 1024;

/// Bytes straight back.
pub(super) async fn tcp(mut stream: ::tokio::net::TcpStream) -> Result {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; READ];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            n => stream.write_all(&buffer[..n]).await?,
        }
    }
}

pub(super) async fn tokio(mut stream: ::tokio::net::TcpStream) -> Result {
    let mut floor = Floor::new();
    loop {
        match stream.read(floor.room()).await? {
            0 => return Ok(()),
            n => stream.write_all(floor.echo(n)).await?,
        }
    }
}

pub(super) fn std(mut stream: TcpStream) -> Result {
    let mut floor = Floor::new();
    loop {
        match stream.read(floor.room())? {
            0 => return Ok(()),
            n => stream.write_all(floor.echo(n))?,
        }
    }
}

/// One poll for all.
pub(super) fn mio(listener: TcpListener) -> Result {
    const LISTENER: Token = Token(0);
    listener.set_nonblocking(true)?;
    let mut listener = ::mio::net::TcpListener::from_std(listener);
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut guests = HashMap::new();
    let mut next = LISTENER.0;
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((stream, _)) = listener.accept() {
                    let stream = std::net::TcpStream::from(stream);
                    stream.set_nonblocking(false)?;
                    let stream = super::open(stream)?;
                    stream.set_nonblocking(true)?;
                    let mut stream = ::mio::net::TcpStream::from_std(stream);
                    next += 1;
                    poll.registry().register(&mut stream, Token(next), Interest::READABLE | Interest::WRITABLE)?;
                    guests.insert(Token(next), (stream, Floor::new(), Vec::new()));
                }
            } else if let Some((stream, floor, unsent)) = guests.get_mut(&event.token())
                && !advance(stream, floor, unsent)?
            {
                guests.remove(&event.token());
            }
        }
    }
}

/// Until the socket has nothing more, or takes nothing more.
fn advance(stream: &mut ::mio::net::TcpStream, floor: &mut Floor, unsent: &mut Vec<u8>) -> std::io::Result<bool> {
    loop {
        if !unsent.is_empty() {
            match stream.write(unsent) {
                Ok(n) => drop(unsent.drain(..n)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            }
            continue;
        }
        match stream.read(floor.room()) {
            Ok(0) => return Ok(false),
            Ok(n) => {
                // As much as is there, or as is taken: epoll tells of what comes later.
                let all = n < READ;
                let echo = floor.echo(n);
                let written = match stream.write(echo) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                    written => written?,
                };
                unsent.extend_from_slice(&echo[written..]);
                if all && unsent.is_empty() {
                    return Ok(true);
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        }
    }
}

struct Floor {
    input: Vec<u8>,
    /// What of `input` is a frame's beginning.
    rest: usize,
    output: Vec<u8>,
}

impl Floor {
    fn new() -> Self {
        Self { input: vec![0; FRAME + READ], rest: 0, output: Vec::new() }
    }

    fn room(&mut self) -> &mut [u8] {
        &mut self.input[self.rest..self.rest + READ]
    }

    /// What is to be sent for all that came, the last read's `n` bytes included.
    fn echo(&mut self, n: usize) -> &[u8] {
        self.output.clear();
        let (mut at, end) = (0, self.rest + n);
        while let Some(used) = frame(&self.input[at..end], &mut self.output) {
            at += used;
        }
        self.input.copy_within(at..end, 0);
        self.rest = end - at;
        &self.output
    }
}

/// Echoes the frame at the front of `input`, if it is all there, and says how long it was.
fn frame(input: &[u8], output: &mut Vec<u8>) -> Option<usize> {
    let (head, len) = match *input {
        [0x81, 0xFE, high, low, ..] => (4, usize::from(u16::from_be_bytes([high, low]))),
        [0x81, len, ..] if len & 0x7F < 126 => (2, usize::from(len & 0x7F)),
        [] | [_] | [_, _] | [_, _, _] => return None,
        _ => panic!("not for the floor"),
    };
    let key: [u8; 4] = *input.get(head..)?.first_chunk()?;
    let payload = input.get(head + 4..head + 4 + len)?;
    output.extend_from_slice(&input[..head]);
    let at = output.len();
    output[at - head + 1] &= 0x7F;
    output.extend_from_slice(payload);
    let payload = &mut output[at..];
    let wide: [u8; 32] = std::array::from_fn(|at| key[at % 4]);
    let mut blocks = payload.chunks_exact_mut(32);
    for block in &mut blocks {
        block.iter_mut().zip(wide).for_each(|(byte, key)| *byte ^= key);
    }
    blocks.into_remainder().iter_mut().zip(wide).for_each(|(byte, key)| *byte ^= key);
    simdutf8::basic::from_utf8(payload).expect("text");
    Some(head + 4 + len)
}
