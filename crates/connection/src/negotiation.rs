//! The configured extensions of one end, and their negotiation: offer, response and agreement (RFC 6455 §9.1).

use alloc::borrow::Cow;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use protocol_websocket_core::{ExtensionParams, Role};
use protocol_websocket_frame::{ExtensionPair, Negotiate, Rsv};
use protocol_websocket_http::{Accept, Negotiated, Offer, Request, ResponseError};

/// The extensions that one end supports, in the order of its preference.
#[derive(Clone, Default)]
pub(crate) struct ConfiguredExtensions(Vec<Arc<dyn Negotiate>>);

impl ConfiguredExtensions {
    pub(crate) fn push(&mut self, extension: impl Negotiate + 'static) {
        self.0.push(Arc::new(extension));
    }

    /// Adds all of them to `offer`, after those that it has. An offer of a version without extensions is not changed.
    pub(crate) fn offer<'a>(&self, offer: Cow<'a, Offer>) -> Cow<'a, Offer> {
        if self.0.is_empty() || !offer.supports_extensions() {
            return offer;
        }
        let offers = self.0.iter().flat_map(|extension| extension.offers());
        Cow::Owned(offers.fold(offer.into_owned(), Offer::extension))
    }

    /// Adds the extensions that `request` offers to `accept`, after those that it has: in the client's order, each name
    /// once. An extension is left out if another one uses its reserved bits.
    pub(crate) fn accept<'a>(&self, request: &Request, accept: Cow<'a, Accept>) -> Cow<'a, Accept> {
        if self.0.is_empty() {
            return accept;
        }
        let names = accept.extensions().iter().map(ExtensionParams::name).collect();
        let (offers, mut reserved) = (request.extensions(), ReservedBits { names, rsv: Rsv::NONE });
        let responses = offers.iter().filter_map(|offer| {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
            //# then the value MUST be derived from the client's handshake, specifically by
            //# selecting one or more of the values from the |Sec-WebSocket-Extensions| field.
            self.named(offer.name()).find_map(|extension| {
                let response = extension.respond(offer)?;
                extension.agree(Role::Server, &response)?;
                //= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
                //# if the PMCE will conflict with the extension on their use of the RSV1 bit.
                reserved.reserve(offer.name(), extension.rsv()).then_some(response)
            })
        });
        //= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
        //# A server declining all offered PMCEs MUST NOT include any element with PMCE names.
        let responses: Vec<ExtensionParams> = responses.collect();
        Cow::Owned(responses.into_iter().fold(accept.into_owned(), Accept::extension))
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.8
    //# The endpoints of a connection MUST negotiate the use of any extensions during the opening
    //# handshake.
    /// Returns both directions of each negotiated extension, with its reserved bits, in the negotiated order.
    /// Extensions that are not configured are ignored: the application handles them.
    pub(crate) fn agree(
        &self,
        role: Role,
        negotiated: &Negotiated,
    ) -> Result<Vec<(ExtensionPair, Rsv)>, ResponseError> {
        if negotiated.extensions.is_empty() {
            return Ok(Vec::new());
        }
        let mut reserved = ReservedBits::default();
        //= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
        //# MUST NOT use them unless the server indicates that it wishes to use the extension.
        let configured = negotiated.extensions.iter().filter(|params| self.named(params.name()).next().is_some());
        let agreed = configured.map(|params| {
            let agreed =
                self.named(params.name()).find_map(|extension| Some((extension.agree(role, params)?, extension.rsv())));
            //= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
            //# A client that received a response accepting a PMCE extension negotiation offer
            //# together with such an extension MUST
            agreed.filter(|(_, rsv)| reserved.reserve(params.name(), *rsv)).ok_or(ResponseError::ExtensionParameters)
        });
        agreed.collect()
    }

    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Arc<dyn Negotiate>> {
        self.0.iter().filter(move |extension| extension.name() == name)
    }
}

impl fmt::Debug for ConfiguredExtensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|extension| extension.name())).finish()
    }
}

/// The names and the reserved bits that are in use.
#[derive(Default)]
struct ReservedBits<'a> {
    names: Vec<&'a str>,
    rsv: Rsv,
}

impl<'a> ReservedBits<'a> {
    /// Reserves a name and its bits. Returns `false`, and reserves nothing, if one of them is in use.
    fn reserve(&mut self, name: &'a str, rsv: Rsv) -> bool {
        let is_free = !self.names.contains(&name) && self.rsv.without(rsv) == self.rsv;
        if is_free {
            self.names.push(name);
            self.rsv = self.rsv | rsv;
        }
        is_free
    }
}
