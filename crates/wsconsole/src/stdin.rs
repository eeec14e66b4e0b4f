use std::io::{self, BufRead, ErrorKind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use mio::Waker;

/// How many lines are read ahead of what is sent. Beyond it the input has to wait.
const AHEAD: usize = 64;

/// Reads lines in a thread of their own, and wakes for each. The end of input is the end of the channel; an error is
/// the last item.
pub(crate) fn lines(waker: Arc<Waker>) -> io::Result<Receiver<io::Result<String>>> {
    let (sender, receiver) = sync_channel(AHEAD);
    thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut stdin = io::stdin().lock();
        for number in 1_u64.. {
            let Some(line) = next_line(&mut stdin, number).transpose() else { break };
            let last = line.is_err();
            if sender.send(line).is_err() || waker.wake().is_err() || last {
                break;
            }
        }
        drop(sender);
        let _ = waker.wake();
    })?;
    Ok(receiver)
}

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
    let not_utf8 = |_| io::Error::new(ErrorKind::InvalidData, format!("line {number} is not UTF-8"));
    String::from_utf8(line).map(Some).map_err(not_utf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_are_not_sent() {
        let mut input = &b"a\nb\r\n\n\rc\r\r\nlast\r"[..];
        let lines: Vec<_> = std::iter::from_fn(|| next_line(&mut input, 1).unwrap()).collect();
        assert_eq!(lines, ["a", "b", "", "\rc\r", "last\r"]);
    }

    #[test]
    fn what_is_not_utf8_is_an_error() {
        let error = next_line(&mut &b"\xff\n"[..], 7).unwrap_err();
        assert_eq!(error.to_string(), "line 7 is not UTF-8");
    }
}
