//! What the tables of all parts share.

use crate::clients::Done;
use crate::contenders::{Column, Group};
use crate::process::Calls;

/// Times of one server in one round.
pub(crate) struct Cell {
    /// Processor time of the server per message in nanoseconds.
    pub(crate) cpu: f64,
    per_second: f64,
    stalls: u64,
}

impl Cell {
    pub(crate) fn new(done: &Done, cpu: u64) -> Self {
        let messages = done.messages as f64;
        Self { cpu: cpu as f64 / messages, per_second: messages / done.elapsed.as_secs_f64(), stalls: done.stalls }
    }
}

/// The results of one server under one load.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) cells: Vec<Cell>,
    pub(crate) calls: Option<(Calls, Done)>,
}

/// The results of all servers of a group under one load. The first is the baseline.
pub(crate) struct Row {
    pub(crate) load: String,
    pub(crate) lines: Vec<Line>,
}

impl Row {
    pub(crate) fn new(load: String, names: impl Iterator<Item = &'static str>) -> Self {
        let line = |name| Line { name, cells: Vec::new(), calls: None };
        Self { load, lines: names.map(line).collect() }
    }

    fn line(&self, name: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.name == name)
    }

    /// Returns the quartiles of the ratios of two servers' processor times, taken within each round.
    pub(crate) fn ratios(&self, name: &str, other: &str) -> Option<[f64; 3]> {
        self.quartiles(name, other, |cell, other| cell.cpu / other.cpu)
    }

    /// Returns the quartiles of the ratios of two servers' times between messages.
    pub(crate) fn time_ratios(&self, name: &str, other: &str) -> Option<[f64; 3]> {
        self.quartiles(name, other, |cell, other| other.per_second / cell.per_second)
    }

    /// Returns the number of writes per message, if it was counted.
    pub(crate) fn writes(&self, name: &str) -> Option<f64> {
        self.line(name)?.calls.map(|(calls, done)| calls.writes as f64 / done.messages as f64)
    }

    /// Returns the number of stalls in all rounds.
    pub(crate) fn stalls(&self, name: &str) -> u64 {
        self.line(name).map_or(0, |line| line.cells.iter().map(|cell| cell.stalls).sum())
    }

    fn quartiles(&self, name: &str, other: &str, ratio: impl Fn(&Cell, &Cell) -> f64) -> Option<[f64; 3]> {
        let (line, other) = (self.line(name)?, self.line(other)?);
        Some(quartiles(line.cells.iter().zip(&other.cells).map(|(cell, other)| ratio(cell, other)).collect()))
    }
}

/// Prints a table with a row for each load and a column for each library, whose forms are in one cell.
pub(crate) fn table(group: &Group, rows: &[Row], cell: impl Fn(&Row, &Line) -> String) {
    let columns: Vec<&Column> = group.columns.iter().filter(|column| has(rows, column)).collect();
    let titles: Vec<&str> = columns.iter().map(|column| column.title).collect();
    println!("| load | {} | {} |", group.baseline.name, titles.join(" | "));
    println!("|---|{}", "---:|".repeat(titles.len() + 1));
    for row in rows {
        let forms = |names: &[&str]| {
            let lines = names.iter().filter_map(|name| row.line(name));
            lines.map(|line| cell(row, line)).collect::<Vec<_>>().join(" · ")
        };
        let baseline = forms(&[group.baseline.name]);
        let cells: Vec<String> = columns
            .iter()
            .map(|column| forms(&column.forms.iter().map(|form| form.name).collect::<Vec<_>>()))
            .collect();
        println!("| {} | {baseline} | {} |", row.load, cells.join(" | "));
    }
}

fn has(rows: &[Row], column: &Column) -> bool {
    rows.iter().all(|row| column.forms.iter().any(|form| row.line(form.name).is_some()))
}

/// Prints the processor time of the baseline, and the ratios of the other servers to it.
pub(crate) fn ratios(group: &Group, rows: &[Row]) {
    table(group, rows, |row, line| {
        let [low, ratio, high] = row.ratios(line.name, group.baseline.name).expect("both were measured");
        if line.name == group.baseline.name {
            let [low, cpu, high] = quartiles(line.cells.iter().map(|cell| cell.cpu).collect());
            return format!("{} ±{:.0} %", time(cpu), 50.0 * (high - low) / cpu);
        }
        format!("{ratio:.2} ±{:.2}", (high - low) / 2.0)
    });
}

