//! What every request for an upgrade is checked for, whatever its version: a draft never checks less.

use crate::challenge::Challenge;
use crate::extension::{Malformed, scan};
use crate::grammar::{elements, is_host, is_same, is_token, is_visible, names};
use crate::headers::{Repeated, Span};
use crate::known::{Known, Name};
use crate::{ParseError, Request, RequestHead, Versions};

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
    if head.method_bytes() != b"GET" {
        return Err(ParseError::Method);
    }
    if head.minor_version() == 0 {
        return Err(ParseError::HttpVersion);
    }
    let known = Known::of(head.headers());
    let (host, resource_name) = destination(&head, &known)?;
    if !names(known.all(Name::Upgrade), b"websocket") {
        return Err(ParseError::Upgrade);
    }
    if !names(known.all(Name::Connection), b"Upgrade") {
        return Err(ParseError::Connection);
    }
    let challenge = Challenge::of(&known, spoken)?;
    check_body(&known, &challenge)?;
    let secure = check_origin(&known)?.is_some_and(is_https);
    check_subprotocols(&known)?;
    check_extensions(&known)?;
    let resource_name = with_path(&mut head, resource_name)?;
    Ok(Request { head, host, resource_name, challenge, secure })
}

/// The fields of the origin, in any version: the first that is there counts.
pub(crate) const ORIGINS: [Name; 2] = [Name::HybiOrigin, Name::Origin];

/// The fields of the subprotocols, in any version: the first that is there counts.
pub(crate) const SUBPROTOCOLS: [Name; 2] = [Name::Protocol, Name::HixieProtocol];

/// How many subprotocols a client may offer.
const MAX_SUBPROTOCOLS: usize = 64;

/// Host and resource name. An absolute target has both, and then `Host` says nothing (RFC 9112 §3.2.2).
fn destination(head: &RequestHead, known: &Known<'_>) -> Result<(Span, Span), ParseError> {
    let headers = head.headers();
    //= https://www.rfc-editor.org/rfc/rfc9112#section-3.2
    //# A server MUST respond with a 400 (Bad Request) status code to any
    //# HTTP/1.1 request message that lacks a Host header field and to any
    //# request message that contains more than one Host header field line or
    //# a Host header field with an invalid field value.
    let host = match known.at_most_once(Name::Host) {
        Ok(Some(host)) if is_host(host) => headers.span(host),
        _ => return Err(ParseError::Host),
    };
    // A head's target is printable.
    if head.target_bytes().starts_with(b"/") && !head.target_bytes().contains(&b'#') {
        return Ok((host, headers.span(head.target_bytes())));
    }
    let target = head.target();
    let (scheme, rest) = target.split_once("://").ok_or(ParseError::Target)?;
    let (host, resource_name) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let is_http = ["http", "https"].iter().any(|http| scheme.eq_ignore_ascii_case(http));
    if !is_http || !is_host(host.as_bytes()) || resource_name.contains('#') {
        return Err(ParseError::Target);
    }
    Ok((headers.span(host.as_bytes()), headers.span(resource_name.as_bytes())))
}

/// A resource name begins with `/`, even where an absolute target has no path.
fn with_path(head: &mut RequestHead, resource_name: Span) -> Result<Span, ParseError> {
    if head.headers().slice(resource_name).starts_with(b"/") {
        return Ok(resource_name);
    }
    let with_path = alloc::format!("/{}", head.headers().text(resource_name));
    head.store(&with_path).ok_or(ParseError::TooLong)
}

fn check_body(known: &Known<'_>, challenge: &Challenge) -> Result<(), ParseError> {
    if known.contains(Name::TransferEncoding) {
        return Err(ParseError::Body);
    }
    let is_empty = |length: &[u8]| !length.is_empty() && length.iter().all(|&digit| digit == b'0');
    // The eight bytes of draft-ietf-hybi-00 are a body to those who count them.
    let is_key3 =
        matches!((challenge, known.at_most_once(Name::ContentLength)), (Challenge::Numbers(..), Ok(Some(b"8"))));
    if is_key3 || known.all(Name::ContentLength).all(is_empty) { Ok(()) } else { Err(ParseError::Body) }
}

/// The origin, if there is one.
fn check_origin<'a>(known: &Known<'a>) -> Result<Option<&'a [u8]>, ParseError> {
    let mut first = None;
    for name in ORIGINS {
        let value = known.at_most_once(name).map_err(|Repeated| ParseError::Origin)?;
        first = first.or(value);
    }
    if first.is_none_or(is_visible) { Ok(first) } else { Err(ParseError::Origin) }
}

fn is_https(origin: &[u8]) -> bool {
    origin.get(.."https:".len()).is_some_and(|scheme| is_same(scheme, b"https:"))
}

fn check_subprotocols(known: &Known<'_>) -> Result<(), ParseError> {
    let Some(field) = SUBPROTOCOLS.into_iter().find(|&name| known.contains(name)) else { return Ok(()) };
    let offered = || known.all(field).flat_map(elements);
    let are_different = || offered().enumerate().all(|(at, name)| !offered().take(at).any(|other| other == name));
    let count = offered().take(MAX_SUBPROTOCOLS + 1).count();
    if matches!(count, 1..=MAX_SUBPROTOCOLS) && offered().all(is_token) && are_different() {
        Ok(())
    } else {
        Err(ParseError::Subprotocols)
    }
}

fn check_extensions(known: &Known<'_>) -> Result<(), ParseError> {
    if !known.contains(Name::Extensions) {
        return Ok(());
    }
    //= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
    //# the recipient of such malformed data MUST immediately _Fail the WebSocket Connection_.
    scan(known.all(Name::Extensions), |_| {}).map_err(|Malformed| ParseError::Extensions)
}
