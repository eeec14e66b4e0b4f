//! The other libraries, each as its documentation shows it, all checks on, and with its own defaults unless they forbid
//! the work: a file for each.

mod fastwebsockets;
mod sockudo;
mod soketto;
mod tokio_websockets;
mod tungstenite;
mod web_socket;
mod yawc;

use crate::contender::{Contender, Kind};
use crate::workloads::{decode, encode};

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
    let foreseeable = if role == protocol_websocket_core::Role::Client { "unpredictable keys" } else { "" };
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
