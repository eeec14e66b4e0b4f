//! Contenders, the work that they do, and the cells that compare them.

use std::hint::black_box;

/// One row of a table.
pub struct Contender {
    /// The row's name.
    pub name: &'static str,
    /// The kind of contender.
    pub kind: Kind,
    /// The part of the work that the contender leaves out, such as "UTF-8", or an empty string.
    pub skips: &'static str,
    /// Runs one pass over the work of the cell.
    pub pass: Box<dyn FnMut()>,
    /// Runs one pass and returns a summary of the messages.
    pub check: Box<dyn FnMut() -> Summary>,
}

impl Contender {
    /// Makes a row of two closures: one to measure and one to check. Each has a state of its own.
    pub fn new<S: 'static>(
        name: &'static str,
        kind: Kind,
        skips: &'static str,
        make: impl Fn() -> S,
        pass: impl Fn(&mut S) + 'static,
        check: impl Fn(&mut S) -> Summary + 'static,
    ) -> Self {
        let (mut timed, mut checked) = (make(), make());
        let (pass, check) = (Box::new(move || pass(&mut timed)), Box::new(move || check(&mut checked)));
        Self { name, kind, skips, pass, check }
    }
}

/// The kind of a contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A lower bound: a copy, or a part of the work.
    Bound,
    /// The least code that does the work. Ratios are relative to it.
    Baseline,
    /// One of the protocol-websocket crates.
    Ours,
    /// Another library.
    Peer,
}

/// Summary of one pass. All contenders that do the whole work have equal summaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Number of messages.
    pub messages: usize,
    /// Number of bytes in the messages.
    pub bytes: usize,
    /// Hash of the bytes.
    pub hash: u64,
}

impl Summary {
    /// Summarizes one message.
    #[must_use]
    pub fn of(message: &[u8]) -> Self {
        let mut summary = Self::default();
        summary.message(message);
        summary
    }
}

/// One workload at one message size, with all its contenders.
pub struct Cell {
    /// The workload, which is the name of its table.
    pub workload: &'static str,
    /// The column of the table.
    pub column: String,
    /// Units of work in one pass. Times are for one unit.
    pub units: usize,
    /// Payload bytes in one unit, or 0 if the unit has no payload.
    pub bytes: usize,
    /// The rows.
    pub contenders: Vec<Contender>,
    /// The row whose time is subtracted from all others: the cost of the test environment.
    pub overhead: Option<&'static str>,
}

/// Makes one cell. A cell may take some megabytes, so cells are made one at a time.
pub type MakeCell = Box<dyn Fn() -> Cell>;

impl Cell {
    /// Makes a cell without rows.
    #[must_use]
    pub fn new(workload: &'static str, column: impl Into<String>, units: usize, bytes: usize) -> Self {
        Self { workload, column: column.into(), units, bytes, contenders: Vec::new(), overhead: None }
    }

    /// Runs a few passes of each contender and compares the summaries.
    ///
    /// # Errors
    ///
    /// Returns an error if a summary differs from that of the first contender.
    pub fn check(&mut self) -> Result<(), String> {
        let mut expected: Option<(&str, Summary)> = None;
        for contender in self.contenders.iter_mut().filter(|contender| contender.kind != Kind::Bound) {
            for _ in 0..2 {
                let summary = (contender.check)();
                let (first, expected) = *expected.get_or_insert((contender.name, summary));
                if summary != expected {
                    let (name, workload, column) = (contender.name, self.workload, &self.column);
                    return Err(format!("{workload}, {column}: {name} has {summary:?}, {first} {expected:?}"));
                }
            }
            (contender.pass)();
        }
        Ok(())
    }
}

/// A reader of messages.
pub trait Decode {
    /// Reads `messages` messages and passes each to `sink`.
    fn pass(&mut self, messages: usize, sink: &mut impl Sink);
}

/// A sender that repeats one message.
pub trait Encode {
    /// Sends the message `count` times.
    fn pass(&mut self, count: usize);

    /// Returns the encoded bytes and empties the output.
    fn take(&mut self) -> Vec<u8>;
}

/// A receiver of messages. Its type is known at compile time, so that no contender has the cost of an indirect call.
pub trait Sink {
    /// Receives one message.
    fn message(&mut self, payload: &[u8]);
}

/// A sink that does nothing with the messages, in a way that the compiler cannot optimize away.
#[derive(Clone, Copy, Debug)]
pub struct BlackBox;

impl Sink for BlackBox {
    #[inline(always)]
    fn message(&mut self, payload: &[u8]) {
        black_box(payload.as_ptr());
        black_box(payload.len());
    }
}

impl Sink for Summary {
    fn message(&mut self, payload: &[u8]) {
        self.messages += 1;
        self.bytes += payload.len();
        for &byte in payload {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
}
