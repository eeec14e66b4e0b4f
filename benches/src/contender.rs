//! Who competes, at what, and what is left out.

use std::hint::black_box;

/// One row of a table.
pub struct Contender {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Which part of the work it does not do, if any: "UTF-8".
    pub skips: &'static str,
    /// One pass over the work of its cell.
    pub pass: Box<dyn FnMut()>,
    /// One pass that says what came out.
    pub check: Box<dyn FnMut() -> Answer>,
}

impl Contender {
    /// A row of two closures over one state each, one to measure and one to check.
    pub fn new<S: 'static>(
        name: &'static str,
        kind: Kind,
        skips: &'static str,
        make: impl Fn() -> S,
        pass: impl Fn(&mut S) + 'static,
        check: impl Fn(&mut S) -> Answer + 'static,
    ) -> Self {
        let (mut timed, mut checked) = (make(), make());
        let (pass, check) = (Box::new(move || pass(&mut timed)), Box::new(move || check(&mut checked)));
        Self { name, kind, skips, pass, check }
    }
}

/// What a contender is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A bound that nothing real can pass: a copy, a part of the work.
    Bound,
    /// The least code that does the work. Ratios are to it.
    Floor,
    /// One of these crates.
    Ours,
    /// Another library.
    Peer,
}

/// What one pass came to. All who leave nothing out agree on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// How many messages.
    pub messages: usize,
    /// How many bytes were in them.
    pub bytes: usize,
    /// A hash of them.
    pub digest: u64,
}

impl Answer {
    /// Of one message.
    #[must_use]
    pub fn of(message: &[u8]) -> Self {
        let mut answer = Self::default();
        answer.message(message);
        answer
    }
}

/// The same work for everybody: one workload at one size.
pub struct Cell {
    /// The workload, as its table is called.
    pub workload: &'static str,
    /// The column.
    pub column: String,
    /// How often one pass does what the time is given for.
    pub units: usize,
    /// How many bytes of payload one of these has; 0 where that has no meaning.
    pub bytes: usize,
    /// The rows.
    pub contenders: Vec<Contender>,
    /// The row whose time is taken off all others: what the measuring itself needs.
    pub overhead: Option<&'static str>,
}

impl Cell {
    /// A cell without rows.
    #[must_use]
    pub fn new(workload: &'static str, column: impl Into<String>, units: usize, bytes: usize) -> Self {
        Self { workload, column: column.into(), units, bytes, contenders: Vec::new(), overhead: None }
    }

    /// Lets everybody make a pass, and says who answers something else than the floor.
    ///
    /// # Errors
    ///
    /// When somebody does.
    pub fn check(&mut self) -> Result<(), String> {
        let mut expected: Option<(&str, Answer)> = None;
        for contender in self.contenders.iter_mut().filter(|contender| contender.kind != Kind::Bound) {
            for _ in 0..2 {
                let answer = (contender.check)();
                let (first, expected) = *expected.get_or_insert((contender.name, answer));
                if answer != expected {
                    let (name, workload, column) = (contender.name, self.workload, &self.column);
                    return Err(format!("{workload}, {column}: {name} has {answer:?}, {first} {expected:?}"));
                }
            }
            (contender.pass)();
        }
        Ok(())
    }
}

/// Who gets the messages. Known at compile time, so that nobody pays for a call.
pub trait Sink {
    /// One message.
    fn message(&mut self, payload: &[u8]);
}

/// A sink of which the compiler does not know that it does nothing.
#[derive(Clone, Copy, Debug)]
pub struct Use;

impl Sink for Use {
    #[inline(always)]
    fn message(&mut self, payload: &[u8]) {
        black_box(payload.as_ptr());
        black_box(payload.len());
    }
}

impl Sink for Answer {
    fn message(&mut self, payload: &[u8]) {
        self.messages += 1;
        self.bytes += payload.len();
        for &byte in payload {
            self.digest = (self.digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
}
