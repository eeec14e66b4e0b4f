//! The checks of an upgrade request, in one place for all versions. A check is left out for a draft only if the draft does not
//! have the header field.

use bytes::BytesMut;
use protocol_websocket_core::Version;

use crate::challenge::Challenge;
use crate::error::ParseError;
use crate::extension::{Malformed, scan};
use crate::fields::{FieldName, HandshakeFields};
use crate::grammar::{elements, is_host, is_same, is_token, is_utf8};
use crate::headers::Repeated;
use crate::limits::HeadLimits;
use crate::reader::HeadReader;
use crate::request::{Checked, Request};
use crate::request_head::RequestHead;
use crate::span::Span;
use crate::syntax::HandshakeSyntax;
use crate::versions::Versions;

impl Request {
    /// Removes a request from the front of `input`. Returns `None` if its head is not complete yet.
    ///
    /// Each call searches `input` from the front. If the input arrives in small pieces, use a [`HeadReader`] and
    /// [`from_head`](Self::from_head), which search each byte once.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_http::{HeadLimits, ParseError, Request};
    ///
    /// let mut input = BytesMut::from("GET / HTTP/1.1\r\nHost: exam");
    /// assert_eq!(Request::parse(&mut input, HeadLimits::default()), Ok(None));
    /// input.extend_from_slice(b"ple.com\r\n\r\n");
    /// assert_eq!(Request::parse(&mut input, HeadLimits::default()), Err(ParseError::Upgrade));
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`HeadReader::request`] and of [`from_head`](Self::from_head).
    pub fn parse(input: &mut BytesMut, limits: HeadLimits) -> Result<Option<Self>, ParseError> {
        HeadReader::new(limits).request(input)?.map(Self::from_head).transpose()
    }

    /// Checks that a head is a valid upgrade request to WebSocket, in any version of the protocol.
    ///
    /// The rules are checked in this order: `GET` and HTTP/1.1, `Host`, the target, `Upgrade` and `Connection`, the version,
    /// the key or keys, no body, `Origin`, subprotocols and extensions.
    ///
    /// ```
    /// use protocol_websocket_http::{ParseError, Request, RequestHead};
    ///
    /// let head = RequestHead::from_parts("GET", "/", [("Host", "example.com")])?;
    /// assert_eq!(Request::from_head(head), Err(ParseError::Upgrade));
    /// # Ok::<_, ParseError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The variant of [`ParseError`] for the first rule that the head breaks.
    pub fn from_head(head: RequestHead) -> Result<Self, ParseError> {
        Self::check(head, Versions::ALL)
    }

    /// Checks a head as [`from_head`](Self::from_head) does, for a server that supports only these versions.
    ///
    /// The header fields show the version of a request:
    ///
    /// - RFC 6455: exactly one `Sec-WebSocket-Version`, which is `13`.
    /// - draft-ietf-hybi-10: exactly one `Sec-WebSocket-Version`, which is `8`.
    /// - draft-ietf-hybi-00: `Sec-WebSocket-Key1` or `-Key2`, without `Sec-WebSocket-Version` and `-Key`.
    /// - draft-hixie-75: none of these header fields.
    ///
    /// ```
    /// use protocol_websocket_http::{ParseError, Request, RequestHead, Versions};
    ///
    /// let draft = [("Host", "example.com"), ("Connection", "Upgrade"), ("Upgrade", "WebSocket")];
    /// let head = RequestHead::from_parts("GET", "/chat", draft)?;
    /// let rejected = Request::check(head, Versions::RFC6455);
    /// assert_eq!(rejected, Err(ParseError::Version(Versions::RFC6455)));
    /// # Ok::<(), ParseError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`from_head`](Self::from_head), and [`ParseError::Version`] for a version that is not in `supported`.
    pub fn check(head: RequestHead, supported: Versions) -> Result<Self, ParseError> {
        validate(head, supported)
    }

    /// Checks a request of HTTP/1.1 that another HTTP library parsed.
    ///
    /// ```
    /// use protocol_websocket_http::{Request, Version};
    ///
    /// let headers = [
    ///     ("Host", "example.com"),
    ///     ("Connection", "Upgrade"),
    ///     ("Upgrade", "websocket"),
    ///     ("Sec-WebSocket-Version", "13"),
    ///     ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    /// ];
    /// let request = Request::from_parts("GET", "/chat", headers)?;
    /// assert_eq!((request.version(), request.resource_name()), (Version::Rfc6455, "/chat"));
    /// # Ok::<_, protocol_websocket_http::ParseError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`RequestHead::from_parts`] and of [`from_head`](Self::from_head).
    pub fn from_parts(
        method: &str,
        target: &str,
        headers: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<[u8]>)>,
    ) -> Result<Self, ParseError> {
        RequestHead::from_parts(method, target, headers).and_then(Self::from_head)
    }
}

fn validate(mut head: RequestHead, supported: Versions) -> Result<Request, ParseError> {
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
    let fields = HandshakeFields::of(head.headers());
    let (host, resource_name) = host_and_resource_name(&head, &fields)?;
    if !fields.contains_token(FieldName::Upgrade, b"websocket") {
        return Err(ParseError::Upgrade);
    }
    if !fields.contains_token(FieldName::Connection, b"Upgrade") {
        return Err(ParseError::Connection);
    }
    let (challenge, key) = Challenge::of(&fields, supported)?;
    let (version, key) = (challenge.version(), head.headers().span(key));
    check_body(&fields, &challenge)?;
    let secure = check_offers(&fields, version)?.is_some_and(is_https);
    let resource_name = with_path(&mut head, resource_name)?;
    Ok(Request::new(head, Checked { host, resource_name, key, challenge, secure }))
}

