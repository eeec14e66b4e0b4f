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
    /// With `perl_compat()` what Perl writes: `out`, or `fixed` in its words. The tests of `crates/http` show the rest.
    Wording,
}

use crate::vectors;

use Ours::{Fixed, House, Lenient, Same, Wording};

/// A row that nothing needs any more is one that says something untrue.
#[test]
fn every_row_is_of_use() {
    let mut used = vectors::quirk_ids();
    // These are found by what happens, not by their vectors.
    used.extend(["house-reserved-field", "house-unoffered"].map(String::from));
    let idle: Vec<_> = QUIRKS.iter().map(|(name, ..)| *name).filter(|name| !used.contains(*name)).collect();
    assert!(idle.is_empty(), "{idle:?}");
    used.iter().for_each(|name| _ = find(name));
}

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
    ("frame-len-nonminimal", Lenient, "1002, unless `Decoder::allow_non_minimal_length`"),
    ("frame-mask-policy", Lenient, "1002 by role, unless `Decoder::allow_any_mask`"),
    ("frame-opcode-reserved", Fixed, "1002"),
    ("frame-rsv", Lenient, "1002, unless `Decoder::allow_rsv`"),
    ("frame-utf8", Fixed, "1007"),
    ("sentinel-data-after-close", Fixed, "what follows a Close is not read"),
    ("sentinel-length-frame", Fixed, "passed over by its length"),
    ("sentinel-no-limit", Fixed, "the limits hold for all versions"),
    ("sentinel-stray-bytes", Lenient, "a frame of another type, up to FF, unless `Decoder::skip_stray_bytes`"),
    ("text-of-binary", Fixed, "the bytes as they are"),
    ("text-replacement", Fixed, "U+FFFD for each maximal subpart"),
    ("house-compat-bounds", House, "`perl_compat()` sets what can be set; what no setting lets pass is an error with it, too"),
    ("house-limit-at-once", House, "what is over a limit is refused as soon as it is announced"),
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
    ("house-cookie-name", House, "names are UTF-8: a pair with another one is dropped"),
    ("house-cookie-quotes", House, "RFC 6265: quotes are a part of the value, and hide no `;`; `PerlCookie` reads them as Perl does"),
    ("house-cookie-empty", House, "a cookie that is set without a value has an empty one"),
    ("cookie-quote-escape", Fixed, "escaped, and unescaped when read"),
    ("cookie-version-lost", Fixed, "read"),
    ("header-injection", Fixed, "a typed error"),
    // Heads.
    ("custom-header-crlf", Fixed, "a typed error"),
    ("field-control-bytes", Fixed, "refused"),
    ("field-name", Fixed, "refused"),
    ("field-repeated", Fixed, "lists are joined, the others refused"),
    ("field-trailing-space", Fixed, "trimmed"),
    ("forwarded-proto-any", Fixed, "`https` only, and only if `Request::forwarded_secure` is asked"),
    ("house-body", House, "an upgrade with a body is refused (RFC 9112 §6)"),
    ("house-empty-line", House, "empty lines before a request are passed over (RFC 9112 §2.2)"),
    ("house-extensions", House, "a malformed list is refused (RFC 6455 §9.1)"),
    ("house-header-spaces", House, "a header of one's own with a space at either end is a typed error"),
    ("house-origin-bytes", House, "an origin that is not UTF-8 is refused"),
    ("house-origin-field", House, "the field of the version alone; two fields that differ are refused"),
    ("house-reason", House, "a reason phrase with a control character is refused"),
    ("house-reason-phrase", House, "an answer may have any reason phrase or none, and no blank before it (RFC 9112 §4)"),
    ("house-reserved-field", House, "a header of the handshake's own, or a repeated one, is a typed error"),
    ("house-subprotocol-field", House, "the field of the version alone"),
    ("house-subprotocol-unasked", House, "hybi-00 and hixie-75: ignored if none was offered"),
    ("house-subprotocols", House, "checked to be different tokens, at least one"),
    ("house-forwarded-wss", House, "a proxy may also say `wss`"),
    ("house-unoffered", House, "a subprotocol that was not offered is a typed error"),
    ("house-version-7", House, "13 and 8 are spoken, as numbers of their drafts; 7 gets 426"),
    ("house-host", House, "checked to be a host and a port"),
    ("house-mixed-keys", House, "refused"),
    ("house-noise", House, "a first line is refused at a byte that it cannot have, before it ends"),
    ("house-origin-missing", House, "an answer of the old versions has to repeat the origin (hixie-75 §4.1)"),
    ("house-upgrade-twice", House, "`Upgrade` is a list, and its field may stand twice (RFC 9110 §5.3)"),
    ("house-origin-case", House, "the scheme `https` in any case"),
    ("house-target-host", House, "an absolute target has the host (RFC 9112 §3.2.2)"),
    ("key-no-digits", Fixed, "refused"),
    ("key-no-spaces", Fixed, "refused"),
    ("key-not-multiple", Fixed, "refused"),
    ("key-number-overflow", Fixed, "refused"),
    ("leftovers-chunking", Fixed, "what follows the head is the caller's"),
    ("msg-size-accounting", Fixed, "the head's own bytes count, however they come"),
    ("origin-rewrite", Wording, "an origin that was given stays"),
    ("psgi-decoded-path", Fixed, "percent-encoded again"),
    ("psgi-forwarded-proto-case", Fixed, "any case"),
    ("psgi-no-path", Fixed, "`/?query`"),
    ("psgi-origin-by-version", Same, "the field of the version; see house-origin-field"),
    ("psgi-protocol-order", Fixed, "the field of the version; see house-subprotocol-field"),
    ("psgi-query-zero", Fixed, "a query as any other"),
    ("psgi-url-scheme", Fixed, "the caller passes it to `Accept::secure`"),
    ("req-half-key", Fixed, "refused"),
    ("req-host-form", Fixed, "refused"),
    ("req-key-invalid", Fixed, "refused"),
    ("req-key-missing", Fixed, "refused"),
    ("req-line-space", Fixed, "refused"),
    ("req-target-absolute", Fixed, "path and query are taken"),
    ("req-target-bytes", Fixed, "refused"),
    ("req-target-form", Fixed, "refused"),
    ("req-upgrade-list", Fixed, "read as a list"),
    ("req-version-unknown", Fixed, "refused with 426"),
    ("res-hixie75-reason", Wording, "`Web Socket Protocol Handshake`, as the draft says"),
    ("set-cookie-folded", Wording, "each cookie in its own field"),
    ("upgrade-case", Wording, "`websocket` since hybi-10, `WebSocket` before"),
    // Handshakes of clients.
    ("client-accept-unchecked", Fixed, "refused"),
    ("client-checksum-crash", Fixed, "refused"),
    ("client-done-after-error", Fixed, "an error is final"),
    ("client-extension-unchecked", Fixed, "refused"),
    ("client-location-unchecked", Fixed, "refused"),
    ("client-origin-unchecked", Fixed, "refused"),
    ("client-subprotocol-unchecked", Fixed, "refused"),
    ("client-url-crash", Fixed, "a typed error"),
    ("client-version-unchecked", Fixed, "refused"),
    ("res-upgrade-unchecked", Fixed, "refused"),
    // The client helper.
    ("client-close-ignored", Fixed, "answered"),
    ("client-close-not-echoed", Fixed, "answered with its code"),
    ("client-close-unmasked", Fixed, "masked"),
    ("client-connect-twice", House, "a `Client` connects once"),
    ("client-control-as-data", Fixed, "pings are answered, pongs and Closes are events of their own"),
    ("client-data-after-close", House, "not read"),
    ("client-error-repeated", House, "an error is final"),
    ("client-falsy-message", Fixed, "a message as any other"),
    ("client-fragments-die", Fixed, "read"),
    ("client-frame-unmasked", House, "masked"),
    ("house-helper", House, "as the frames and the handshake have it: refused, masked, echoed, or bytes as they are"),
    ("client-no-ping", Fixed, "there"),
    ("client-no-state", Fixed, "a typed error at the wrong time"),
    ("client-version-ignored", House, "the version holds for the handshake, too"),
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
    ("house-url-whatwg", House, "read as browsers do: dot segments, numbers that are addresses, IDNA, percent-encoding"),
    ("house-url-userinfo", House, "read, kept apart from the host, and sent only if the caller does it"),
    ("zero-is-false", Fixed, "0 is a value as any other"),
];
