//! What was measured, as Markdown, and where it goes in `docs/performance.md`.

use std::fmt::Write as _;

use crate::Kind;
use crate::measure::{Measured, Row};

/// The tables of one workload: a row for each contender, a column for each cell.
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
                Some(row) => write!(text, " {} |", figures(cell, row)).unwrap(),
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

/// × floor, × the fastest complete peer, time.
fn figures(cell: &Measured, row: &Row) -> String {
    let mut parts = Vec::new();
    if let Some(floor) = cell.floor() {
        let ratio = row.to(floor);
        parts.push(if row.name == floor.name {
            "1".to_string()
        } else {
            format!("{} ±{:.0} %", ratio_of(ratio.median), ratio.noise() * 50.0)
        });
    }
    if let (Some(peer), true) = (cell.fastest_peer(), matches!(row.kind, Kind::Ours | Kind::Peer)) {
        let ratio = ratio_of(row.to(peer).median);
        parts.push(if row.name == peer.name { "**1**".to_string() } else { ratio });
    }
    parts.push(time_of(row.time().median));
    parts.join(" · ")
}

/// A ratio with three figures.
#[must_use]
pub fn ratio_of(ratio: f64) -> String {
    match ratio {
        100.0.. => format!("{ratio:.0}"),
        10.0.. => format!("{ratio:.1}"),
        _ => format!("{ratio:.2}"),
    }
}

/// A time with three figures.
#[must_use]
pub fn time_of(nanoseconds: f64) -> String {
    match nanoseconds {
        100_000.0.. => format!("{:.0} µs", nanoseconds / 1000.0),
        10_000.0.. => format!("{:.1} µs", nanoseconds / 1000.0),
        1000.0.. => format!("{:.2} µs", nanoseconds / 1000.0),
        100.0.. => format!("{nanoseconds:.0} ns"),
        _ => format!("{nanoseconds:.1} ns"),
    }
}

/// Puts `text` between the markers of that name.
///
/// # Errors
///
/// When they are not there.
pub fn put(page: &mut String, name: &str, text: &str) -> Result<(), String> {
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
    let from = page.find(&begin).ok_or_else(|| format!("no place for {name}"))? + begin.len();
    let to = from + page[from..].find(&end).ok_or_else(|| format!("no end of {name}"))?;
    page.replace_range(from..to, text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_goes_between_its_markers() {
        let mut page = "a\n<!-- begin x -->\nold\n<!-- end x -->\nb".to_string();
        put(&mut page, "x", "new\n").unwrap();
        assert_eq!(page, "a\n<!-- begin x -->\nnew\n<!-- end x -->\nb");
        assert!(put(&mut page, "y", "").is_err());
    }

    #[test]
    fn figures_have_three_digits() {
        assert_eq!(
            [time_of(4.81), time_of(123.4), time_of(1234.0), time_of(27_382.7)],
            ["4.8 ns", "123 ns", "1.23 µs", "27.4 µs"]
        );
        assert_eq!([ratio_of(1.0), ratio_of(12.34), ratio_of(123.4)], ["1.00", "12.3", "123"]);
    }
}
