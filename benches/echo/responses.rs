//! Compares the responses of one connection with the requests.
//!
//! Some servers ping a client that is silent for some seconds, as one is while it waits for its turn.

use flate2::{Decompress, FlushDecompress, Status};

use crate::requests::Requests;

/// The four bytes that end a flush and are not sent (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];
/// The first byte of a Ping.
const PING: u8 = 0x89;

pub(crate) struct Responses {
    form: Form,
    /// The start of a frame that has not arrived whole. Without compression it is kept only if it is a Ping.
    input: Vec<u8>,
    /// Pongs that are due, as frames.
    pub(crate) pongs: Vec<u8>,
    /// The number of pings that were received.
    pub(crate) pings: u64,
}

enum Form {
    /// Uncompressed, byte by byte.
    Plain { received: u64 },
    /// Decompressed, message by message.
    Compressed { decompress: Box<Decompress>, messages: u64 },
}

impl Responses {
    pub(crate) fn new(is_compressed: bool) -> Self {
        let form = if is_compressed {
            Form::Compressed { decompress: Box::new(Decompress::new(false)), messages: 0 }
        } else {
            Form::Plain { received: 0 }
        };
        Self { form, input: Vec::new(), pongs: Vec::new(), pings: 0 }
    }

    /// Returns the number of whole messages that were received.
    pub(crate) fn messages(&self, requests: &Requests) -> u64 {
        match self.form {
            Form::Plain { received } => requests.responses.frames(received),
            Form::Compressed { messages, .. } => messages,
        }
    }

    pub(crate) fn receive(&mut self, bytes: &[u8], requests: &Requests) {
        if let (Form::Plain { received }, true) = (&mut self.form, self.input.is_empty()) {
            let rest = plain(received, bytes, requests);
            self.input.extend_from_slice(rest);
        } else {
            self.input.extend_from_slice(bytes);
        }
        let mut at = 0;
        while let Some((start, end)) = frame(&self.input[at..]) {
            let (first, payload) = (self.input[at], &self.input[at + start..at + end]);
            match &mut self.form {
                _ if first == PING => {
                    self.pings += 1;
                    self.pongs.extend_from_slice(&[0x8A, 0x80 | payload.len() as u8, 0, 0, 0, 0]);
                    self.pongs.extend_from_slice(payload);
                    at += end;
                }
                Form::Plain { received } => {
                    let rest = plain(received, &self.input[at..], requests).len();
                    at = self.input.len() - rest;
                }
                Form::Compressed { decompress, messages } => {
                    assert!(first == 0xC1, "the response is not one compressed frame");
                    let compressed = [payload, &TAIL].concat();
                    let expected = &requests.texts[(*messages % requests.texts.len() as u64) as usize];
                    let text = inflate(decompress, &compressed, expected.len());
                    assert!(text == expected.as_bytes(), "the response differs from the request");
                    *messages += 1;
                    at += end;
                }
            }
        }
        self.input.drain(..at);
    }
}

/// Compares uncompressed responses until a Ping. Returns the rest, which starts with it.
fn plain<'a>(received: &mut u64, mut bytes: &'a [u8], requests: &Requests) -> &'a [u8] {
    let responses = &requests.responses;
    while !bytes.is_empty() {
        let mut expected = responses.at(*received, bytes.len() as u64);
        if bytes[..expected.len()] != *expected {
            // A Ping may be between two frames.
            if bytes[0] == PING && responses.end(responses.frames(*received)) == *received {
                break;
            }
            expected = &expected[..expected.len().min(responses.until_end(*received) as usize)];
            let is_equal = bytes[..expected.len()] == *expected;
            assert!(is_equal, "the response differs from the request: {:x?}", &bytes[..bytes.len().min(32)]);
        }
        *received += expected.len() as u64;
        bytes = &bytes[expected.len()..];
    }
    bytes
}

/// Returns where the payload of the first frame starts and ends, if the frame is complete.
fn frame(input: &[u8]) -> Option<(usize, usize)> {
    let (start, len) = match *input {
        [_, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([high, low]))),
        [_, 127, ..] => (10, u64::from_be_bytes(*input.get(2..)?.first_chunk()?) as usize),
        [_, len, ..] if len < 126 => (2, usize::from(len)),
        _ => return None,
    };
    (input.len() >= start + len).then_some((start, start + len))
}

fn inflate(decompress: &mut Decompress, mut input: &[u8], len: usize) -> Vec<u8> {
    let mut output = Vec::with_capacity(len + 64);
    loop {
        let (before, written) = (decompress.total_in(), output.len());
        let status = decompress.decompress_vec(input, &mut output, FlushDecompress::Sync).expect("valid DEFLATE");
        input = &input[(decompress.total_in() - before) as usize..];
        if input.is_empty() && output.len() < output.capacity() {
            return output;
        }
        assert!(status != Status::StreamEnd && (output.len() > written || !input.is_empty()), "a truncated message");
        output.reserve(len);
    }
}
