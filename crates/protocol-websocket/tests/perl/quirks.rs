//! Every difference from Perl, and our behaviour. Names that begin with `house-` are rules of this project where Perl's
//! result is allowed, too.

/// The result that our tests expect where Perl's result differs from the RFCs and drafts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ours {
    /// The result by the RFCs and drafts: `fixed` of the vector.
    Fixed,
    /// The same as `Fixed`, and with `perl_compat()` the result of Perl.
    Lenient,
    /// The result of Perl.
    Same,
    /// The result in `ours.jsonl`.
    Own,
    /// With `perl_compat()` the bytes of Perl: `out`, or `fixed` in the syntax of Perl. The tests of `crates/http` cover the
    /// rest.
    Syntax,
}

use crate::vectors;

use Ours::{Fixed, Lenient, Own, Same, Syntax};

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
    ("house-compat-bounds", Own, "`perl_compat()` changes settings; frames that no setting allows are errors with it, too"),
    ("house-limit-at-once", Own, "a length over the limit is refused as soon as it is announced"),
    ("house-sentinel-text", Own, "a text is always UTF-8: invalid bytes are U+FFFD in `next_bytes`, too"),
    // Encoding frames.
    ("enc-close-payload", Own, "a typed error"),
    ("enc-control-fragmented", Fixed, "a typed error"),
    ("enc-control-long", Fixed, "a typed error"),
    ("enc-opcode-reserved", Own, "`OpCode` has the six defined ones"),
    ("enc-sentinel-close-by-opcode", Fixed, "FF 00"),
    ("enc-sentinel-control", Fixed, "a typed error"),
    ("enc-sentinel-ff", Fixed, "a typed error"),
    ("house-sentinel-strict", Own, "a typed error for binary, fragments and close codes, which `00 … FF` frames cannot express"),
    // Cookies.
    ("cookie-attribute-first", Fixed, "ignored"),
    ("cookie-attributes-ignored", Own, "written"),
    ("cookie-empty-portlist", Fixed, "`Port`"),
    ("cookie-empty-value", Fixed, "an empty value"),
    ("cookie-malformed", Own, "RFC 6265: a pair ends at `;` and its name at `=`"),
    ("house-cookie-name", Own, "names are UTF-8; a pair with another name is dropped"),
    ("house-cookie-quotes", Own, "RFC 6265: quotes are part of the value and hide no `;`; `PerlCookie` parses them as Perl does"),
    ("house-cookie-empty", Own, "a cookie that is set without a value has an empty value"),
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
    ("house-body", Own, "an upgrade with a body is refused (RFC 9112 §6)"),
    ("house-empty-line", Own, "empty lines before a request are skipped (RFC 9112 §2.2)"),
    ("house-extensions", Own, "a malformed list is refused (RFC 6455 §9.1)"),
    ("house-header-spaces", Own, "a typed error for a custom header value with a space at either end"),
    ("house-origin-bytes", Own, "an origin that is not UTF-8 is refused"),
    ("house-origin-field", Own, "the field of the version alone; two fields that differ are refused"),
    ("house-reason", Own, "a reason phrase with a control character is refused"),
    ("house-reason-phrase", Own, "a response may have any reason phrase or none, and no space before it (RFC 9112 §4)"),
    ("house-reserved-field", Own, "a typed error for a header of the handshake, or a repeated one"),
    ("house-subprotocol-field", Own, "the field of the version alone"),
    ("house-subprotocol-unasked", Own, "hybi-00 and hixie-75: ignored if none was offered"),
    ("house-subprotocols", Own, "must be one or more different tokens"),
    ("house-forwarded-wss", Own, "a proxy may also send `wss`"),
    ("house-unoffered", Own, "a typed error for a subprotocol that was not offered"),
    ("house-version-7", Own, "13 and 8 are supported; 7 is refused with 426"),
    ("house-host", Own, "must be a host and a port"),
    ("house-mixed-keys", Own, "refused"),
    ("house-noise", Own, "a first line is refused at its first invalid byte, before it ends"),
    ("house-origin-missing", Own, "a response of the old versions must repeat the origin (hixie-75 §4.1)"),
    ("house-upgrade-twice", Own, "`Upgrade` is a list, and its field may be repeated (RFC 9110 §5.3)"),
    ("house-origin-case", Own, "the scheme `https` in any case"),
    ("house-target-host", Own, "an absolute target has the host (RFC 9112 §3.2.2)"),
    ("key-no-digits", Fixed, "refused"),
    ("key-no-spaces", Fixed, "refused"),
    ("key-not-multiple", Fixed, "refused"),
    ("key-number-overflow", Fixed, "refused"),
    ("leftovers-chunking", Fixed, "the bytes after the head stay in the input"),
    ("msg-size-accounting", Fixed, "the bytes of the head count, for any split"),
    ("origin-rewrite", Syntax, "a given origin is unchanged"),
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
    ("res-hixie75-reason", Syntax, "`Web Socket Protocol Handshake`, as in the draft"),
    ("set-cookie-folded", Syntax, "each cookie in its own header field"),
    ("upgrade-case", Syntax, "`websocket` since hybi-10, `WebSocket` before"),
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
    ("client-close-ignored", Fixed, "a Close is sent"),
    ("client-close-not-echoed", Fixed, "a Close with its code is sent"),
    ("client-close-unmasked", Fixed, "masked"),
    ("client-connect-twice", Own, "a `Client` connects once"),
    ("client-control-as-data", Fixed, "pongs are sent; pings, pongs and Closes have their own events"),
    ("client-data-after-close", Own, "not decoded"),
    ("client-error-repeated", Own, "an error is final"),
    ("client-falsy-message", Fixed, "a message like any other"),
    ("client-fragments-die", Fixed, "accepted"),
    ("client-frame-unmasked", Own, "masked"),
    ("house-helper", Own, "as the frames and the handshake: refused, masked, with replies, or unchanged bytes"),
    ("client-no-ping", Fixed, "`ping`, `pong`, and automatic pongs"),
    ("client-no-state", Fixed, "a typed error at the wrong time"),
    ("client-version-ignored", Own, "the version applies to the handshake, too"),
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
    ("house-url-bracket", Own, "brackets in a path stay, as in every browser"),
    ("house-url-case", Own, "the host is normalized to lower case (RFC 3986 §6.2.2.1)"),
    ("house-url-whatwg", Own, "parsed as browsers do: dot segments, numbers that are addresses, IDNA, percent-encoding"),
    ("house-url-userinfo", Own, "parsed, kept apart from the host, and sent only if the caller passes it on"),
    ("zero-is-false", Fixed, "0 is a value like any other"),
];
