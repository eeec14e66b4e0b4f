//! Time measurement in rounds. In each round every contender of a cell has a turn, so that other load on the machine
//! affects all contenders alike.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::contender::{Cell, Kind};

/// Duration of the measurement.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Rounds per cell.
    pub rounds: usize,
    /// Approximate duration of one contender's turn.
    pub turn: Duration,
}

/// Measured times of one row.
#[derive(Clone, Debug)]
pub struct Row {
    /// The contender's name.
    pub name: &'static str,
    /// The kind of contender.
    pub kind: Kind,
    /// The part of the work that the contender leaves out.
    pub skips: &'static str,
    /// Nanoseconds per unit of work, for each round.
    pub times: Vec<f64>,
}

/// A measured cell.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The workload.
    pub workload: &'static str,
    /// The column.
    pub column: String,
    /// Payload bytes per unit.
    pub bytes: usize,
    /// The rows.
    pub rows: Vec<Row>,
}

/// Median and quartiles of a set of values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Lower quartile.
    pub low: f64,
    /// Median.
    pub median: f64,
    /// Upper quartile.
    pub high: f64,
}

impl Spread {
    /// Computes the quartiles of `values`.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let quartile = |nth: usize| sorted[(sorted.len() - 1) * nth / 4];
        Self { low: quartile(1), median: quartile(2), high: quartile(3) }
    }

    /// Returns the interquartile range as a fraction of the median.
    #[must_use]
    pub fn noise(&self) -> f64 {
        (self.high - self.low) / self.median
    }
}

/// Returns the processor time of this thread. It excludes time in which other threads run, but not their effect on the
/// caches.
fn now() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().expect("processor time is positive")
}

/// Measures all contenders of one cell.
#[must_use]
pub fn measure(mut cell: Cell, effort: Effort) -> Measured {
    // Passes per turn, from a warm-up.
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
            // The order rotates, so that no contender always runs after the same one, whose data are then in the
            // caches.
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
    /// Returns the row with this name.
    #[must_use]
    pub fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// Returns the baseline row.
    #[must_use]
    pub fn baseline(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.kind == Kind::Baseline)
    }

    /// Returns the fastest of the other libraries that do the whole work.
    #[must_use]
    pub fn fastest_peer(&self) -> Option<&Row> {
        let complete = self.rows.iter().filter(|row| row.kind == Kind::Peer && row.skips.is_empty());
        complete.min_by(|a, b| a.time().median.total_cmp(&b.time().median))
    }
}

impl Row {
    /// Returns the nanoseconds per unit.
    #[must_use]
    pub fn time(&self) -> Spread {
        Spread::of(self.times.iter().copied())
    }

    /// Returns the ratios of the times to those of `other`, taken within each round.
    #[must_use]
    pub fn ratio_to(&self, other: &Self) -> Spread {
        Spread::of(self.times.iter().zip(&other.times).map(|(a, b)| a / b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratio_is_taken_within_each_round() {
        let row = |times: &[f64]| Row { name: "", kind: Kind::Peer, skips: "", times: times.to_vec() };
        // The machine is half as fast in the last two rounds, for both rows.
        let (a, b) = (row(&[2.0, 2.0, 2.2, 4.0, 4.0]), row(&[1.0, 1.0, 1.0, 2.0, 2.0]));
        assert_eq!(a.ratio_to(&b), Spread { low: 2.0, median: 2.0, high: 2.0 });
        assert_eq!(a.time(), Spread { low: 2.0, median: 2.2, high: 4.0 });
    }
}
