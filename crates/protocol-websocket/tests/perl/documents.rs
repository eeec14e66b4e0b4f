//! `docs/versions.md` is held against what it speaks of: the table of quirks, and the tests that it names.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::vectors;

#[test]
fn every_quirk_has_its_row() {
    let (_, quirks) = VERSIONS.split_once("\n## Where our answer is not Perl's\n").unwrap();
    // The first cell of each row that begins with code.
    let in_docs: BTreeSet<_> = quirks.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let in_tests: BTreeSet<_> =
        QUIRKS.lines().filter_map(|line| line.strip_prefix("    (\"")?.split('"').next()).collect();
    assert!(in_tests.len() > 100, "{in_tests:?}");
    let missing: Vec<_> = in_tests.difference(&in_docs).collect();
    let surplus: Vec<_> = in_docs.difference(&in_tests).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "docs/versions.md lacks {missing:?} and has too many of {surplus:?}"
    );
}

#[test]
fn every_test_that_is_named_is_there() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [here.parent().unwrap().to_owned(), here.join("tests")];
    let named: BTreeSet<_> = VERSIONS.split('`').filter_map(|code| code.split_once(".rs::")).collect();
    assert!(named.len() > 20, "{named:?}");
    for (file, test) in named {
        let mut texts = folders.iter().filter_map(|folder| fs::read_to_string(folder.join(format!("{file}.rs"))).ok());
        let is_there = texts.any(|text| text.contains(&format!("fn {test}(")));
        assert!(is_there, "docs/versions.md names {file}.rs::{test}, which is not there");
    }
}

#[test]
fn no_cell_is_empty() {
    let (_, table) = VERSIONS.split_once("\n| class | role |").unwrap();
    let rows: Vec<_> = table.lines().skip(2).take_while(|line| !line.is_empty()).collect();
    assert!(rows.len() > 20, "{rows:?}");
    for row in rows {
        let cells: Vec<_> =
            row.strip_prefix('|').unwrap().strip_suffix('|').unwrap().split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 6, "{row}");
        assert!(cells[..2].iter().all(|cell| !cell.is_empty()), "{row}");
        assert!(cells[2..].iter().all(|cell| cell.starts_with('`') && cell.contains(".rs::")), "{row}");
    }
}

#[test]
fn the_answers_of_our_own_are_counted() {
    let (same, ours) = vectors::count_same();
    let said = format!("of the {same} recorded answers that\nare right in Perl's own terms, {ours} are answered in");
    assert!(VERSIONS.contains(&said), "docs/versions.md does not say: {said}");
}

const VERSIONS: &str = include_str!("../../../../docs/versions.md");
const QUIRKS: &str = include_str!("quirks.rs");
