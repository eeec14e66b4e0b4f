//! Checks that `docs/security.md` names existing tests, and names every test of this folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const SECURITY: &str = include_str!("../../../../docs/security.md");

/// The letters of the tables of the catalogue.
const LETTERS: [char; 9] = ['H', 'S', 'T', 'L', 'F', 'M', 'D', 'O', 'R'];

#[test]
fn named_tests_exist() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [here.parent().unwrap().to_owned(), here.join("tests")];
    let named = named();
    assert!(!named.is_empty());
    for (file, test) in named {
        let mut texts = folders.iter().filter_map(|folder| fs::read_to_string(folder.join(format!("{file}.rs"))).ok());
        let exists = texts.any(|text| text.contains(&format!("fn {test}(")));
        assert!(exists, "docs/security.md names {file}.rs::{test}, which does not exist");
    }
}

#[test]
fn attack_tests_are_named() {
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
    assert!(tests > 0);
}

/// Checks that each row has an attack, a defence and a test, and that the numbers of each letter have no gap.
#[test]
fn every_attack_has_a_test() {
    let rows: Vec<_> = SECURITY.lines().filter(|line| is_row(line)).collect();
    let mut numbers = BTreeMap::<&str, u8>::new();
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let (letter, number) = cells[0].split_at(1);
        let last = numbers.entry(letter).or_default();
        assert_eq!(number.parse(), Ok(*last + 1), "{row}");
        *last += 1;
        assert_eq!(cells.len(), 4, "{row}");
        assert!(cells.iter().all(|cell| !cell.is_empty()) && cells[3].contains(".rs::"), "{row}");
    }
    assert_eq!(numbers.len(), LETTERS.len(), "{numbers:?}");
}

/// Whether a line is a row of the catalogue: these begin with a letter and a number.
fn is_row(line: &str) -> bool {
    let id = line.strip_prefix("| ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    id.strip_prefix(LETTERS).is_some_and(|number| number.parse::<u8>().is_ok())
}

/// Returns the file and the name of each test on the page.
fn named() -> BTreeSet<(&'static str, &'static str)> {
    SECURITY.split('`').filter_map(|code| code.split_once(".rs::")).collect()
}
