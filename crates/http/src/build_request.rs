//! Builds a client's request from an [`Offer`].
//!
//! [`NewRequest::write_fields`] writes the header fields to the output ([`Offer::encode`]) or to a [`RequestHead`]
//! ([`Request::offer`]), so that these two forms cannot differ.

use alloc::borrow::Cow;
use alloc::boxed::Box;

use bytes::BytesMut;
use protocol_websocket_core::{Random, Version};

use crate::challenge::{Challenge, Keys};
use crate::destination::Destination;
use crate::error::BuildError;
use crate::field_sink::FieldSink;
use crate::grammar::{is_host, is_resource_name};
use crate::key;
use crate::offer::Offer;
use crate::request::{Checked, Request, location, origin_of_host};
use crate::request_head::RequestHead;
use crate::sent_request::{Proof, SentRequest};
use crate::syntax::{HandshakeSyntax, RequestField};

impl Offer {
    /// Appends a client's request to `output`, with a new random key (in draft-ietf-hybi-00: two keys and eight bytes).
    /// Returns the parts of the request that its response must match.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_http::{Destination, Offer, ResponseHead};
    ///
    /// let mut random = |buf: &mut [u8]| buf.copy_from_slice(b"the sample nonce"); // use `OsRandom`
    /// let mut output = BytesMut::new();
    /// let sent = Offer::new().encode(Destination::new("example.com", "/chat"), &mut random, &mut output)?;
    /// assert!(output.starts_with(b"GET /chat HTTP/1.1\r\nHost: example.com\r\n"));
    ///
    /// let accept = ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    /// let head = ResponseHead::from_parts(101, [("Upgrade", "websocket"), ("Connection", "Upgrade"), accept])?;
    /// assert_eq!(sent.check(head)?.negotiated().subprotocol, None);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Request::offer`]. Nothing is written then.
    pub fn encode(
        &self,
        destination: Destination<'_>,
        random: &mut dyn Random,
        output: &mut BytesMut,
    ) -> Result<SentRequest, BuildError> {
        let request = NewRequest::new(destination, self, random)?;
        output.reserve(request.len());
        for part in ["GET ", destination.resource_name, " HTTP/1.1\r\n"] {
            output.extend_from_slice(part.as_bytes());
        }
        request.write_fields(output).ok_or(BuildError::TooLong)?;
        output.extend_from_slice(b"\r\n");
        if let Challenge::Numbers(_, Some(key3)) = request.challenge {
            output.extend_from_slice(&key3);
        }
        Ok(request.into_sent())
    }
}

impl Request {
    /// Builds a client's request as a value, with a new random key (in draft-ietf-hybi-00: two keys and eight bytes).
    /// [`Offer::encode`] is faster, because it writes the bytes without building a value.
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
    /// with `$`, unless [`Offer::perl_compat`] is set; [`BuildError::RepeatedField`] for two `Authorization`, `Cookie` or
    /// `Origin`; [`BuildError::Unsupported`] for an extension in a version without extensions; [`BuildError::TooLong`]
    /// above 4 GiB.
    pub fn offer(destination: Destination<'_>, offer: &Offer, random: &mut dyn Random) -> Result<Self, BuildError> {
        let request = NewRequest::new(destination, offer, random)?;
        let count = 2 + request.syntax.request_order.len() + offer.headers.headers().len();
        let head = RequestHead::begin("GET", destination.resource_name, request.len(), count);
        let mut head = head.ok_or(BuildError::TooLong)?;
        request.write_fields(head.headers_mut()).ok_or(BuildError::TooLong)?;
        let headers = head.headers();
        let value = |name| headers.get(name).map(|value| headers.span(value)).unwrap_or_default();
        let checked = Checked {
            host: value("Host"),
            resource_name: headers.span(head.target_bytes()),
            key: value("Sec-WebSocket-Key"),
            challenge: request.challenge,
            secure: destination.secure,
        };
        Ok(Self::new(head, checked))
    }
}

/// A request that has passed the checks and is not written yet.
struct NewRequest<'a> {
    host: Cow<'a, str>,
    resource_name: &'a str,
    secure: bool,
    offer: &'a Offer,
    syntax: &'static HandshakeSyntax,
    /// The origin, unless it is a header field of the caller. An empty string otherwise.
    origin: Cow<'a, str>,
    challenge: Challenge,
    keys: Keys,
}

