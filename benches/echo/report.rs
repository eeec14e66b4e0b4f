//! The results as Markdown tables.

use crate::load::{Done, Load};
use crate::process::Calls;

/// Times of one server in one round.
pub(crate) struct Cell {
    /// Processor time of the server per message in nanoseconds.
    cpu: f64,
    per_second: f64,
}

impl Cell {
    pub(crate) fn new(done: &Done, cpu: u64) -> Self {
        let messages = done.messages as f64;
        Self { cpu: cpu as f64 / messages, per_second: messages / done.elapsed.as_secs_f64() }
    }
}

/// Times of all servers under one load.
pub(crate) struct Report {
    load: String,
    lines: Vec<Line>,
}

struct Line {
    name: &'static str,
    baseline: &'static str,
    cells: Vec<Cell>,
    calls: Option<(Calls, Done)>,
}

impl Report {
    pub(crate) fn new(load: &Load, names: impl Iterator<Item = (&'static str, &'static str)>) -> Self {
        let line = |(name, baseline)| Line { name, baseline, cells: Vec::new(), calls: None };
        Self { load: load.name(), lines: names.map(line).collect() }
    }

    pub(crate) fn add(&mut self, at: usize, cell: Cell) {
        self.lines[at].cells.push(cell);
    }

    pub(crate) fn calls(&mut self, at: usize, calls: Option<(Calls, Done)>) {
        self.lines[at].calls = calls;
    }

    /// Returns the ratios of the processor times to those of the baseline, taken within each round.
    fn ratios(&self, line: &Line) -> Vec<f64> {
        let baseline = self.lines.iter().find(|other| other.name == line.baseline).expect("the baseline is measured");
        line.cells.iter().zip(&baseline.cells).map(|(cell, baseline)| cell.cpu / baseline.cpu).collect()
    }
}

pub(crate) fn print(reports: &[Report]) {
    println!(
        "Processor time of the server per message · ratio to its baseline (median of the rounds) ± half the interquartile range:\n"
    );
    table(reports, |report, line| {
        let [low, ratio, high] = quartiles(report.ratios(line));
        let [_, cpu, _] = quartiles(line.cells.iter().map(|cell| cell.cpu).collect());
        format!("{cpu:.0} ns · {ratio:.2} ± {:.2}", (high - low) / 2.0)
    });
    println!("\nMessages per second:\n");
    table(reports, |_, line| {
        let [_, per_second, _] = quartiles(line.cells.iter().map(|cell| cell.per_second).collect());
        format!("{:.1} k", per_second / 1000.0)
    });
    println!("\nSystem calls of the server: reads · writes per MiB received · writes per read · others per read:\n");
    table(reports, |_, line| {
        let Some((Calls { reads, writes, others }, done)) = &line.calls else { return "–".into() };
        let mib = done.bytes as f64 / 1_048_576.0;
        let [reads, writes, others] = [*reads, *writes, *others].map(|calls| calls as f64);
        format!("{:.0} · {:.0} · {:.2} · {:.2}", reads / mib, writes / mib, writes / reads, others / reads)
    });
}

fn table(reports: &[Report], cell: impl Fn(&Report, &Line) -> String) {
    let names: Vec<&str> = reports.iter().map(|report| report.load.as_str()).collect();
    println!("| server | {} |", names.join(" | "));
    println!("|---|{}", "---:|".repeat(reports.len()));
    for at in 0..reports[0].lines.len() {
        let cells: Vec<String> = reports.iter().map(|report| cell(report, &report.lines[at])).collect();
        println!("| {} | {} |", reports[0].lines[at].name, cells.join(" | "));
    }
}

fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[(values.len() - 1) * quarter / 4])
}
