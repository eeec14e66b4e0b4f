use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use protocol_websocket_core::Version;

use crate::debug::{Extensions, Hidden, Target};
use crate::extension::{Item, scan};
use crate::fields::FieldName;
use crate::grammar::{elements, push_element};
use crate::request::Request;
use crate::syntax::HandshakeSyntax;

/// The parts of a sent request that its response must match.
///
/// A client needs no other part of its request. [`Offer::encode`](crate::Offer::encode) returns this type, and it can be
/// created from a [`Request`]. [`check`](Self::check) checks the response.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_http::{Destination, Offer, ResponseError, ResponseHead};
///
/// let mut random = |buf: &mut [u8]| buf.fill(7); // use `OsRandom`
/// let sent = Offer::new().encode(Destination::new("example.com", "/chat"), &mut random, &mut BytesMut::new())?;
/// assert_eq!(sent.url(), "ws://example.com/chat");
/// let head = ResponseHead::from_parts(101, [("Upgrade", "websocket"), ("Connection", "Upgrade")])?;
/// assert_eq!(sent.check(head).unwrap_err(), ResponseError::AcceptMissing);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SentRequest {
    pub(crate) version: Version,
    /// Whether the request is an extended CONNECT.
    pub(crate) is_connect: bool,
    pub(crate) url: Box<str>,
    /// The origin, in the versions whose response repeats it.
    pub(crate) origin: Box<str>,
    /// The list of offered subprotocols.
    pub(crate) subprotocols: Box<str>,
    /// The list of offered extensions.
    pub(crate) extensions: Box<str>,
    pub(crate) proof: Proof,
}

/// The proof that the server has received the request.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Proof {
    /// draft-hixie-75 and an extended CONNECT have no proof.
    None,
    /// The value of `Sec-WebSocket-Accept`.
    Accept([u8; 28]),
    /// draft-ietf-hybi-00: the bytes after the head.
    Digest([u8; 16]),
}

impl SentRequest {
    /// Returns the version of the protocol.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Returns the URL of the request, `ws` or `wss`, without user name and password.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the value of `Sec-WebSocket-Accept` in the response (RFC 6455 §4.2.2). Returns `None` for a version without a
    /// key, and for an extended CONNECT.
    #[must_use]
    pub const fn accept(&self) -> Option<[u8; 28]> {
        match self.proof {
            Proof::Accept(accept) => Some(accept),
            _ => None,
        }
    }

    /// Returns the 16 bytes that must follow the head of the response in draft-ietf-hybi-00.
    #[must_use]
    pub const fn digest(&self) -> Option<[u8; 16]> {
        match self.proof {
            Proof::Digest(digest) => Some(digest),
            _ => None,
        }
    }

    /// Returns whether the request offers this subprotocol.
    pub(crate) fn offers_subprotocol(&self, name: &[u8]) -> bool {
        elements(self.subprotocols.as_bytes()).any(|offered| offered == name)
    }

    /// Returns whether the request offers an extension with this name.
    pub(crate) fn offers_extension(&self, name: &str) -> bool {
        let mut found = false;
        let list = scan(core::iter::once(self.extensions.as_bytes()), |item| {
            found |= matches!(item, Item::Extension(offered) if offered == name.as_bytes());
        });
        found && list.is_ok()
    }
}

impl From<&Request> for SentRequest {
    fn from(request: &Request) -> Self {
        let (secure, version) = (request.is_secure(), request.version());
        let has_echo = HandshakeSyntax::of(version).echo.is_some();
        let (mut subprotocols, mut extensions) = (String::new(), String::new());
        request.subprotocols().for_each(|name| push_element(&mut subprotocols, name));
        if version.has_length_framing() {
            request.headers().tokens(FieldName::Extensions.text()).for_each(|list| push_element(&mut extensions, list));
        }
        Self {
            version,
            is_connect: request.is_connect(),
            url: request.location(secure).into(),
            origin: if has_echo { request.origin_or_own(secure).into() } else { Box::default() },
            subprotocols: subprotocols.into(),
            extensions: extensions.into(),
            proof: match (request.key(), request.digest()) {
                (Some(key), _) => Proof::Accept(key.accept()),
                (None, Some(digest)) => Proof::Digest(digest),
                (None, None) => Proof::None,
            },
        }
    }
}

/// Hides the query of the URL and the subprotocols.
impl fmt::Debug for SentRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SentRequest")
            .field("version", &self.version)
            .field("url", &Target(&self.url))
            .field("subprotocols", &(!self.subprotocols.is_empty()).then_some(Hidden))
            .field("extensions", &Extensions(self.extensions.as_bytes()))
            .finish_non_exhaustive()
    }
}
