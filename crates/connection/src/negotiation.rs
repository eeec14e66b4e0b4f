use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use protocol_websocket_core::Role;
use protocol_websocket_frame::{Extension, Rsv};
use protocol_websocket_http::{self as http, Accept, Negotiate, Negotiated, Offer, Request, ResponseError};

/// What an extension does to what is received, and to what is sent.
pub(crate) type Halves = (Box<dyn Extension + Send>, Box<dyn Extension + Send>);

/// The extensions that one end is willing to use, the most wanted first.
#[derive(Clone, Default)]
pub(crate) struct Willing(Vec<Arc<dyn Negotiator>>);

impl Willing {
    pub(crate) fn push<N, R, S>(&mut self, extension: N)
    where
        N: Negotiate<Agreed = (R, S)> + Send + Sync + 'static,
        R: Extension + Send + 'static,
        S: Extension + Send + 'static,
    {
        self.0.push(Arc::new(extension));
    }

    /// The offer, with all of ours behind those that it names already; in a version without extensions as it is.
    pub(crate) fn offer(&self, offer: Offer) -> Offer {
        if !offer.takes_extensions() {
            return offer;
        }
        self.0.iter().flat_map(|extension| extension.offers()).fold(offer, Offer::extension)
    }

    /// The answer, with the extensions that `request` offers and we are willing to use.
    ///
    /// By the client's order, behind those that `accept` names already, each name once, and none whose reserved bits
    /// are taken.
    pub(crate) fn accept(&self, request: &Request, accept: Accept) -> Accept {
        if self.0.is_empty() {
            return accept;
        }
        let names = accept.extensions().iter().map(http::Extension::name).collect();
        let (offers, mut used) = (request.extensions(), Used { names, rsv: Rsv::NONE });
        let answers = offers.iter().filter_map(|offer| {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
            //# then the value MUST be derived from the client's handshake, specifically by
            //# selecting one or more of the values from the |Sec-WebSocket-Extensions| field.
            self.named(offer.name()).find_map(|ours| {
                let answer = ours.answer(offer)?;
                let halves = ours.agree(Role::Server, &answer)?;
                //= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
                //# if the PMCE will conflict with the extension on their use of the RSV1 bit.
                used.take(offer.name(), &halves).then_some(answer)
            })
        });
        //= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
        //# A server declining all offered PMCEs MUST NOT include any element with PMCE names.
        let answers: Vec<http::Extension> = answers.collect();
        answers.into_iter().fold(accept, Accept::extension)
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.8
    //# The endpoints of a connection MUST negotiate the use of any extensions during the opening
    //# handshake.
    /// What the negotiated extensions come to, in their order. What we never offered is somebody else's to add.
    pub(crate) fn agree(&self, role: Role, negotiated: &Negotiated) -> Result<Vec<Halves>, ResponseError> {
        let mut used = Used::default();
        //= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
        //# MUST NOT use them unless the server indicates that it wishes to use the extension.
        let ours = negotiated.extensions.iter().filter(|answer| self.named(answer.name()).next().is_some());
        let agreed = ours.map(|answer| {
            let halves = self.named(answer.name()).find_map(|ours| ours.agree(role, answer));
            //= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
            //# A client that received a response accepting a PMCE extension negotiation offer
            //# together with such an extension MUST
            halves.filter(|halves| used.take(answer.name(), halves)).ok_or(ResponseError::ExtensionParameters)
        });
        agreed.collect()
    }

    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Arc<dyn Negotiator>> {
        self.0.iter().filter(move |extension| extension.name() == name)
    }
}

impl fmt::Debug for Willing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|extension| extension.name())).finish()
    }
}

/// The names and the reserved bits that are taken.
#[derive(Default)]
struct Used<'a> {
    names: Vec<&'a str>,
    rsv: Rsv,
}

impl<'a> Used<'a> {
    /// Takes a name and the bits that go with it, if all of them are free.
    fn take(&mut self, name: &'a str, (receiving, sending): &Halves) -> bool {
        let rsv = receiving.rsv() | sending.rsv();
        let free = !self.names.contains(&name) && self.rsv.without(rsv) == self.rsv;
        if free {
            self.names.push(name);
            self.rsv = self.rsv | rsv;
        }
        free
    }
}

/// [`Negotiate`] without its types.
trait Negotiator: Send + Sync {
    fn name(&self) -> &str;
    fn offers(&self) -> Vec<http::Extension>;
    fn answer(&self, offer: &http::Extension) -> Option<http::Extension>;
    fn agree(&self, role: Role, answer: &http::Extension) -> Option<Halves>;
}

impl<N, R, S> Negotiator for N
where
    N: Negotiate<Agreed = (R, S)> + Send + Sync,
    R: Extension + Send + 'static,
    S: Extension + Send + 'static,
{
    fn name(&self) -> &str {
        Negotiate::name(self)
    }

    fn offers(&self) -> Vec<http::Extension> {
        Negotiate::offers(self)
    }

    fn answer(&self, offer: &http::Extension) -> Option<http::Extension> {
        Negotiate::answer(self, offer)
    }

    fn agree(&self, role: Role, answer: &http::Extension) -> Option<Halves> {
        let (receiving, sending) = Negotiate::agree(self, role, answer)?;
        Some((Box::new(receiving), Box::new(sending)))
    }
}
