//! The input: lines or bytes of stdin, or lines that are edited on a terminal. A thread reads it, because a read of stdin
//! cannot be cancelled. It waits while the connection takes no more.

use std::io::{self, BufRead, ErrorKind, Read, StdinLock};
use std::{iter, thread};

use protocol_websocket::MessageKind;
use protocol_websocket_tokio::Part;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// The number of lines or parts that are read before they are sent.
const MAX_BUFFERED: usize = 64;
/// The maximum length of a line in bytes.
const MAX_LINE: u64 = 100 * 1024 * 1024;
/// The length in bytes of each part of a binary message except the last.
const PART_LEN: usize = 64 * 1024;

/// What is sent.
pub(crate) enum Input {
    Line(String),
    Part(Part),
}

/// The channel from the thread ends at the end of input, and after an error.
pub(crate) type Inputs = Receiver<io::Result<Input>>;

pub(crate) fn queue() -> (Sender<io::Result<Input>>, Inputs) {
    channel(MAX_BUFFERED)
}

/// Starts to read the lines of stdin.
pub(crate) fn lines() -> io::Result<Inputs> {
    read_with(|mut stdin| {
        (1..).map_while(move |number| Some(next_line(&mut stdin, number).transpose()?.map(Input::Line)))
    })
}

/// Starts to read the whole of stdin as the parts of one binary message.
pub(crate) fn binary() -> io::Result<Inputs> {
    read_with(|stdin| parts(stdin).map(|part| part.map(Input::Part)))
}

fn read_with<I>(inputs: impl FnOnce(StdinLock<'static>) -> I + Send + 'static) -> io::Result<Inputs>
where
    I: Iterator<Item = io::Result<Input>>,
{
    let (sender, receiver) = queue();
    thread::Builder::new().name("stdin".into()).spawn(move || {
        for input in inputs(io::stdin().lock()) {
            let is_last = input.is_err();
            if sender.blocking_send(input).is_err() || is_last {
                break;
            }
        }
    })?;
    Ok(receiver)
}

/// Reads a line without its LF or CR LF.
fn next_line(input: &mut impl BufRead, number: u64) -> io::Result<Option<String>> {
    let invalid = |text: &str| io::Error::new(ErrorKind::InvalidData, format!("line {number} {text}"));
    let mut line = Vec::new();
    // Two bytes more, for CR LF.
    if input.take(MAX_LINE + 2).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.ends_with(b"\n") {
        line.pop();
        if line.ends_with(b"\r") {
            line.pop();
        }
    }
    if line.len() as u64 > MAX_LINE {
        return Err(invalid("is too long"));
    }
    String::from_utf8(line).map(Some).map_err(|_| invalid("is not valid UTF-8"))
}

/// Reads the parts of one binary message. A part that is not full is the last. Empty input is not a message.
fn parts(mut input: impl Read) -> impl Iterator<Item = io::Result<Part>> {
    let (mut is_first, mut is_done) = (true, false);
    iter::from_fn(move || {
        if is_done {
            return None;
        }
        let mut bytes = Vec::with_capacity(PART_LEN);
        if let Err(error) = input.by_ref().take(PART_LEN as u64).read_to_end(&mut bytes) {
            return Some(Err(error));
        }
        is_done = bytes.len() < PART_LEN;
        if is_first && bytes.is_empty() {
            return None;
        }
        let part = Part::new(MessageKind::Binary, bytes.into()).with_first(is_first).with_last(is_done);
        is_first = false;
        Some(Ok(part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_line_ends() {
        let mut input = &b"a\nb\r\n\n\rc\r\r\nlast\r"[..];
        let lines: Vec<_> = std::iter::from_fn(|| next_line(&mut input, 1).unwrap()).collect();
        assert_eq!(lines, ["a", "b", "", "\rc\r", "last\r"]);
    }

    #[test]
    fn reports_invalid_utf8_with_the_line_number() {
        let error = next_line(&mut &b"\xff\n"[..], 7).unwrap_err();
        assert_eq!(error.to_string(), "line 7 is not valid UTF-8");
    }
    #[test]
    fn limits_the_length_of_a_line() {
        let line = vec![b'a'; usize::try_from(MAX_LINE).unwrap()];
        for (end, rest) in [("", ""), ("\n", "b"), ("\r\n", "b")] {
            let mut input = line.as_slice().chain(end.as_bytes()).chain(rest.as_bytes());
            assert_eq!(next_line(&mut input, 1).unwrap().map(|line| line.len()), Some(line.len()));
            assert_eq!(next_line(&mut input, 2).unwrap().unwrap_or_default(), rest);
        }
        let error = next_line(&mut line.as_slice().chain(&b"a\n"[..]), 7).unwrap_err();
        assert_eq!(error.to_string(), "line 7 is too long");
    }

    #[test]
    fn splits_input_into_the_parts_of_one_message() {
        for (len, expected) in [
            (0, &[][..]),
            (1, &[(1, true, true)]),
            (PART_LEN - 1, &[(PART_LEN - 1, true, true)]),
            (PART_LEN, &[(PART_LEN, true, false), (0, false, true)]),
            (2 * PART_LEN + 1, &[(PART_LEN, true, false), (PART_LEN, false, false), (1, false, true)]),
        ] {
            let input = vec![7; len];
            let parts: Vec<_> = parts(&*input).map(|part| part.unwrap()).collect();
            assert_eq!(
                parts.iter().map(|part| (part.bytes.len(), part.first, part.last)).collect::<Vec<_>>(),
                expected
            );
            assert!(
                parts.iter().all(|part| part.kind == MessageKind::Binary && part.bytes.iter().all(|&byte| byte == 7))
            );
        }
    }
}