/// Prints the rate of messages.
pub(crate) fn throughput(group: &Group, rows: &[Row]) {
    table(group, rows, |_, line| {
        let [_, per_second, _] = quartiles(line.cells.iter().map(|cell| cell.per_second).collect());
        count(per_second)
    });
}

/// Prints the number of writes and of all system calls per message.
pub(crate) fn system_calls(group: &Group, rows: &[Row]) {
    table(group, rows, |_, line| {
        let Some((calls, done)) = line.calls else { return "–".into() };
        let [writes, total] = [calls.writes, calls.total].map(|calls| calls as f64 / done.messages as f64);
        format!("{} of {}", count(writes), count(total))
    });
}

/// Prints the number of stalls of all rounds.
pub(crate) fn stalls(group: &Group, rows: &[Row]) {
    table(group, rows, |row, line| row.stalls(line.name).to_string());
}

/// A target, and whether it is met.
pub(crate) struct Target {
    pub(crate) work: String,
    pub(crate) contender: &'static str,
    pub(crate) against: String,
    pub(crate) at_most: f64,
    pub(crate) measured: f64,
    pub(crate) quartiles: Option<[f64; 2]>,
}

/// Returns the targets of our servers: at most 1.15 × the baseline, and less than each peer in each form.
pub(crate) fn targets(group: &Group, rows: &[Row]) -> Vec<Target> {
    let mut targets = Vec::new();
    let ours = group.columns.iter().filter(|column| column.is_ours).flat_map(|column| column.forms);
    for (contender, row) in ours.flat_map(|form| rows.iter().map(|row| (form.name, row))) {
        let mut target = |against: &str, at_most: f64, [low, measured, high]: [f64; 3]| {
            let (work, against) = (row.load.clone(), against.into());
            targets.push(Target { work, contender, against, at_most, measured, quartiles: Some([low, high]) });
        };
        if let Some(ratios) = row.ratios(contender, group.baseline.name) {
            target(group.baseline.name, 1.15, ratios);
        }
        let peers = group.columns.iter().filter(|column| !column.is_ours).flat_map(|column| column.forms);
        let ratios = peers.filter_map(|peer| Some((peer.name, row.ratios(contender, peer.name)?)));
        if let Some((peer, ratios)) = ratios.max_by(|(_, [_, a, _]), (_, [_, b, _])| a.total_cmp(b)) {
            target(&format!("fastest peer: {peer}"), 1.0, ratios);
        }
    }
    targets
}

pub(crate) fn print_targets(targets: &[Target]) {
    let is_met = |target: &&Target| target.measured <= target.at_most;
    let met = targets.iter().filter(is_met).count();
    println!("\n{met} of {} targets are met.\n", targets.len());
    println!("| work | contender | against | at most | measured | quartiles | |\n|---|---|---|---:|---:|---:|---|");
    for target in targets {
        let Target { work, contender, against, at_most, measured, quartiles } = target;
        let quartiles = quartiles.map(|[low, high]| format!("{low:.2} – {high:.2}")).unwrap_or_default();
        let result = if is_met(&target) { "met" } else { "**missed**" };
        println!("| {work} | {contender} | {against} | {at_most:.2} | {measured:.2} | {quartiles} | {result} |");
    }
}

/// Formats nanoseconds.
pub(crate) fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 10_000.0 => format!("{ns:.0} ns"),
        ns if ns < 10_000_000.0 => format!("{:.1} µs", ns / 1e3),
        ns => format!("{:.1} ms", ns / 1e6),
    }
}

/// Formats a number with three digits.
fn count(number: f64) -> String {
    match number {
        n if n < 0.995 => format!("{n:.3}"),
        n if n < 100.0 => format!("{n:.2}"),
        n if n < 1000.0 => format!("{n:.0}"),
        n => format!("{:.1} k", n / 1000.0),
    }
}

pub(crate) fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[(values.len() - 1) * quarter / 4])
}
