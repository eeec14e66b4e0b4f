//! Checks `docs/versions.md` against the table of quirks and the tests that it names.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::vectors;

#[test]
fn quirks_match_the_page() {
    let (_, quirks) = VERSIONS.split_once("\n## Differences from Perl\n").unwrap();
    // The first cell of each row that begins with code.
    let in_docs: BTreeSet<_> = quirks.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let in_tests: BTreeSet<_> =
        QUIRKS.lines().filter_map(|line| line.strip_prefix("    (\"")?.split('"').next()).collect();
    assert!(!in_tests.is_empty());
    let missing: Vec<_> = in_tests.difference(&in_docs).collect();
    let surplus: Vec<_> = in_docs.difference(&in_tests).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "docs/versions.md lacks {missing:?}, and has {surplus:?}, which quirks.rs lacks"
    );
}

#[test]
fn named_tests_exist() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [here.parent().unwrap().to_owned(), here.join("tests")];
    let named: BTreeSet<_> = VERSIONS.split('`').filter_map(|code| code.split_once(".rs::")).collect();
    assert!(!named.is_empty());
    for (file, test) in named {
        let mut texts = folders.iter().filter_map(|folder| fs::read_to_string(folder.join(format!("{file}.rs"))).ok());
        let exists = texts.any(|text| text.contains(&format!("fn {test}(")));
        assert!(exists, "docs/versions.md names {file}.rs::{test}, which does not exist");
    }
}

#[test]
fn every_class_and_version_has_a_test() {
    let (_, table) = VERSIONS.split_once("\n| class | role |").unwrap();
    let rows: Vec<_> = table.lines().skip(2).take_while(|line| !line.is_empty()).collect();
    assert!(!rows.is_empty());
    for row in rows {
        let cells: Vec<_> =
            row.strip_prefix('|').unwrap().strip_suffix('|').unwrap().split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 6, "{row}");
        assert!(cells[..2].iter().all(|cell| !cell.is_empty()), "{row}");
        assert!(cells[2..].iter().all(|cell| cell.starts_with('`') && cell.contains(".rs::")), "{row}");
    }
}

/// Where Perl's result is correct, only a rule of this project (`house-`) may lead to another one.
#[test]
fn own_results_follow_house_rules() {
    for (id, rule) in vectors::different_results() {
        assert!(rule.starts_with("house-"), "{id}: {rule}");
    }
}

const VERSIONS: &str = include_str!("../../../../docs/versions.md");
const QUIRKS: &str = include_str!("quirks.rs");
