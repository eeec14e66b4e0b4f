//! The search for the end of a head, for heads that do not arrive in one read.
//!
//! [`Search::end`] examines each byte once, when it arrives, however the head is split. It finds the lines of the head and
//! checks each byte of a line: the set of valid bytes depends on the [`Part`] of the line to which the byte belongs. If all
//! lines are valid, `httparse` then parses the head once.

use core::mem;

use memchr::memchr;

use crate::error::ParseError;
use crate::grammar::{is_text, is_token_char};
use crate::head::Head;
use crate::limits::HeadLimits;

/// The progress of a search. Positions count from the front of the caller's buffer.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    /// The start of the line that is not complete yet.
    line_start: usize,
    /// The number of bytes that were searched.
    searched: usize,
    /// The number of complete lines of the head, not counting empty lines before it.
    lines: usize,
    /// The part of the line to which the next byte belongs.
    part: Part,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Start,
    /// After the CR of an empty line.
    EmptyEnd,
    FirstLine,
    Name,
    Value,
    /// After the CR of any other line.
    End,
}

impl Search {
    pub(crate) const fn new() -> Self {
        Self { line_start: 0, searched: 0, lines: 0, part: Part::Start }
    }

    /// Returns whether no byte was searched yet.
    pub(crate) const fn is_new(&self) -> bool {
        self.searched == 0
    }

    /// Returns the number of header field lines of a complete head.
    pub(crate) const fn field_count(&self) -> usize {
        self.lines.saturating_sub(1)
    }

    /// Searches the new bytes. Returns the end of the head if the head is complete: the position after its empty line.
    pub(crate) fn end<H: Head>(&mut self, input: &[u8], limits: HeadLimits) -> Result<Option<usize>, ParseError> {
        let window = input.get(..limits.max_len).unwrap_or(input);
        while let Some(rest @ [_, ..]) = window.get(self.searched..) {
            let newline = memchr(b'\n', rest);
            let bytes = newline.and_then(|at| rest.get(..at)).unwrap_or(rest);
            self.searched += bytes.len() + usize::from(newline.is_some());
            #[cfg(test)]
            tests::SEARCHED.set(tests::SEARCHED.get() + bytes.len() + usize::from(newline.is_some()));
            self.part = match self.part_after(bytes) {
                Some(part) => part,
                None if self.lines == 0 => return Err(H::FIRST_LINE_ERROR),
                None if self.lines <= limits.max_headers => return Err(ParseError::Field),
                // This line exceeds the limit, whether it is valid or not. The error is returned when the line is complete.
                None => Part::Value,
            };
            if newline.is_none() {
                break;
            }
            let line = window.get(self.line_start..self.searched);
            debug_assert!(line.is_some(), "a line ends in the bytes that were searched");
            self.line_start = self.searched;
            match (mem::take(&mut self.part), self.lines) {
                (Part::Start | Part::EmptyEnd, 0) => continue,
                (Part::Start | Part::EmptyEnd, _) => return Ok(Some(self.searched)),
                (_, 0) => H::check_first_line(line.unwrap_or_default())?,
                (_, lines) if lines > limits.max_headers => return Err(ParseError::TooManyHeaders),
                (Part::Name, _) => return Err(ParseError::Field),
                _ => {}
            }
            self.lines += 1;
        }
        if input.len() < limits.max_len { Ok(None) } else { Err(ParseError::TooLong) }
    }

    /// Returns the part of the line after these bytes, or `None` if the line is malformed. The bytes do not contain LF. The
    /// first line is checked again when it is complete.
    fn part_after(&self, bytes: &[u8]) -> Option<Part> {
        let (text, has_cr) = bytes.strip_suffix(b"\r").map_or((bytes, false), |text| (text, true));
        let part = match (self.part, text) {
            _ if bytes.is_empty() => return Some(self.part),
            (Part::EmptyEnd | Part::End, _) => return None,
            (Part::Start, []) => return Some(Part::EmptyEnd),
            (Part::Start, [first, ..]) if !is_token_char(*first) => return None,
            (Part::Start | Part::Name, _) if self.lines > 0 => {
                match text.iter().position(|&byte| !is_token_char(byte)).and_then(|at| text.get(at..)) {
                    None if has_cr => return None,
                    None => Part::Name,
                    Some([b':', value @ ..]) if is_text(value) => Part::Value,
                    Some(_) => return None,
                }
            }
            (Part::Value, _) if is_text(text) => Part::Value,
            (Part::Value, _) => return None,
            _ if is_text(text) => Part::FirstLine,
            _ => return None,
        };
        Some(if has_cr { Part::End } else { part })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use core::cell::Cell;
    use std::thread_local;

    use bytes::BytesMut;

    use crate::limits::HeadLimits;
    use crate::reader::HeadReader;

    thread_local! {
        /// The number of bytes that were searched on this thread.
        pub(super) static SEARCHED: Cell<usize> = const { Cell::new(0) };
    }

    #[test]
    fn searches_each_byte_once_when_it_arrives() {
        let fields = ["Host: example.com\r\n", "X:\n", "Upgrade: websocket\r\n"].concat().repeat(40);
        let head = ["\r\nGET / HTTP/1.1\r\n", &fields, "\r\n"].concat();
        for read in [1, 2, 10, 100] {
            SEARCHED.set(0);
            let (mut reader, mut input) = (HeadReader::new(HeadLimits::default().max_headers(120)), BytesMut::new());
            let mut arrived = 0;
            for bytes in head.as_bytes().chunks(read) {
                input.extend_from_slice(bytes);
                arrived += bytes.len();
                assert_eq!(reader.request(&mut input).unwrap().is_some(), arrived == head.len());
                assert_eq!(SEARCHED.get(), arrived, "reads of {read}");
            }
        }
    }
}
