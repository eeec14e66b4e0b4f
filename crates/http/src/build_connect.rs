//! Builds a client's extended CONNECT from an [`Offer`].

use crate::build_request::check;
use crate::challenge::Challenge;
use crate::destination::Destination;
use crate::error::BuildError;
use crate::field_section::has_connection_specific;
use crate::headers::Headers;
use crate::offer::Offer;
use crate::request::{Checked, Request};
use crate::request_head::RequestHead;
use crate::span::Span;
use protocol_websocket_core::Version;

impl Request {
    /// Builds a client's extended CONNECT for HTTP/2 (RFC 8441) or HTTP/3 (RFC 9220). It has no key, `Host`, `Upgrade` and
    /// `Connection`, and the names of its header fields are in lower case.
    ///
    /// [`to_fields`](Self::to_fields) returns the fields for an HTTP library, and
    /// [`Response::from_head`](crate::Response::from_head) checks the response. Before it sends the request, the client waits
    /// for `SETTINGS_ENABLE_CONNECT_PROTOCOL` of the server (RFC 8441 §3). [`Offer::perl_compat`] has no effect.
    ///
    /// ```
    /// use protocol_websocket_http::{Destination, Offer, Request, Response, ResponseHead};
    ///
    /// let destination = Destination::new("example.com", "/chat").secure(true);
    /// let request = Request::offer_connect(destination, &Offer::new().subprotocol("chat"))?;
    /// // Send `request.to_fields()`, and receive the fields of the response:
    /// let head = ResponseHead::from_fields([(":status", "200"), ("sec-websocket-protocol", "chat")])?;
    /// let response = Response::from_head(head, &request)?;
    /// assert_eq!(response.negotiated().subprotocol.as_deref(), Some("chat"));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`offer`](Self::offer); [`BuildError::Version`] for a version before RFC 6455; [`BuildError::ReservedField`] for
    /// a header field that HTTP/2 does not have, such as `Keep-Alive`.
    pub fn offer_connect(destination: Destination<'_>, offer: &Offer) -> Result<Self, BuildError> {
        let host = destination.authority();
        check(&host, destination.resource_name, offer)?;
        if offer.version != Version::Rfc6455 {
            return Err(BuildError::Version);
        }
        //= https://www.rfc-editor.org/rfc/rfc8441#section-5
        //# They MUST NOT be included in the CONNECT
        //# request defined here.
        if has_connection_specific(offer.headers.headers()) {
            return Err(BuildError::ReservedField);
        }
        let (headers, [method, host, path]) =
            headers(&host, destination.resource_name, offer).ok_or(BuildError::TooLong)?;
        let checked = Checked {
            host,
            resource_name: path,
            key: Span::default(),
            challenge: Challenge::Connect,
            //= https://www.rfc-editor.org/rfc/rfc8441#section-5
            //# The scheme of the target URI (Section 5.1 of [RFC7230]) MUST be
            //# "https" for "wss"-schemed WebSockets and "http" for "ws"-schemed
            //# WebSockets.
            secure: destination.secure,
        };
        Ok(Self::new(RequestHead::from_spans(method, path, headers), checked))
    }
}

/// Writes the header fields. Returns the positions of method, authority and path in their buffer, or `None` above 4 GiB.
fn headers(host: &str, path: &str, offer: &Offer) -> Option<(Headers, [Span; 3])> {
    let mut headers = Headers::new();
    let spans = [headers.write("CONNECT")?, headers.write(host)?, headers.write(path)?];
    let fields = [
        ("sec-websocket-protocol", offer.subprotocols.as_bytes()),
        ("sec-websocket-extensions", offer.extensions.as_bytes()),
        ("sec-websocket-version", b"13"),
        ("origin", offer.origin.as_deref().unwrap_or_default().as_bytes()),
        ("cookie", &offer.cookies),
    ];
    for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
        headers.append(name.as_bytes(), value)?;
    }
    offer.headers.headers().iter().try_for_each(|(name, value)| headers.append_lowercase(name, value))?;
    Some((headers, spans))
}
