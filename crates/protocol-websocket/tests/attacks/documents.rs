//! `docs/security.md` and these tests are held against each other.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const SECURITY: &str = include_str!("../../../../docs/security.md");

#[test]
fn every_test_that_is_named_is_there() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [here.parent().unwrap().to_owned(), here.join("tests")];
    let named = named();
    assert!(named.len() > 100, "{named:?}");
    for (file, test) in named {
        let mut texts = folders.iter().filter_map(|folder| fs::read_to_string(folder.join(format!("{file}.rs"))).ok());
        let is_there = texts.any(|text| text.contains(&format!("fn {test}(")));
        assert!(is_there, "docs/security.md names {file}.rs::{test}, which is not there");
    }
}

#[test]
fn every_test_that_is_here_is_named() {
    let named = named();
    let mut tests = 0;
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks")).unwrap() {
        let path = entry.unwrap().path();
        let (file, text) = (path.file_stem().unwrap().to_str().unwrap(), fs::read_to_string(&path).unwrap());
        for test in text.split("#[test]\n").skip(1) {
            let name = test.trim_start().strip_prefix("fn ").unwrap().split('(').next().unwrap();
            assert!(
                named.contains(&(&format!("attacks/{file}"), name)),
                "docs/security.md does not name attacks/{file}.rs::{name}"
            );
            tests += 1;
        }
    }
    assert!(tests > 50, "{tests}");
}

/// What attack, what we do about it, what proves it: no row without all three.
#[test]
fn no_row_is_without_its_proof() {
    let rows: Vec<_> = SECURITY.lines().filter(|line| is_row(line)).collect();
    assert_eq!(rows.len(), 9 + 19 + 12 + 13 + 3 + 8 + 11);
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        assert_eq!(cells.len(), 4, "{row}");
        assert!(cells.iter().all(|cell| !cell.is_empty()) && cells[3].contains(".rs::"), "{row}");
    }
}

/// A row of the catalogue begins with its letter and number.
fn is_row(line: &str) -> bool {
    let id = line.strip_prefix("| ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    id.strip_prefix(['H', 'S', 'L', 'F', 'M', 'D', 'O']).is_some_and(|number| number.parse::<u8>().is_ok())
}

/// File and name of each test on the page.
fn named() -> BTreeSet<(&'static str, &'static str)> {
    SECURITY.split('`').filter_map(|code| code.split_once(".rs::")).collect()
}
