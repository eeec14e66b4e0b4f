//! Tables in Markdown.

use crate::load::{Done, Load};
use crate::process::Calls;

/// One server in one round.
pub(crate) struct Cell {
    /// Nanoseconds of the server's processor time a message.
    cpu: f64,
    a_second: f64,
}

impl Cell {
    pub(crate) fn new(done: &Done, cpu: u64) -> Self {
        let messages = done.messages as f64;
        Self { cpu: cpu as f64 / messages, a_second: messages / done.elapsed.as_secs_f64() }
    }
}

/// All rounds of one load.
pub(crate) struct Report {
    load: String,
    lines: Vec<Line>,
}

struct Line {
    name: &'static str,
    floor: &'static str,
    cells: Vec<Cell>,
    calls: Option<Calls>,
}

impl Report {
    pub(crate) fn new(load: &Load, names: impl Iterator<Item = (&'static str, &'static str)>) -> Self {
        let line = |(name, floor)| Line { name, floor, cells: Vec::new(), calls: None };
        Self { load: load.name(), lines: names.map(line).collect() }
    }

    pub(crate) fn add(&mut self, at: usize, cell: Cell) {
        self.lines[at].cells.push(cell);
    }

    pub(crate) fn calls(&mut self, at: usize, calls: Option<Calls>) {
        self.lines[at].calls = calls;
    }

    /// In each round, how many times the floor's processor time.
    fn ratios(&self, line: &Line) -> Vec<f64> {
        let floor = self.lines.iter().find(|floor| floor.name == line.floor).expect("the floor is in the table");
        line.cells.iter().zip(&floor.cells).map(|(cell, floor)| cell.cpu / floor.cpu).collect()
    }
}

pub(crate) fn print(reports: &[Report]) {
    println!(
        "Server processor time a message · × its floor (median of the rounds' ratios) ± half their middle half:\n"
    );
    table(reports, |report, line| {
        let [low, ratio, high] = quartiles(report.ratios(line));
        let [_, cpu, _] = quartiles(line.cells.iter().map(|cell| cell.cpu).collect());
        format!("{cpu:.0} ns · {ratio:.2} ± {:.2}", (high - low) / 2.0)
    });
    println!("\nMessages a second:\n");
    table(reports, |_, line| {
        let [_, a_second, _] = quartiles(line.cells.iter().map(|cell| cell.a_second).collect());
        format!("{:.1} k", a_second / 1000.0)
    });
    println!("\nSystem calls of the server, reads · writes a MiB received · writes a read · others a read:\n");
    table(reports, |_, line| {
        let Some(Calls { reads, writes, others, done }) = &line.calls else { return "–".into() };
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
