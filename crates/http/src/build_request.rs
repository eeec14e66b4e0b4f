//! Builds a client's request from an [`Offer`].

use alloc::borrow::Cow;
use alloc::format;

use protocol_websocket_core::{Random, Version};

use crate::challenge::Challenge;
use crate::destination::Destination;
use crate::error::BuildError;
use crate::grammar::{is_host, is_resource_name};
use crate::headers::Headers;
use crate::offer::Offer;
use crate::request::{Checked, Request};
use crate::request_head::RequestHead;
use crate::span::Span;
use crate::syntax::RequestField;

impl Request {
    /// Builds a client's request, with a new random key (in draft-ietf-hybi-00: two keys and eight bytes).
    ///
    /// ```
    /// use protocol_websocket_http::{Destination, Offer, Request};
    ///
    /// let mut random = |buf: &mut [u8]| buf.copy_from_slice(b"the sample nonce"); // use `OsRandom`
    /// let request = Request::offer(Destination::new("example.com", "/chat"), &Offer::new(), &mut random)?;
    /// assert_eq!(request.headers().get_str("sec-websocket-key"), Some("dGhlIHNhbXBsZSBub25jZQ=="));
    /// # Ok::<(), protocol_websocket_http::BuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the first rule that is broken: [`BuildError::Host`] or [`BuildError::ResourceName`] for an invalid
    /// destination; the first error of the setters of `offer`; [`BuildError::Cookie`] for a cookie whose name begins
    /// with `$`, unless [`Offer::perl_compat`] is set; [`BuildError::Unsupported`] for an extension in a version
    /// without extensions; [`BuildError::TooLong`] above 4 GiB; [`BuildError::RepeatedField`] for two `Authorization`,
    /// `Cookie` or `Origin`.
    pub fn offer(destination: Destination<'_>, offer: &Offer, random: &mut dyn Random) -> Result<Self, BuildError> {
        let host = destination.authority();
        check(&host, destination.resource_name, offer)?;
        if !offer.extensions.is_empty() && !offer.supports_extensions() {
            return Err(BuildError::Unsupported);
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# The nonce MUST be selected randomly for each connection.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# The handshake MUST be a valid HTTP request as specified by [RFC2616].
        let (challenge, keys) = Challenge::random(offer.version, random);
        let (head, host, key) = head(destination, &host, offer, challenge.fields(&keys))?;
        let resource_name = head.headers().span(head.target_bytes());
        Ok(Self::new(head, Checked { host, resource_name, key, challenge, secure: destination.secure }))
    }
}

/// Checks the destination and the values of the setters.
#[inline]
pub(crate) fn check(host: &str, resource_name: &str, offer: &Offer) -> Result<(), BuildError> {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //# If any of the components are invalid, the client MUST _Fail the WebSocket Connection_
    //# and abort these steps.
    if !is_host(host.as_bytes()) {
        return Err(BuildError::Host);
    }
    if !is_resource_name(resource_name.as_bytes()) {
        return Err(BuildError::ResourceName);
    }
    offer.headers.checked()?;
    if offer.has_cookie_attribute && !offer.style.allows_cookie_attributes() {
        return Err(BuildError::Cookie);
    }
    Ok(())
}

/// Returns whether a header field that may appear once appears twice. `headers` are those of the request.
pub(crate) fn has_repeated(headers: &Headers) -> bool {
    ["authorization", "cookie", "origin"].iter().any(|name| headers.at_most_once(name).is_err())
}

/// Builds the head. Returns it with the positions of the host and the key. `challenge` has the header fields of the
/// challenge.
fn head(
    destination: Destination<'_>,
    host: &str,
    offer: &Offer,
    challenge: [(&str, &[u8]); 2],
) -> Result<(RequestHead, Span, Span), BuildError> {
    let syntax = offer.style.syntax(offer.version);
    let caller_headers = offer.headers.headers();
    let has_origin_header = caller_headers.contains("Origin");
    let origin = match &offer.origin {
        Some(origin) => Cow::Borrowed(&**origin),
        None if syntax.requires_origin && !has_origin_header => {
            Cow::Owned(format!("http{}://{host}", if destination.secure { "s" } else { "" }))
        }
        None => Cow::Borrowed(""),
    };

    let [first, second] = challenge;
    let field = |field: RequestField| match field {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# The request MUST contain a |Host| header field
        RequestField::Host => ("Host", host.as_bytes()),
        RequestField::Key => first,
        RequestField::VersionOrKey2 => second,
        RequestField::Origin => (syntax.origin.text(), origin.as_bytes()),
        RequestField::Subprotocols => (syntax.subprotocol.text(), offer.subprotocols.as_bytes()),
        RequestField::Extensions => ("Sec-WebSocket-Extensions", offer.extensions.as_bytes()),
        RequestField::Cookie => ("Cookie", &*offer.cookies),
        RequestField::ContentLength if offer.version == Version::Hybi00 => ("Content-Length", &b"8"[..]),
        RequestField::ContentLength | RequestField::Upgrade => ("", &b""[..]),
    };
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //# The method of the request MUST be GET, and the HTTP version MUST be at least 1.1.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //# The "Request-URI" part of the request MUST match the /resource name/ defined in Section
    //# 3
    // Names, keys and constant values have about 200 bytes.
    let len = 256 + host.len() + origin.len() + offer.subprotocols.len() + offer.extensions.len() + offer.cookies.len();
    let (len, count) = (len + caller_headers.encoded_len(), 1 + syntax.request_order.len() + caller_headers.len());
    let mut head = RequestHead::begin("GET", destination.resource_name, len, count).ok_or(BuildError::TooLong)?;
    let headers = head.headers_mut();
    let (mut host, mut key) = (Span::default(), Span::default());
    for &name in syntax.request_order {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# The request MUST contain an |Upgrade| header field whose value MUST include the
        //# "websocket" keyword.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# The request MUST contain a |Connection| header field whose value MUST include the
        //# "Upgrade" token.
        if matches!(name, RequestField::Upgrade) {
            headers.append_upgrade(&syntax.start).ok_or(BuildError::TooLong)?;
            continue;
        }
        let (text, value) = field(name);
        if value.is_empty() {
            continue;
        }
        let value = headers.append(text.as_bytes(), value).ok_or(BuildError::TooLong)?;
        match name {
            RequestField::Host => host = value,
            RequestField::Key => key = value,
            _ => {}
        }
    }
    headers.append_all(caller_headers).ok_or(BuildError::TooLong)?;
    // In draft-ietf-hybi-10 the origin of the offer and the header field `Origin` have different names.
    if has_origin_header && offer.origin.is_some() || !caller_headers.is_empty() && has_repeated(headers) {
        return Err(BuildError::RepeatedField);
    }
    Ok((head, host, key))
}
