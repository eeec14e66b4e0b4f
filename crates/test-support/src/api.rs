//! The types of a listing of a public API.

/// Returns the types that a crate has or exports, except those in modules. `api` is its listing in `docs/api`.
fn types<'a>(api: &'a str, krate: &str) -> Vec<&'a str> {
    let name = |line: &'a str| {
        let (kind, path) = line.trim_start_matches("#[non_exhaustive] ").split_once(&format!(" {krate}::"))?;
        let (name, rest) = path.split_at(path.find(|c: char| !c.is_alphanumeric()).unwrap_or(path.len()));
        // Traits and modules have no automatic traits.
        let is_type = matches!(kind, "pub struct" | "pub enum" | "pub type")
            || kind == "pub use" && name.starts_with(char::is_uppercase) && name != "AsMessage";
        (is_type && !rest.starts_with("::") && !rest.contains(">::")).then_some(name)
    };
    api.lines().filter_map(name).collect()
}

/// Checks that each type of a crate is named in a line of the test `source` that contains `start`.
///
/// # Panics
///
/// If one is missing.
pub fn assert_lists_all_types(source: &str, start: &str, api: &str, krate: &str) {
    let lines: Vec<&str> = source.lines().filter(|line| line.contains(start)).collect();
    let types = types(api, krate);
    assert!(types.len() > 10, "the listing has other lines: {types:?}");
    for name in types {
        let is_named = |line: &&str| line.split(|c: char| !c.is_alphanumeric()).any(|word| word == name);
        assert!(lines.iter().any(is_named), "{name} is not tested");
    }
}
