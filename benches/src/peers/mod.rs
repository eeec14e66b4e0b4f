//! The other libraries, each as its documentation shows it, all checks on, and with its own defaults unless they forbid
//! the work: a file for each.

mod fastwebsockets;
mod sockudo;
mod soketto;
mod tokio_websockets;
mod tungstenite;
mod web_socket;
mod yawc;

use std::any::Any;

use protocol_websocket_core::Role;

use crate::contender::{Contender, Kind};
use crate::wire::Source;
use crate::workloads::handshake::{answering, asking};
use crate::workloads::{decode, deflate, encode};

/// Who decodes.
#[must_use]
pub fn decoders(setup: &decode::Setup) -> Vec<Contender> {
    let (role, text) = (setup.role, setup.payload.is_text());
    let no_utf8 = if text { "UTF-8" } else { "" };
    let peer = Kind::Peer;
    vec![
        setup.contender("tungstenite", peer, "", || tungstenite::Reading::new(setup.source(), role)),
        setup.contender("tokio-websockets", peer, "", || tokio_websockets::Reading::new(setup.source(), role)),
        setup.contender("fastwebsockets", peer, "", || fastwebsockets::Reading::new(setup.source(), role)),
        setup.contender("soketto", peer, no_utf8, || soketto::Reading::new(setup.source(), role)),
        setup.contender("yawc", peer, "", || yawc::Reading::new(setup.source(), role)),
        setup.contender("web-socket", peer, no_utf8, || web_socket::Reading::new(setup.source(), role)),
        setup.contender("sockudo-ws", peer, "", || sockudo::Reading::new(setup.source(), role)),
    ]
}

/// Who encodes.
#[must_use]
pub fn encoders(setup: &encode::Setup) -> Vec<Contender> {
    let (role, text) = (setup.role, setup.text());
    let peer = Kind::Peer;
    let foreseeable = if role == Role::Client { "unpredictable keys" } else { "" };
    vec![
        setup.contender("tungstenite", peer, "", || tungstenite::Sending::new(text, role)),
        setup.contender("tokio-websockets", peer, foreseeable, || tokio_websockets::Sending::new(text, role)),
        setup.contender("fastwebsockets", peer, "", || fastwebsockets::Sending::new(text, role)),
        setup.contender("soketto", peer, "", || soketto::Sending::new(text, role)),
        setup.contender("yawc", peer, "", || yawc::Sending::new(text, role)),
        setup.contender("web-socket", peer, foreseeable, || web_socket::Sending::new(text, role)),
        setup.contender("sockudo-ws", peer, foreseeable, || sockudo::Sending::new(text, role)),
    ]
}

/// Who answers requests. fastwebsockets and yawc leave that to hyper, web-socket to its user.
#[must_use]
pub fn servers() -> Vec<Contender> {
    let peer = Kind::Peer;
    vec![
        answering("tungstenite", peer, "", tungstenite::answer),
        answering("tokio-websockets", peer, "", tokio_websockets::answer),
        answering("soketto", peer, "", soketto::answer),
        answering("sockudo-ws", peer, "", sockudo::answer),
    ]
}

/// Who asks.
#[must_use]
pub fn clients() -> Vec<Contender> {
    let peer = Kind::Peer;
    vec![
        asking("tungstenite", peer, "", tungstenite::uri, tungstenite::connect),
        asking("tokio-websockets", peer, "unpredictable keys", tokio_websockets::builder, tokio_websockets::connect),
        asking("soketto", peer, "", || (), soketto::connect),
        asking("sockudo-ws", peer, "unpredictable keys", || (), sockudo::connect),
    ]
}

/// Who compresses. yawc's codec is not public, soketto makes a new one for each message.
#[must_use]
pub fn compressor(setup: deflate::Setup, messages: &[String]) -> Contender {
    deflate::compressing("sockudo-ws", Kind::Peer, setup, || sockudo::encoder(setup, messages), sockudo::compress)
}

/// Who decompresses.
#[must_use]
pub fn decompressor(setup: deflate::Setup, payloads: &[Vec<u8>]) -> Contender {
    deflate::decompressing("sockudo-ws", Kind::Peer, || sockudo::decoder(setup, payloads), sockudo::decompress)
}

/// Makes something, to see what it holds.
pub type MakeAny = Box<dyn Fn() -> Box<dyn Any>>;

/// Connections that have done nothing yet, each over a [`Source`] that sends nothing.
#[must_use]
pub fn connections(role: Role) -> Vec<(&'static str, MakeAny)> {
    let source = || Source::new(b"");
    vec![
        ("tungstenite", Box::new(move || Box::new(tungstenite::Reading::new(source(), role)))),
        ("tokio-websockets", Box::new(move || Box::new(tokio_websockets::Reading::new(source(), role)))),
        ("fastwebsockets", Box::new(move || Box::new(fastwebsockets::Reading::new(source(), role)))),
        ("soketto", Box::new(move || Box::new(soketto::Reading::new(source(), role)))),
        ("yawc", Box::new(move || Box::new(yawc::Reading::new(source(), role)))),
        ("web-socket", Box::new(move || Box::new(web_socket::Reading::new(source(), role)))),
        ("sockudo-ws", Box::new(move || Box::new(sockudo::Reading::new(source(), role)))),
    ]
}
