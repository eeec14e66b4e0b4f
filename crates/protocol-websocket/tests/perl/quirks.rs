//! Every difference from Perl, and what we do instead.

/// What we do where Perl's answer is one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ours {
    /// What the documents ask for: the vector's `fixed`.
    Fixed,
    /// The same; and with `perl_compat()` what Perl does.
    Lenient,
    /// What Perl does.
    Same,
    /// What `ours.jsonl` says.
    House,
}

use Ours::{Fixed, House, Lenient, Same};

/// Panics if the table does not have it: an unlisted difference is a bug.
pub(crate) fn find(id: &str) -> Ours {
    let row = QUIRKS.iter().find(|(name, ..)| *name == id);
    row.unwrap_or_else(|| panic!("{id} is not in the table of quirks")).1
}

#[rustfmt::skip]
const QUIRKS: &[(&str, Ours, &str)] = &[
    // Frames, read.
    ("frame-close-payload", Fixed, "1002 or 1007 for a payload of one byte, a bad code, a reason that is no UTF-8"),
    ("frame-cont-orphan", Fixed, "1002"),
    ("frame-control-fragmented", Fixed, "1002"),
    ("frame-control-long", Fixed, "1002"),
    ("frame-data-after-close", Fixed, "what follows a Close is not read"),
    ("frame-data-interleaved", Fixed, "1002"),
    ("frame-error-not-sticky", Fixed, "an error is final"),
    ("frame-frag-limit-zero", Same, "a limit is a number: 0 is 0, and `Limits::NONE` is none"),
    ("frame-len-msb", Fixed, "1002"),
    ("frame-len-nonminimal", Lenient, "1002, unless `Decoder::any_length`"),
    ("frame-mask-policy", Lenient, "1002 by role, unless `Decoder::any_mask`"),
    ("frame-opcode-reserved", Fixed, "1002"),
    ("frame-rsv", Lenient, "1002, unless `Decoder::claim`"),
    ("frame-utf8", Fixed, "1007"),
    ("sentinel-data-after-close", Fixed, "what follows a Close is not read"),
    ("sentinel-length-frame", Fixed, "passed over by its length"),
    ("sentinel-no-limit", Fixed, "the limits hold for all versions"),
    ("sentinel-stray-bytes", Lenient, "a frame of another type, up to FF, unless `Decoder::resync`"),
    ("text-of-binary", Fixed, "the bytes as they are"),
    ("text-replacement", Fixed, "U+FFFD for each maximal subpart"),
    ("house-sentinel-text", House, "text is text: what is no UTF-8 is U+FFFD for those who want bytes, too"),
    // Frames, written.
    ("enc-close-payload", House, "a typed error"),
    ("enc-control-fragmented", Fixed, "a typed error"),
    ("enc-control-long", Fixed, "a typed error"),
    ("enc-opcode-reserved", House, "`OpCode` cannot hold one"),
    ("enc-sentinel-close-by-opcode", Fixed, "FF 00"),
    ("enc-sentinel-control", Fixed, "a typed error"),
    ("enc-sentinel-ff", Fixed, "a typed error"),
    ("house-sentinel-strict", House, "what 00 and FF cannot say is a typed error: binary, fragments, a close code"),
    // Cookies.
    ("cookie-attribute-first", Fixed, "ignored"),
    ("cookie-attributes-ignored", House, "written"),
    ("cookie-empty-portlist", Fixed, "`Port`"),
    ("cookie-empty-value", Fixed, "an empty value"),
    ("cookie-malformed", House, "RFC 6265: a pair ends at `;` and its name at `=`, whatever else is in it"),
    ("house-cookie-empty", House, "a cookie that is set without a value has an empty one"),
    ("cookie-quote-escape", Fixed, "escaped, and unescaped when read"),
    ("cookie-version-lost", Fixed, "read"),
    ("header-injection", Fixed, "a typed error"),
    // URLs.
    ("url-build-empty-port", Fixed, "the default port"),
    ("url-build-no-slash", Fixed, "a slash is put in"),
    ("url-bytes", Fixed, "refused"),
    ("url-fragment", Fixed, "refused"),
    ("url-host-empty", Fixed, "refused"),
    ("url-ipv6", Fixed, "the address in brackets"),
    ("url-port-invalid", Fixed, "refused"),
    ("url-port-leading-zero", Fixed, "read as a number"),
    ("url-port-range", Fixed, "refused"),
    ("url-query-no-path", Fixed, "`/?query`"),
    ("url-scheme-case", Fixed, "any case"),
    ("url-userinfo", Fixed, "the host is right; see house-url-userinfo"),
    ("house-url-bracket", House, "brackets in a path stay, as in every browser"),
    ("house-url-case", House, "the host is normalized to lower case (RFC 3986 §6.2.2.1)"),
    ("house-url-userinfo", House, "read, kept apart from the host, and sent only if the caller does it"),
    ("zero-is-false", Fixed, "0 is a value as any other"),
];
