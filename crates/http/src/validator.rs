//! What every request for an upgrade is checked for, whatever its version: a draft never checks less.

use crate::challenge::Challenge;
use crate::extension::{Malformed, scan};
use crate::grammar::{elements, is_host, is_resource_name, is_token, is_visible};
use crate::headers::{Repeated, Span};
use crate::{Headers, ParseError, Request, RequestHead, Versions};

/// Checks the head of a request.
pub(crate) fn validate(mut head: RequestHead, spoken: Versions) -> Result<Request, ParseError> {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
    //# If the server, while reading the handshake, finds that the client did
    //# not send a handshake that matches the description below (note that as
    //# per [RFC2616], the order of the header fields is not important),
    //# including but not limited to any violations of the ABNF grammar
    //# specified for the components of the handshake, the server MUST stop
    //# processing the client's handshake and return an HTTP response with an
    //# appropriate error code (such as 400 Bad Request).
    if head.method() != "GET" {
        return Err(ParseError::Method);
    }
    if head.minor_version() == 0 {
        return Err(ParseError::HttpVersion);
    }
    let (host, resource_name) = destination(&mut head)?;
    let headers = head.headers();
    if !head.is_upgrade() {
        return Err(ParseError::Upgrade);
    }
    if !headers.names("connection", "upgrade") {
        return Err(ParseError::Connection);
    }
    let challenge = Challenge::of(headers, spoken)?;
    check_body(headers, &challenge)?;
    let secure = check_origin(headers)?.is_some_and(is_https);
    check_subprotocols(headers)?;
    check_extensions(headers)?;
    Ok(Request { head, host, resource_name, challenge, secure })
}

pub(crate) const EXTENSIONS: &str = "sec-websocket-extensions";

/// The fields of the origin, in any version: the first that is there counts.
pub(crate) const ORIGINS: [&str; 2] = ["sec-websocket-origin", "origin"];

/// The fields of the subprotocols, in any version: the first that is there counts.
pub(crate) const SUBPROTOCOLS: [&str; 2] = ["sec-websocket-protocol", "websocket-protocol"];

/// How many subprotocols a client may offer.
const MAX_SUBPROTOCOLS: usize = 64;

/// Host and resource name. An absolute target has both, and then `Host` says nothing (RFC 9112 §3.2.2).
fn destination(head: &mut RequestHead) -> Result<(Span, Span), ParseError> {
    let headers = head.headers();
    //= https://www.rfc-editor.org/rfc/rfc9112#section-3.2
    //# A server MUST respond with a 400 (Bad Request) status code to any
    //# HTTP/1.1 request message that lacks a Host header field and to any
    //# request message that contains more than one Host header field line or
    //# a Host header field with an invalid field value.
    let host = match headers.at_most_once("host") {
        Ok(Some(host)) if is_host(host) => headers.span(host),
        _ => return Err(ParseError::Host),
    };
    let target = head.target();
    if is_resource_name(target.as_bytes()) {
        return Ok((host, headers.span(target.as_bytes())));
    }
    let (scheme, rest) = target.split_once("://").ok_or(ParseError::Target)?;
    let (host, resource_name) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let is_http = ["http", "https"].iter().any(|http| scheme.eq_ignore_ascii_case(http));
    if !is_http || !is_host(host.as_bytes()) || resource_name.contains('#') {
        return Err(ParseError::Target);
    }
    let (host, resource_name) = (headers.span(host.as_bytes()), headers.span(resource_name.as_bytes()));
    if headers.text(resource_name).starts_with('/') {
        return Ok((host, resource_name));
    }
    let with_path = alloc::format!("/{}", headers.text(resource_name));
    let resource_name = head.headers_mut().store(with_path.as_bytes()).ok_or(ParseError::TooLong)?;
    Ok((host, resource_name))
}

fn check_body(headers: &Headers, challenge: &Challenge) -> Result<(), ParseError> {
    if headers.contains("transfer-encoding") {
        return Err(ParseError::Body);
    }
    let is_empty = |length: &[u8]| !length.is_empty() && length.iter().all(|&digit| digit == b'0');
    // The eight bytes of draft-ietf-hybi-00 are a body to those who count them.
    let is_key3 =
        matches!((challenge, headers.at_most_once("content-length")), (Challenge::Numbers(..), Ok(Some(b"8"))));
    if is_key3 || headers.get_all("content-length").all(is_empty) { Ok(()) } else { Err(ParseError::Body) }
}

/// The origin, if there is one.
fn check_origin(headers: &Headers) -> Result<Option<&[u8]>, ParseError> {
    let mut first = None;
    for name in ORIGINS {
        let value = headers.at_most_once(name).map_err(|Repeated| ParseError::Origin)?;
        first = first.or(value);
    }
    if first.is_none_or(is_visible) { Ok(first) } else { Err(ParseError::Origin) }
}

fn is_https(origin: &[u8]) -> bool {
    origin.get(.."https:".len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"https:"))
}

fn check_subprotocols(headers: &Headers) -> Result<(), ParseError> {
    let Some(field) = SUBPROTOCOLS.into_iter().find(|name| headers.contains(name)) else { return Ok(()) };
    let offered = || headers.get_all(field).flat_map(elements);
    let are_different = || offered().enumerate().all(|(at, name)| !offered().take(at).any(|other| other == name));
    let count = offered().take(MAX_SUBPROTOCOLS + 1).count();
    if matches!(count, 1..=MAX_SUBPROTOCOLS) && offered().all(is_token) && are_different() {
        Ok(())
    } else {
        Err(ParseError::Subprotocols)
    }
}

fn check_extensions(headers: &Headers) -> Result<(), ParseError> {
    if !headers.contains(EXTENSIONS) {
        return Ok(());
    }
    //= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
    //# the recipient of such malformed data MUST immediately _Fail the WebSocket Connection_.
    scan(headers.get_all(EXTENSIONS), |_| {}).map_err(|Malformed| ParseError::Extensions)
}
