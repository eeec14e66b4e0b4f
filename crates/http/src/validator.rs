//! The checks of a request for an upgrade, of any version. A draft checks less only where it has no such field.

use core::str::from_utf8;

use protocol_websocket_core::Version;

use crate::challenge::Challenge;
use crate::extension::{Malformed, scan};
use crate::grammar::{elements, is_host, is_same, is_token, names};
use crate::headers::{Repeated, Span};
use crate::known::{Known, Name};
use crate::version::Wording;
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
    let (challenge, key) = Challenge::of(&known, spoken)?;
    let (version, key) = (challenge.version(), head.headers().span(key));
    check_body(&known, &challenge)?;
    let secure = check_origin(&known, version)?.is_some_and(is_https);
    let field = Wording::of(version).subprotocol;
    check_subprotocols(known.contains(field).then(|| known.all(field).flat_map(elements)))?;
    check_extensions(&known, version)?;
    let resource_name = with_path(&mut head, resource_name)?;
    Ok(Request { head, host, resource_name, key, challenge, secure })
}

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
    let key3 = matches!(challenge, Challenge::Numbers(..)).then_some(&b"8"[..]);
    if known.announce_body(key3) { Err(ParseError::Body) } else { Ok(()) }
}

/// The origin, if there is one. The field of another version is not read; but where both are there and differ, a proxy
/// that checks the other one would have checked another origin.
fn check_origin<'a>(known: &Known<'a>, version: Version) -> Result<Option<&'a [u8]>, ParseError> {
    let (name, other) = match Wording::of(version).origin {
        Name::HybiOrigin => (Name::HybiOrigin, Name::Origin),
        name => (name, Name::HybiOrigin),
    };
    let Some(origin) = known.at_most_once(name).map_err(|Repeated| ParseError::Origin)? else { return Ok(None) };
    let is_the_same = known.all(other).all(|other| other == origin);
    if is_the_same && from_utf8(origin).is_ok() { Ok(Some(origin)) } else { Err(ParseError::Origin) }
}

fn is_https(origin: &[u8]) -> bool {
    origin.get(.."https:".len()).is_some_and(|scheme| is_same(scheme, b"https:"))
}

/// Checks that an offer, if there is one, is of different tokens, at least one and at most [`MAX_SUBPROTOCOLS`].
///
/// The list is read once: an iterator gives each name once, and this one cannot be cloned. What is left are comparisons
/// of at most 64 names.
fn check_subprotocols<'a>(offered: Option<impl Iterator<Item = &'a [u8]>>) -> Result<(), ParseError> {
    let Some(offered) = offered else { return Ok(()) };
    let (mut names, mut count) = ([&[][..]; MAX_SUBPROTOCOLS], 0);
    for name in offered {
        let is_new = is_token(name) && !names.iter().take(count).any(|other| *other == name);
        match names.get_mut(count) {
            Some(place) if is_new => *place = name,
            _ => return Err(ParseError::Subprotocols),
        }
        count += 1;
    }
    if count > 0 { Ok(()) } else { Err(ParseError::Subprotocols) }
}

fn check_extensions(known: &Known<'_>, version: Version) -> Result<(), ParseError> {
    if !version.has_length_framing() || !known.contains(Name::Extensions) {
        return Ok(());
    }
    //= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
    //# the recipient of such malformed data MUST immediately _Fail the WebSocket Connection_.
    scan(known.all(Name::Extensions), |_| {}).map_err(|Malformed| ParseError::Extensions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec::Vec;
    use core::cell::Cell;

    /// How many names were asked of the list until it was judged, and the judgement.
    fn judge(names: &[&str]) -> (usize, bool) {
        let read = Cell::new(0);
        let names = names.iter().map(|name| name.as_bytes()).inspect(|_| read.set(read.get() + 1));
        let is_good = check_subprotocols(Some(names)).is_ok();
        (read.get(), is_good)
    }

    #[test]
    fn each_subprotocol_is_read_once_and_no_more_than_65() {
        let many: Vec<_> = (0..1000).map(|number| format!("p{number}")).collect();
        let many: Vec<_> = many.iter().map(|name| &**name).collect();
        assert_eq!(judge(&many[..64]), (64, true));
        assert_eq!(judge(&many), (65, false));
        assert_eq!(judge(&[]), (0, false));
        assert_eq!(judge(&["a", "b", "a", "c"]), (3, false));
        assert_eq!(judge(&["a", "b c", "d"]), (2, false));
    }
}
