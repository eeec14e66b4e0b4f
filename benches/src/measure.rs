//! Time, in rounds: in each round every contender of a cell has its turn, so that whatever else the machine does meets all.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::{Cell, Kind};

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// How many rounds a cell has.
    pub rounds: usize,
    /// How long one turn of one contender is, about.
    pub turn: Duration,
}

/// What one row of a cell came to.
#[derive(Clone, Debug)]
pub struct Row {
    /// The contender.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it leaves out.
    pub skips: &'static str,
    /// Nanoseconds for one unit of work, in each round.
    pub times: Vec<f64>,
}

/// A cell with its figures.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The workload.
    pub workload: &'static str,
    /// The column.
    pub column: String,
    /// Bytes a unit.
    pub bytes: usize,
    /// The rows.
    pub rows: Vec<Row>,
}

/// A figure and how far it moved: the median, and the quartiles on both sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// A quarter of the rounds was below.
    pub low: f64,
    /// Half of them.
    pub median: f64,
    /// A quarter was above.
    pub high: f64,
}

impl Spread {
    /// Of these figures.
    #[must_use]
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |share: usize| sorted[(sorted.len() - 1) * share / 4];
        Self { low: at(1), median: at(2), high: at(3) }
    }

    /// How far the quartiles are from each other, as a share of the median.
    #[must_use]
    pub fn noise(&self) -> f64 {
        (self.high - self.low) / self.median
    }
}

/// The processor time of this thread: what it waits for others is not in it, though what they do to its caches is.
fn now() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().expect("time is not negative")
}

/// Measures one cell.
#[must_use]
pub fn measure(mut cell: Cell, effort: Effort) -> Measured {
    // How many passes a turn is, from one that warms up.
    let passes: Vec<usize> = cell
        .contenders
        .iter_mut()
        .map(|contender| {
            (contender.pass)();
            let (start, mut passes) = (now(), 0);
            while now() - start < effort.turn / 2 {
                (contender.pass)();
                passes += 1;
            }
            (2 * passes).max(1)
        })
        .collect();
    let mut times = vec![Vec::with_capacity(effort.rounds); cell.contenders.len()];
    for round in 0..effort.rounds {
        for turn in 0..cell.contenders.len() {
            // Another one begins each time, so that nobody always follows the same neighbour's caches.
            let at = (turn + round) % cell.contenders.len();
            let contender = &mut cell.contenders[at];
            (contender.pass)();
            let start = now();
            for _ in 0..passes[at] {
                (contender.pass)();
            }
            times[at].push((now() - start).as_secs_f64() * 1e9 / (passes[at] * cell.units) as f64);
        }
    }
    if let Some(at) = cell.overhead.and_then(|name| cell.contenders.iter().position(|row| row.name == name)) {
        let overhead = times[at].clone();
        for (_, times) in times.iter_mut().enumerate().filter(|(row, _)| *row != at) {
            times.iter_mut().zip(&overhead).for_each(|(time, overhead)| *time -= overhead);
        }
    }
    let rows = cell.contenders.iter().zip(times);
    let rows = rows.map(|(row, times)| Row { name: row.name, kind: row.kind, skips: row.skips, times }).collect();
    Measured { workload: cell.workload, column: cell.column, bytes: cell.bytes, rows }
}

impl Measured {
    /// The row of that name.
    #[must_use]
    pub fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// The least code that does the work.
    #[must_use]
    pub fn floor(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.kind == Kind::Floor)
    }

    /// The fastest of the other libraries that leave nothing out.
    #[must_use]
    pub fn fastest_peer(&self) -> Option<&Row> {
        let complete = self.rows.iter().filter(|row| row.kind == Kind::Peer && row.skips.is_empty());
        complete.min_by(|a, b| a.time().median.total_cmp(&b.time().median))
    }
}

impl Row {
    /// Nanoseconds for one unit.
    #[must_use]
    pub fn time(&self) -> Spread {
        Spread::of(self.times.iter().copied())
    }

    /// How many times `other`'s time, each round for itself.
    #[must_use]
    pub fn to(&self, other: &Self) -> Spread {
        Spread::of(self.times.iter().zip(&other.times).map(|(a, b)| a / b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_taken_within_its_round() {
        let row = |times: &[f64]| Row { name: "", kind: Kind::Peer, skips: "", times: times.to_vec() };
        // The machine was twice as slow in the last rounds, for both.
        let (a, b) = (row(&[2.0, 2.0, 2.2, 4.0, 4.0]), row(&[1.0, 1.0, 1.0, 2.0, 2.0]));
        assert_eq!(a.to(&b), Spread { low: 2.0, median: 2.0, high: 2.0 });
        assert_eq!(a.time(), Spread { low: 2.0, median: 2.2, high: 4.0 });
    }
}
