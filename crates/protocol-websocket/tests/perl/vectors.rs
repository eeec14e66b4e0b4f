//! Reads the recorded vectors and compares each of them with our result.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use protocol_websocket::{HeadLimits, Version};
use serde_json::{Value, json};

use crate::quirks::{self, Ours};

/// The configuration of our side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The default.
    Strict,
    /// With `perl_compat()`.
    Compat,
}

pub(crate) struct Vector {
    pub(crate) id: String,
    pub(crate) input: Value,
    /// The result of Perl.
    pub(crate) out: Value,
    /// The name of the quirk, or `None` if the result of Perl is correct.
    pub(crate) quirk: Option<String>,
    /// The random bytes of the client helper in the module's git head. `fixed` is based on them.
    pub(crate) head_entropy: Value,
    /// The correct result for a quirk, if there is one.
    pub(crate) fixed: Option<Value>,
}

/// Returns the name of a version in Perl's module.
pub(crate) const fn perl_name(version: Version) -> &'static str {
    match version {
        Version::Hixie75 => "draft-hixie-75",
        Version::Hybi00 => "draft-ietf-hybi-00",
        Version::Hybi10 => "draft-ietf-hybi-10",
        _ => "draft-ietf-hybi-17",
    }
}

/// Runs all vectors of a kind. `check` compares our result with the expected one and returns a description of the
/// difference.
pub(crate) fn run(kind: &str, check: impl Fn(&Vector, &Value, Mode) -> Result<(), String>) {
    let ours = ours();
    let (mut failures, mut same, mut quirk) = (Vec::new(), 0, 0);
    for vector in load(kind) {
        let expected = expected(&vector, &ours);
        *if vector.quirk.is_some() { &mut quirk } else { &mut same } += 1;
        for (mode, result) in expected {
            if let Err(difference) = check(&vector, &result, mode) {
                let Vector { id, quirk, input, .. } = &vector;
                let input: String = input.to_string().chars().take(300).collect();
                failures.push(format!("{id} {mode:?} {quirk:?}\n  input: {input}\n  {difference}"));
            }
        }
    }
    println!("{kind}: {same} vectors with Perl's result, {quirk} with a quirk");
    assert!(same + quirk > 0, "{kind} has no vectors");
    assert!(failures.is_empty(), "{} of {kind} differ:\n{}", failures.len(), failures.join("\n"));
}

/// Calls [`run`] for a kind whose result is one JSON value.
pub(crate) fn run_plain(kind: &str, result: impl Fn(&Value, Mode) -> Value) {
    run(kind, |vector, expected, mode| {
        let ours = result(&vector.input, mode);
        if ours == *expected { Ok(()) } else { Err(format!("expected: {expected}\n  ours:     {ours}")) }
    });
}

/// Returns the expected result in each mode.
fn expected(vector: &Vector, rows: &HashMap<String, Row>) -> Vec<(Mode, Value)> {
    let id = &vector.id;
    let rule = vector.quirk.as_deref().map(quirks::find);
    let row = rows.get(id);
    if let Some(Row { rule: house_rule, .. }) = row {
        assert_eq!(quirks::find(house_rule), Ours::Own, "{id}: {house_rule} is not a house rule");
    }
    let strict = match (row.and_then(|row| row.ours.as_ref()), &vector.fixed) {
        (Some(result), _) => result.clone(),
        (None, Some(fixed)) if !matches!(rule, Some(Ours::Same | Ours::Syntax)) => fixed.clone(),
        (None, _) if matches!(rule, None | Some(Ours::Same | Ours::Syntax)) => vector.out.clone(),
        // `ours.jsonl` must have the result.
        (None, _) => Value::Null,
    };
    let mut expected = vec![(Mode::Strict, strict)];
    if rule == Some(Ours::Lenient) {
        let compat = row.and_then(|row| row.compat.as_ref());
        expected.push((Mode::Compat, compat.map_or(vector.out.clone(), |end| cut_short(&vector.out, end))));
    }
    expected
}

/// Returns the first events of Perl, followed by an error that no setting prevents.
fn cut_short(out: &Value, end: &Value) -> Value {
    let until = end["events"].as_u64().unwrap() as usize;
    let mut events = out["events"].as_array().unwrap()[..until].to_vec();
    events.push(json!({ "type": "error", "class": "protocol-error", "error": end["error"] }));
    json!({ "events": events })
}

fn load(kind: &str) -> Vec<Vector> {
    let vector = |mut line: Value| {
        let verdict = line["verdict"].as_str().unwrap();
        assert!(verdict == "same" || verdict.starts_with("quirk:"), "{verdict}");
        for also in line["also"].as_array().into_iter().flatten() {
            quirks::find(also.as_str().unwrap());
        }
        Vector {
            id: line["id"].as_str().unwrap().into(),
            quirk: verdict.strip_prefix("quirk:").map(Into::into),
            fixed: line.get_mut("fixed").map(Value::take),
            head_entropy: line["out_head"]["entropy"].take(),
            input: line["in"].take(),
            out: line["out"].take(),
        }
    };
    lines(kind).map(vector).collect()
}

