//! The baselines: one read, decode all frames, one write. They support only unfragmented text messages.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use ::mio::{Events, Interest, Poll, Token};
use ::tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Result;
use super::codec::Codec;
use super::opening::{self, Opened};

const READ_BUFFER_SIZE: usize = 64 * 1024;

/// With compression if it was negotiated.
pub(super) async fn tokio(opened: Opened) -> Result {
    let (has_takeover, mut stream) = (opened.has_takeover(), opened.stream);
    let mut echo = Echo { codec: has_takeover.map(Codec::new), ..Echo::new() };
    loop {
        match stream.read(echo.space()).await? {
            0 => return Ok(()),
            n => stream.write_all(echo.respond(n)).await?,
        }
    }
}

/// Runs each connection in a thread.
pub(super) fn std(listener: &TcpListener) -> Result {
    for stream in listener.incoming() {
        let stream = opening::open_blocking(stream?)?;
        thread::spawn(move || serve(stream));
    }
    Ok(())
}

fn serve(mut stream: TcpStream) -> Result {
    let mut echo = Echo::new();
    loop {
        match stream.read(echo.space())? {
            0 => return Ok(()),
            n => stream.write_all(echo.respond(n))?,
        }
    }
}

/// Serves all connections in one poll loop.
pub(super) fn mio(listener: TcpListener) -> Result {
    const LISTENER: Token = Token(0);
    listener.set_nonblocking(true)?;
    let mut listener = ::mio::net::TcpListener::from_std(listener);
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut clients = HashMap::new();
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
                    let stream = opening::open_blocking(stream)?;
                    stream.set_nonblocking(true)?;
                    let mut stream = ::mio::net::TcpStream::from_std(stream);
                    next += 1;
                    poll.registry().register(&mut stream, Token(next), Interest::READABLE | Interest::WRITABLE)?;
                    clients.insert(Token(next), (stream, Echo::new(), Vec::new()));
                }
            } else if let Some((stream, echo, unsent)) = clients.get_mut(&event.token())
                && !advance(stream, echo, unsent)?
            {
                clients.remove(&event.token());
            }
        }
    }
}

/// Reads and writes until the socket would block. Returns whether the connection is still open.
fn advance(stream: &mut ::mio::net::TcpStream, echo: &mut Echo, unsent: &mut Vec<u8>) -> std::io::Result<bool> {
    loop {
        if !unsent.is_empty() {
            match stream.write(unsent) {
                Ok(n) => drop(unsent.drain(..n)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            }
            continue;
        }
        match stream.read(echo.space()) {
            Ok(0) => return Ok(false),
            Ok(n) => {
                // A short read has emptied the socket; epoll reports later bytes.
                let is_empty = n < READ_BUFFER_SIZE;
                let response = echo.respond(n);
                let written = match stream.write(response) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                    written => written?,
                };
                unsent.extend_from_slice(&response[written..]);
                if is_empty && unsent.is_empty() {
                    return Ok(true);
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        }
    }
}

struct Echo {
    input: Vec<u8>,
    /// Length of the incomplete frame at the front of `input`.
    incomplete: usize,
    output: Vec<u8>,
    codec: Option<Codec>,
}

impl Echo {
    fn new() -> Self {
        Self { input: vec![0; READ_BUFFER_SIZE], incomplete: 0, output: Vec::new(), codec: None }
    }

    /// Returns the space for the next read.
    fn space(&mut self) -> &mut [u8] {
        let end = self.incomplete + READ_BUFFER_SIZE;
        if self.input.len() < end {
            self.input.resize(end.next_power_of_two(), 0);
        }
        &mut self.input[self.incomplete..end]
    }

    /// Returns the responses to all complete messages after a read of `n` bytes.
    fn respond(&mut self, n: usize) -> &[u8] {
        self.output.clear();
        let (mut at, end) = (0, self.incomplete + n);
        let mut frame = |input: &[u8]| match &mut self.codec {
            Some(codec) => codec.frame(input, &mut self.output),
            None => frame(input, &mut self.output),
        };
        while let Some(used) = frame(&self.input[at..end]) {
            at += used;
        }
        if at > 0 {
            self.input.copy_within(at..end, 0);
        }
        self.incomplete = end - at;
        &self.output
    }
}

/// Appends the response to the frame at the front of `input` and returns the length of the frame, if it is complete.
fn frame(input: &[u8], output: &mut Vec<u8>) -> Option<usize> {
    let (header, key, payload) = parse(input)?;
    assert!(input[0] == 0x81, "the message is not compressed");
    output.extend_from_slice(&input[..header]);
    let at = output.len();
    output[at - header + 1] &= 0x7F;
    output.extend_from_slice(payload);
    let len = payload.len();
    let payload = &mut output[at..];
    unmask(payload, key);
    simdutf8::basic::from_utf8(payload).expect("the payload is UTF-8");
    Some(header + 4 + len)
}

/// Returns the length of the header without the key, the key and the payload of a frame, if it is complete.
pub(super) fn parse(input: &[u8]) -> Option<(usize, [u8; 4], &[u8])> {
    let &[0x81 | 0xC1, second, ..] = input else {
        assert!(input.len() < 2, "the baseline supports only unfragmented text");
        return None;
    };
    let (header, len) = match second & 0x7F {
        126 => (4, usize::from(u16::from_be_bytes(*input.get(2..)?.first_chunk()?))),
        127 => (10, u64::from_be_bytes(*input.get(2..)?.first_chunk()?) as usize),
        len => (2, usize::from(len)),
    };
    Some((header, *input.get(header..)?.first_chunk()?, input.get(header + 4..header + 4 + len)?))
}

pub(super) fn unmask(payload: &mut [u8], key: [u8; 4]) {
    let wide: [u8; 32] = std::array::from_fn(|at| key[at % 4]);
    let mut blocks = payload.chunks_exact_mut(32);
    for block in &mut blocks {
        block.iter_mut().zip(wide).for_each(|(byte, key)| *byte ^= key);
    }
    blocks.into_remainder().iter_mut().zip(wide).for_each(|(byte, key)| *byte ^= key);
}