impl<'a> NewRequest<'a> {
    #[inline]
    fn new(destination: Destination<'a>, offer: &'a Offer, random: &mut dyn Random) -> Result<Self, BuildError> {
        let host = destination.authority();
        let (resource_name, secure) = (destination.resource_name, destination.secure);
        check(&host, resource_name, offer)?;
        if !offer.extensions.is_empty() && !offer.supports_extensions() {
            return Err(BuildError::Unsupported);
        }
        let syntax = offer.style.syntax(offer.version);
        let origin = match &offer.origin {
            Some(origin) => Cow::Borrowed(&**origin),
            None if syntax.requires_origin && !offer.headers.headers().contains("Origin") => {
                Cow::Owned(origin_of_host(secure, &host))
            }
            None => Cow::Borrowed(""),
        };
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# The nonce MUST be selected randomly for each connection.
        let (challenge, keys) = Challenge::random(offer.version, random);
        let request = Self { host, resource_name, secure, offer, syntax, origin, challenge, keys };
        // Positions in a head have 32 bits.
        if u32::try_from(request.len()).is_ok() { Ok(request) } else { Err(BuildError::TooLong) }
    }

    /// Returns the approximate length of the request in bytes.
    fn len(&self) -> usize {
        let offer = self.offer;
        let values = [&*self.host, self.resource_name, &self.origin, &offer.subprotocols, &offer.extensions];
        let values: usize = values.iter().map(|value| value.len()).sum();
        // Names, keys and constant values have about 200 bytes.
        256 + values + offer.cookies.len() + offer.headers.headers().encoded_len()
    }

    /// Writes all header fields.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //# The method of the request MUST be GET, and the HTTP version MUST be at least 1.1.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //# The "Request-URI" part of the request MUST match the /resource name/ defined in Section
    //# 3
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //# The handshake MUST be a valid HTTP request as specified by [RFC2616].
    fn write_fields(&self, output: &mut impl FieldSink) -> Option<()> {
        let (offer, syntax) = (self.offer, self.syntax);
        let [first, second] = self.challenge.fields(&self.keys);
        for &field in syntax.request_order {
            let (name, value) = match field {
                //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
                //# The request MUST contain a |Host| header field
                RequestField::Host => ("Host", self.host.as_bytes()),
                //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
                //# The request MUST contain an |Upgrade| header field whose value MUST include the
                //# "websocket" keyword.
                RequestField::Upgrade => ("Upgrade", syntax.start.upgrade.as_bytes()),
                //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
                //# The request MUST contain a |Connection| header field whose value MUST include the
                //# "Upgrade" token.
                RequestField::Connection => ("Connection", &b"Upgrade"[..]),
                RequestField::Key => first,
                RequestField::VersionOrKey2 => second,
                RequestField::Origin => (syntax.origin.text(), self.origin.as_bytes()),
                RequestField::Subprotocols => (syntax.subprotocol.text(), offer.subprotocols.as_bytes()),
                RequestField::Extensions => ("Sec-WebSocket-Extensions", offer.extensions.as_bytes()),
                RequestField::Cookie => ("Cookie", &*offer.cookies),
                RequestField::ContentLength if offer.version == Version::Hybi00 => ("Content-Length", &b"8"[..]),
                RequestField::ContentLength => ("", &b""[..]),
            };
            if !value.is_empty() {
                output.field(name, value)?;
            }
        }
        output.fields(offer.headers.headers())
    }

    /// Returns the parts that the response must match.
    fn into_sent(self) -> SentRequest {
        let offer = self.offer;
        SentRequest {
            version: offer.version,
            is_connect: false,
            url: location(self.secure, &self.host, self.resource_name).into(),
            origin: match self.syntax.echo {
                None => Box::default(),
                Some(_) => offer.headers.headers().get_str("Origin").unwrap_or(&self.origin).into(),
            },
            subprotocols: (*offer.subprotocols).into(),
            extensions: (*offer.extensions).into(),
            proof: match (&self.keys, self.challenge.digest()) {
                (Keys::One(key), _) => Proof::Accept(key::accept(key)),
                (_, Some(digest)) => Proof::Digest(digest),
                (_, None) => Proof::None,
            },
        }
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
    let headers = offer.headers.checked()?;
    if offer.has_cookie_attribute && !offer.style.allows_cookie_attributes() {
        return Err(BuildError::Cookie);
    }
    // The setters of the cookies and of the origin write the same header fields.
    let set = [("Authorization", false), ("Cookie", !offer.cookies.is_empty()), ("Origin", offer.origin.is_some())];
    let is_repeated = |&(name, is_set)| headers.get_all(name).count() + usize::from(is_set) > 1;
    if !headers.is_empty() && set.iter().any(is_repeated) { Err(BuildError::RepeatedField) } else { Ok(()) }
}