/// A line of `ours.jsonl`.
struct Row {
    rule: String,
    /// Our own result, if `fixed` is missing or a house rule differs from it.
    ours: Option<Value>,
    /// The event and the error at which `perl_compat()` stops.
    compat: Option<Value>,
}

/// Returns the lines of `ours.jsonl` by id.
fn ours() -> HashMap<String, Row> {
    let row = |mut line: Value| {
        let [ours, compat] = ["ours", "compat"].map(|name| line.get_mut(name).map(Value::take));
        assert!(ours.is_some() || compat.is_some(), "{line}");
        let text = |name: &str| String::from(line[name].as_str().unwrap());
        (text("id"), Row { rule: text("rule"), ours, compat })
    };
    lines("ours").map(row).collect()
}

/// Returns the names of the quirks in the vectors and in `ours.jsonl`.
pub(crate) fn quirk_ids() -> HashSet<String> {
    let names = |line: Value| {
        let also = line["also"].as_array().cloned().unwrap_or_default();
        let quirk = line["verdict"].as_str().and_then(|verdict| verdict.strip_prefix("quirk:")).map(Value::from);
        also.into_iter().chain(quirk).chain(line.get("rule").cloned())
    };
    all_lines().flat_map(names).map(|id| id.as_str().unwrap().into()).collect()
}

/// Returns the vectors for which Perl's result is correct and ours differs: their names, and the rules of our results.
pub(crate) fn different_results() -> Vec<(String, String)> {
    let ours = ours();
    let same = all_lines().filter(|line| line["verdict"] == "same");
    let rule = |line: Value| {
        let id = line["id"].as_str().unwrap();
        Some((id.to_owned(), ours.get(id)?.rule.clone()))
    };
    same.filter_map(rule).collect()
}

/// Returns the lines of all files.
fn all_lines() -> impl Iterator<Item = Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/perl");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.flat_map(|path| lines(path.file_stem().unwrap().to_str().unwrap()))
}

fn lines(name: &str) -> impl Iterator<Item = Value> + use<> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/perl/{name}.jsonl"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<_>>().into_iter()
}

/// Returns the bytes of a value whose key ends in `_hex`.
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    let item = |item: &Value| match item {
        Value::Array(repeated) => hex(repeated[0].as_str().unwrap()).repeat(repeated[1].as_u64().unwrap() as usize),
        once => hex(once.as_str().unwrap()),
    };
    match value {
        Value::Array(items) => items.iter().flat_map(item).collect(),
        once => item(once),
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// Returns the bytes of a text in which each character is one byte.
pub(crate) fn wire(value: &Value) -> Vec<u8> {
    value.as_str().unwrap().chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

/// Returns the text in which each byte is one character.
pub(crate) fn text(bytes: &[u8]) -> Value {
    bytes.iter().copied().map(char::from).collect::<String>().into()
}

/// Changes a response to the syntax that `perl_compat()` takes from Perl: the reason phrase of hixie-75, and all cookies
/// in one field.
pub(crate) fn perl_syntax(response: &[u8]) -> Vec<u8> {
    let response: String = response.iter().copied().map(char::from).collect();
    let response = response.replacen("101 Web Socket", "101 WebSocket", 1);
    let response = match response.split_once("\r\nSet-Cookie: ") {
        None => response,
        Some((before, cookies)) => format!("{before}\r\nSet-Cookie: {}", cookies.replace("\r\nSet-Cookie: ", ",")),
    };
    wire(&response.into())
}

/// Returns Perl's limit on heads.
pub(crate) fn head_limits() -> HeadLimits {
    HeadLimits::default().max_len(20480).max_headers(1000)
}

/// Returns the ways to split a stream of `len` bytes, as sizes of the pieces. The rest after a list is one more piece.
pub(crate) fn chunkings(value: &Value, len: usize) -> Vec<Vec<usize>> {
    let sizes = |chunking: &Value| match chunking {
        Value::Array(sizes) => {
            let mut left = len;
            let mut piece = |size: usize| {
                let size = size.min(left);
                left -= size;
                size
            };
            let mut pieces: Vec<_> = sizes.iter().map(|size| piece(size.as_u64().unwrap() as usize)).collect();
            pieces.extend(Some(left).filter(|&left| left > 0));
            pieces
        }
        name if name == "whole" => vec![len],
        name => {
            assert_eq!(name, "each");
            vec![1; len]
        }
    };
    value.as_array().unwrap().iter().map(sizes).collect()
}
