//! Every difference from Perl, and our behaviour.

/// The kind of our answer where Perl's differs from the documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ours {
    /// The answer of the documents: `fixed` of the vector.
    Fixed,
    /// The same, and with `perl_compat()` the answer of Perl.
    Lenient,
    /// The answer of Perl.
    Same,
    /// The answer in `ours.jsonl`.
    House,
    /// With `perl_compat()` the bytes of Perl: `out`, or `fixed` in the syntax of Perl. The tests of `crates/http` cover the
    /// rest.
    Wording,
}

use crate::vectors;

use Ours::{Fixed, House, Lenient, Same, Wording};

/// A row that no vector uses is out of date.
#[test]
fn every_quirk_is_used() {
    let mut used = vectors::quirk_ids();
    // The tests detect these by their results, not by their vectors.
    used.extend(["house-reserved-field", "house-unoffered"].map(String::from));
    let unused: Vec<_> = QUIRKS.iter().map(|(name, ..)| *name).filter(|name| !used.contains(*name)).collect();
    assert!(unused.is_empty(), "{unused:?}");
    used.iter().for_each(|name| _ = find(name));
}

/// Returns the kind of a quirk. Panics if the table does not have it, because an unlisted difference is a bug.
pub(crate) fn find(id: &str) -> Ours {
    let row = QUIRKS.iter().find(|(name, ..)| *name == id);
    row.unwrap_or_else(|| panic!("{id} is not in the table of quirks")).1
}