/// The maximum number of subprotocols that a client may offer.
const MAX_SUBPROTOCOLS: usize = 64;

/// Returns host and resource name. If the target is absolute, it has both, and `Host` is ignored (RFC 9112 §3.2.2).
fn host_and_resource_name(head: &RequestHead, fields: &HandshakeFields<'_>) -> Result<(Span, Span), ParseError> {
    let headers = head.headers();
    //= https://www.rfc-editor.org/rfc/rfc9112#section-3.2
    //# A server MUST respond with a 400 (Bad Request) status code to any
    //# HTTP/1.1 request message that lacks a Host header field and to any
    //# request message that contains more than one Host header field line or
    //# a Host header field with an invalid field value.
    let host = match fields.at_most_once(FieldName::Host) {
        Ok(Some(host)) if is_host(host) => headers.span(host),
        _ => return Err(ParseError::Host),
    };
    // The target of every head is printable ASCII.
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

/// Adds the `/` of a resource name to an absolute target without a path.
fn with_path(head: &mut RequestHead, resource_name: Span) -> Result<Span, ParseError> {
    if head.headers().slice(resource_name).starts_with(b"/") {
        return Ok(resource_name);
    }
    let with_path = alloc::format!("/{}", head.headers().text(resource_name));
    head.store(&with_path).ok_or(ParseError::TooLong)
}

/// Checks the header fields that HTTP/1.1 and an extended CONNECT have in common: origin, subprotocols and extensions.
/// Returns the origin.
#[inline]
pub(crate) fn check_offers<'a>(fields: &HandshakeFields<'a>, version: Version) -> Result<Option<&'a [u8]>, ParseError> {
    let origin = check_origin(fields, version)?;
    let name = HandshakeSyntax::of(version).subprotocol;
    check_subprotocols(fields.contains(name).then(|| fields.all(name).flat_map(elements)))?;
    check_extensions(fields, version)?;
    Ok(origin)
}

pub(crate) fn check_body(fields: &HandshakeFields<'_>, challenge: &Challenge) -> Result<(), ParseError> {
    let allowed = matches!(challenge, Challenge::Numbers(..)).then_some(&b"8"[..]);
    if fields.announces_body(allowed) { Err(ParseError::Body) } else { Ok(()) }
}

/// Returns the origin, which is in the header field of this version. If the request also has the header field of
/// another version, both must have the same value: otherwise a proxy could check one origin, and the server another.
fn check_origin<'a>(fields: &HandshakeFields<'a>, version: Version) -> Result<Option<&'a [u8]>, ParseError> {
    let (name, other) = match HandshakeSyntax::of(version).origin {
        FieldName::HybiOrigin => (FieldName::HybiOrigin, FieldName::Origin),
        name => (name, FieldName::HybiOrigin),
    };
    let Some(origin) = fields.at_most_once(name).map_err(|Repeated| ParseError::Origin)? else { return Ok(None) };
    let is_the_same = fields.all(other).all(|other| other == origin);
    if is_the_same && is_utf8(origin) { Ok(Some(origin)) } else { Err(ParseError::Origin) }
}

fn is_https(origin: &[u8]) -> bool {
    origin.get(.."https:".len()).is_some_and(|scheme| is_same(scheme, b"https:"))
}

/// Checks that an offer has 1 to [`MAX_SUBPROTOCOLS`] unique tokens.
///
/// The list is read once and up to the first error, because the peer chooses its length. At most 64 names are compared.
fn check_subprotocols<'a>(offered: Option<impl Iterator<Item = &'a [u8]>>) -> Result<(), ParseError> {
    let Some(offered) = offered else { return Ok(()) };
    let (mut names, mut count) = ([&[][..]; MAX_SUBPROTOCOLS], 0);
    for name in offered {
        let is_new = is_token(name) && !names.iter().take(count).any(|other| *other == name);
        match names.get_mut(count) {
            Some(slot) if is_new => *slot = name,
            _ => return Err(ParseError::Subprotocols),
        }
        count += 1;
    }
    if count > 0 { Ok(()) } else { Err(ParseError::Subprotocols) }
}

fn check_extensions(fields: &HandshakeFields<'_>, version: Version) -> Result<(), ParseError> {
    if !version.has_length_framing() || !fields.contains(FieldName::Extensions) {
        return Ok(());
    }
    //= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
    //# the recipient of such malformed data MUST immediately _Fail the WebSocket Connection_.
    scan(fields.all(FieldName::Extensions), |_| {}).map_err(|Malformed| ParseError::Extensions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec::Vec;
    use core::cell::Cell;

    /// Returns the number of names that were read, and whether the list is valid.
    fn check(names: &[&str]) -> (usize, bool) {
        let read = Cell::new(0);
        let names = names.iter().map(|name| name.as_bytes()).inspect(|_| read.set(read.get() + 1));
        let is_valid = check_subprotocols(Some(names)).is_ok();
        (read.get(), is_valid)
    }

    #[test]
    fn reads_each_subprotocol_once_and_at_most_65() {
        let many: Vec<_> = (0..1000).map(|number| format!("p{number}")).collect();
        let many: Vec<_> = many.iter().map(|name| &**name).collect();
        assert_eq!(check(&many[..64]), (64, true));
        assert_eq!(check(&many), (65, false));
        assert_eq!(check(&[]), (0, false));
        assert_eq!(check(&["a", "b", "a", "c"]), (3, false));
        assert_eq!(check(&["a", "b c", "d"]), (2, false));
    }
}
