//! Markdown tables of the measured times, and their places in `docs/performance.md`.

use std::fmt::Write as _;

use crate::contender::Kind;
use crate::measure::{Measured, Row};

/// Formats the table of one workload: a row for each contender, a column for each cell.
#[must_use]
pub fn of(cells: &[Measured]) -> String {
    let mut text = String::from("| contender | leaves out |");
    for cell in cells {
        write!(text, " {} |", cell.column).unwrap();
    }
    text.push_str("\n|---|---|");
    text.push_str(&"---:|".repeat(cells.len()));
    text.push('\n');
    let mut names: Vec<&str> = Vec::new();
    for row in cells.iter().flat_map(|cell| &cell.rows) {
        if !names.contains(&row.name) {
            names.push(row.name);
        }
    }
    for name in names {
        let skips = cells.iter().find_map(|cell| cell.row(name)).map_or("", |row| row.skips);
        write!(text, "| {} | {skips} |", bold(name, cells)).unwrap();
        for cell in cells {
            match cell.row(name) {
                Some(row) => write!(text, " {} |", format_cell(cell, row)).unwrap(),
                None => text.push_str(" – |"),
            }
        }
        text.push('\n');
    }
    text
}

fn bold(name: &str, cells: &[Measured]) -> String {
    let ours = cells.iter().filter_map(|cell| cell.row(name)).any(|row| row.kind == Kind::Ours);
    if ours { format!("**{name}**") } else { name.to_string() }
}

/// Formats one cell: the ratio to the baseline, the ratio to the fastest complete peer, and the time.
fn format_cell(cell: &Measured, row: &Row) -> String {
    let mut parts = Vec::new();
    if let Some(baseline) = cell.baseline() {
        let ratio = row.ratio_to(baseline);
        parts.push(if row.name == baseline.name {
            "1".to_string()
        } else {
            format!("{} ±{:.0} %", format_ratio(ratio.median), ratio.noise() * 50.0)
        });
    }
    if let (Some(peer), true) = (cell.fastest_peer(), matches!(row.kind, Kind::Ours | Kind::Peer)) {
        let ratio = format_ratio(row.ratio_to(peer).median);
        parts.push(if row.name == peer.name { "**1**".to_string() } else { ratio });
    }
    parts.push(format_time(row.time().median));
    parts.join(" · ")
}

/// Formats a ratio with three significant digits.
#[must_use]
pub fn format_ratio(ratio: f64) -> String {
    match ratio {
        100.0.. => format!("{ratio:.0}"),
        10.0.. => format!("{ratio:.1}"),
        _ => format!("{ratio:.2}"),
    }
}

/// Formats a time with three significant digits.
#[must_use]
pub fn format_time(nanoseconds: f64) -> String {
    match nanoseconds {
        100_000.0.. => format!("{:.0} µs", nanoseconds / 1000.0),
        10_000.0.. => format!("{:.1} µs", nanoseconds / 1000.0),
        1000.0.. => format!("{:.2} µs", nanoseconds / 1000.0),
        100.0.. => format!("{nanoseconds:.0} ns"),
        _ => format!("{nanoseconds:.1} ns"),
    }
}

/// Replaces the text between the markers with this name.
///
/// # Errors
///
/// Returns an error if a marker is missing.
pub fn replace_section(page: &mut String, name: &str, text: &str) -> Result<(), String> {
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
    let from = page.find(&begin).ok_or_else(|| format!("missing `begin {name}`"))? + begin.len();
    let to = from + page[from..].find(&end).ok_or_else(|| format!("missing `end {name}`"))?;
    page.replace_range(from..to, text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_text_between_markers() {
        let mut page = "a\n<!-- begin x -->\nold\n<!-- end x -->\nb".to_string();
        replace_section(&mut page, "x", "new\n").unwrap();
        assert_eq!(page, "a\n<!-- begin x -->\nnew\n<!-- end x -->\nb");
        assert!(replace_section(&mut page, "y", "").is_err());
    }

    #[test]
    fn formats_three_significant_digits() {
        assert_eq!(
            [format_time(4.81), format_time(123.4), format_time(1234.0), format_time(27_382.7)],
            ["4.8 ns", "123 ns", "1.23 µs", "27.4 µs"]
        );
        assert_eq!([format_ratio(1.0), format_ratio(12.34), format_ratio(123.4)], ["1.00", "12.3", "123"]);
    }
}
