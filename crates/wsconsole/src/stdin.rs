//! Lines of stdin.

use std::io::{self, BufRead, ErrorKind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use mio::Waker;

/// The number of lines that are read before they are sent.
const MAX_BUFFERED_LINES: usize = 64;

/// Starts a thread that reads lines and wakes the waker after each of them. The channel ends at the end of input or
/// after an error.
pub(crate) fn lines(waker: Arc<Waker>) -> io::Result<Receiver<io::Result<String>>> {
    let (sender, receiver) = sync_channel(MAX_BUFFERED_LINES);
    thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut stdin = io::stdin().lock();
        for number in 1_u64.. {
            let Some(line) = next_line(&mut stdin, number).transpose() else { break };
            let is_last = line.is_err();
            if sender.send(line).is_err() || waker.wake().is_err() || is_last {
                break;
            }
        }
        // The channel must end before the waker wakes the main thread.
        drop(sender);
        let _ = waker.wake();
    })?;
    Ok(receiver)
}

/// Reads a line without its LF or CR LF.
fn next_line(input: &mut impl BufRead, number: u64) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if input.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.ends_with(b"\n") {
        line.pop();
        if line.ends_with(b"\r") {
            line.pop();
        }
    }
    let invalid_utf8 = |_| io::Error::new(ErrorKind::InvalidData, format!("line {number} is not valid UTF-8"));
    String::from_utf8(line).map(Some).map_err(invalid_utf8)
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
}