#[rustfmt::skip]
const QUIRKS: &[(&str, Ours, &str)] = &[
    // Decoding frames.
    ("frame-close-payload", Fixed, "1002 or 1007 for a payload of one byte, a bad code, a reason that is not UTF-8"),
    ("frame-cont-orphan", Fixed, "1002"),
    ("frame-control-fragmented", Fixed, "1002"),
    ("frame-control-long", Fixed, "1002"),
    ("frame-data-after-close", Fixed, "nothing after a Close is decoded"),
    ("frame-data-interleaved", Fixed, "1002"),
    ("frame-error-not-sticky", Fixed, "an error is final"),
    ("frame-frag-limit-zero", Same, "0 means 0; `Limits::NONE` is no limit"),
    ("frame-len-msb", Fixed, "1002"),
    ("frame-len-nonminimal", Lenient, "1002, unless `Decoder::allow_non_minimal_length`"),
    ("frame-mask-policy", Lenient, "1002 by role, unless `Decoder::allow_any_mask`"),
    ("frame-opcode-reserved", Fixed, "1002"),
    ("frame-rsv", Lenient, "1002, unless `Decoder::allow_rsv`"),
    ("frame-utf8", Fixed, "1007"),
    ("sentinel-data-after-close", Fixed, "nothing after a Close is decoded"),
    ("sentinel-length-frame", Fixed, "skipped by its length"),
    ("sentinel-no-limit", Fixed, "the limits apply to all versions"),
    ("sentinel-stray-bytes", Lenient, "a frame of another type, up to FF, unless `Decoder::skip_stray_bytes`"),
    ("text-of-binary", Fixed, "unchanged bytes"),
    ("text-replacement", Fixed, "U+FFFD for each maximal subpart"),
    ("house-compat-bounds", House, "`perl_compat()` changes settings; frames that no setting allows are errors with it, too"),
    ("house-limit-at-once", House, "a length over the limit is refused as soon as it is announced"),
    ("house-sentinel-text", House, "a text is always UTF-8: invalid bytes are U+FFFD in `next_bytes`, too"),
    // Encoding frames.
    ("enc-close-payload", House, "a typed error"),
    ("enc-control-fragmented", Fixed, "a typed error"),
    ("enc-control-long", Fixed, "a typed error"),
    ("enc-opcode-reserved", House, "`OpCode` has the six defined ones"),
    ("enc-sentinel-close-by-opcode", Fixed, "FF 00"),
    ("enc-sentinel-control", Fixed, "a typed error"),
    ("enc-sentinel-ff", Fixed, "a typed error"),
    ("house-sentinel-strict", House, "a typed error for binary, fragments and close codes, which `00 … FF` frames cannot express"),
    // Cookies.
    ("cookie-attribute-first", Fixed, "ignored"),
    ("cookie-attributes-ignored", House, "written"),
    ("cookie-empty-portlist", Fixed, "`Port`"),
    ("cookie-empty-value", Fixed, "an empty value"),
    ("cookie-malformed", House, "RFC 6265: a pair ends at `;` and its name at `=`"),
    ("house-cookie-name", House, "names are UTF-8; a pair with another name is dropped"),
    ("house-cookie-quotes", House, "RFC 6265: quotes are part of the value and hide no `;`; `PerlCookie` parses them as Perl does"),
    ("house-cookie-empty", House, "a cookie that is set without a value has an empty value"),
    ("cookie-quote-escape", Fixed, "escaped, and unescaped when parsed"),
    ("cookie-version-lost", Fixed, "parsed"),
    ("header-injection", Fixed, "a typed error"),
    // Heads.
    ("custom-header-crlf", Fixed, "a typed error"),
    ("field-control-bytes", Fixed, "refused"),
    ("field-name", Fixed, "refused"),
    ("field-repeated", Fixed, "lists are joined, other repeated fields are refused"),
    ("field-trailing-space", Fixed, "trimmed"),
    ("forwarded-proto-any", Fixed, "`https` only, and only through `Request::forwarded_secure`"),
    ("house-body", House, "an upgrade with a body is refused (RFC 9112 §6)"),
    ("house-empty-line", House, "empty lines before a request are skipped (RFC 9112 §2.2)"),
    ("house-extensions", House, "a malformed list is refused (RFC 6455 §9.1)"),
    ("house-header-spaces", House, "a typed error for a custom header value with a space at either end"),
    ("house-origin-bytes", House, "an origin that is not UTF-8 is refused"),
    ("house-origin-field", House, "the field of the version alone; two fields that differ are refused"),
    ("house-reason", House, "a reason phrase with a control character is refused"),
    ("house-reason-phrase", House, "a response may have any reason phrase or none, and no space before it (RFC 9112 §4)"),
    ("house-reserved-field", House, "a typed error for a header of the handshake, or a repeated one"),
    ("house-subprotocol-field", House, "the field of the version alone"),
    ("house-subprotocol-unasked", House, "hybi-00 and hixie-75: ignored if none was offered"),
    ("house-subprotocols", House, "must be one or more different tokens"),
    ("house-forwarded-wss", House, "a proxy may also send `wss`"),
    ("house-unoffered", House, "a typed error for a subprotocol that was not offered"),
    ("house-version-7", House, "13 and 8 are supported; 7 is refused with 426"),
    ("house-host", House, "must be a host and a port"),
    ("house-mixed-keys", House, "refused"),
    ("house-noise", House, "a first line is refused at its first invalid byte, before it ends"),
    ("house-origin-missing", House, "a response of the old versions must repeat the origin (hixie-75 §4.1)"),
    ("house-upgrade-twice", House, "`Upgrade` is a list, and its field may be repeated (RFC 9110 §5.3)"),
    ("house-origin-case", House, "the scheme `https` in any case"),
    ("house-target-host", House, "an absolute target has the host (RFC 9112 §3.2.2)"),
    ("key-no-digits", Fixed, "refused"),
    ("key-no-spaces", Fixed, "refused"),
    ("key-not-multiple", Fixed, "refused"),
    ("key-number-overflow", Fixed, "refused"),
    ("leftovers-chunking", Fixed, "the bytes after the head stay in the input"),
    ("msg-size-accounting", Fixed, "the bytes of the head count, for any split"),
    ("origin-rewrite", Wording, "a given origin is unchanged"),
    ("psgi-decoded-path", Fixed, "percent-encoded again"),
    ("psgi-forwarded-proto-case", Fixed, "any case"),
    ("psgi-no-path", Fixed, "`/?query`"),
    ("psgi-origin-by-version", Same, "the field of the version; see house-origin-field"),
    ("psgi-protocol-order", Fixed, "the field of the version; see house-subprotocol-field"),
    ("psgi-query-zero", Fixed, "a query like any other"),
    ("psgi-url-scheme", Fixed, "the caller passes it to `Accept::secure`"),
    ("req-half-key", Fixed, "refused"),
    ("req-host-form", Fixed, "refused"),
    ("req-key-invalid", Fixed, "refused"),
    ("req-key-missing", Fixed, "refused"),
    ("req-line-space", Fixed, "refused"),
    ("req-target-absolute", Fixed, "path and query of the URL"),
    ("req-target-bytes", Fixed, "refused"),
    ("req-target-form", Fixed, "refused"),
    ("req-upgrade-list", Fixed, "parsed as a list"),
    ("req-version-unknown", Fixed, "refused with 426"),
    ("res-hixie75-reason", Wording, "`Web Socket Protocol Handshake`, as in the draft"),
    ("set-cookie-folded", Wording, "each cookie in its own header field"),
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
    ("client-control-as-data", Fixed, "pings are answered; pings, pongs and Closes have their own events"),
    ("client-data-after-close", House, "not decoded"),
    ("client-error-repeated", House, "an error is final"),
    ("client-falsy-message", Fixed, "a message like any other"),
    ("client-fragments-die", Fixed, "accepted"),
    ("client-frame-unmasked", House, "masked"),
    ("house-helper", House, "as the frames and the handshake: refused, masked, answered, or unchanged bytes"),
    ("client-no-ping", Fixed, "`ping`, `pong`, and automatic pongs"),
    ("client-no-state", Fixed, "a typed error at the wrong time"),
    ("client-version-ignored", House, "the version applies to the handshake, too"),
    // URLs.
    ("url-build-empty-port", Fixed, "the default port"),
    ("url-build-no-slash", Fixed, "a slash is inserted"),
    ("url-bytes", Fixed, "refused"),
    ("url-fragment", Fixed, "refused"),
    ("url-host-empty", Fixed, "refused"),
    ("url-ipv6", Fixed, "the address in brackets"),
    ("url-port-invalid", Fixed, "refused"),
    ("url-port-leading-zero", Fixed, "parsed as a number"),
    ("url-port-range", Fixed, "refused"),
    ("url-query-no-path", Fixed, "`/?query`"),
    ("url-scheme-case", Fixed, "any case"),
    ("url-userinfo", Fixed, "the host is right; see house-url-userinfo"),
    ("house-url-bracket", House, "brackets in a path stay, as in every browser"),
    ("house-url-case", House, "the host is normalized to lower case (RFC 3986 §6.2.2.1)"),
    ("house-url-whatwg", House, "parsed as browsers do: dot segments, numbers that are addresses, IDNA, percent-encoding"),
    ("house-url-userinfo", House, "parsed, kept apart from the host, and sent only if the caller passes it on"),
    ("zero-is-false", Fixed, "0 is a value like any other"),
];
