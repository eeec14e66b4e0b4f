//! The texts of errors, and the output of `Debug` and `Display`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;
#[path = "common/test_extensions.rs"]
mod test_extensions;

use std::error::Error as StdError;

use common::{client, server};
use protocol_websocket_connection::{Config, Error, ResumeError, SendError, SuspendError, Timeout};
use protocol_websocket_frame::{DecodeError, EncodeError};
use test_support::errors::assert_distinct_texts;

#[test]
fn every_error_has_its_own_text() {
    assert_distinct_texts(&[&Timeout::Close, &Timeout::Eof, &Timeout::Handshake, &Timeout::Idle, &Timeout::Pong]);
    assert_distinct_texts(&[
        &SendError::Closed,
        &SendError::NotOpen,
        &SendError::MessageUnfinished,
        &SendError::AlreadyOpen,
        &SendError::Encode(EncodeError::FrameTooLong),
    ]);
    assert_distinct_texts(&[
        &SuspendError::EventsPending,
        &SuspendError::ExtensionUnsupported,
        &SuspendError::Failed,
        &SuspendError::NotOpen,
        &SuspendError::MessageInProgress,
        &ResumeError::ExtensionMismatch,
        &ResumeError::UnknownFormat(2),
        &ResumeError::DeliveryMismatch,
        &ResumeError::Invalid,
        &ResumeError::WrongKind,
        &ResumeError::LimitExceeded,
        &ResumeError::TrailingBytes,
        &ResumeError::Truncated,
    ]);
    assert_distinct_texts(&[
        &Error::UnexpectedEof,
        &Error::Timeout(Timeout::Pong),
        &Error::Decode(DecodeError::MaskMissing),
    ]);
}

#[test]
fn wrapping_error_displays_its_cause() {
    let (decode, encode) = (DecodeError::CloseCode(1005), EncodeError::CloseCode(1005));
    assert_eq!(Error::Decode(decode).to_string(), decode.to_string());
    assert_eq!(SendError::Encode(encode).to_string(), encode.to_string());
    assert_eq!(Error::Timeout(Timeout::Idle).to_string(), Timeout::Idle.to_string());
    let sources: [&dyn StdError; 3] =
        [&Error::Decode(decode), &SendError::Encode(encode), &Error::Timeout(Timeout::Idle)];
    for error in sources {
        assert_eq!(error.source().unwrap().to_string(), error.to_string());
    }
    assert!(Error::UnexpectedEof.source().is_none() && SendError::Closed.source().is_none());
}

#[cfg(all(feature = "client", feature = "server"))]
#[test]
fn wrapping_handshake_error_displays_its_cause() {
    use protocol_websocket_handshake_client::HandshakeError;
    use protocol_websocket_http::{BuildError, ParseError};

    let head = HandshakeError::Head(ParseError::TooLong);
    let pairs: [(&dyn StdError, &dyn StdError); 3] = [
        (&Error::Request(ParseError::Host), &ParseError::Host),
        (&Error::Response(head), &head),
        (&SendError::Build(BuildError::Host), &BuildError::Host),
    ];
    for (error, cause) in pairs {
        assert_eq!(error.to_string(), cause.to_string());
        assert_eq!(error.source().unwrap().to_string(), cause.to_string());
    }
}

#[test]
fn debug_of_connection_shows_role_and_state() {
    for (connection, role) in [(client(&Config::new()), "Client"), (server(&Config::new()), "Server")] {
        assert_eq!(format!("{connection:?}"), format!("Connection {{ role: {role}, state: Open, .. }}"));
    }
}

#[cfg(feature = "server")]
#[test]
fn debug_of_helper_shows_its_connection() {
    let server = protocol_websocket_connection::Server::new(Config::new());
    assert_eq!(format!("{server:?}"), "Connection { role: Server, state: Connecting, .. }");
}

#[test]
fn debug_of_halves_shows_their_directions() {
    let (receiver, sender) = server(&Config::new()).split();
    assert_eq!(format!("{receiver:?}"), "ReceiveHalf { incoming: Open, .. }");
    assert_eq!(format!("{sender:?}"), "SendHalf { outgoing: Open, .. }");
}

#[test]
fn debug_of_configuration_names_extensions() {
    let log = format!("{:?}", Config::new().extension(test_extensions::Runs::new(9)));
    assert!(log.contains("[\"runs\"]"), "{log}");
}

#[test]
fn debug_of_reply_hides_its_payload() {
    let (mut receiver, _) = server(&Config::new()).split();
    let event = receiver.receive(&mut common::masked(protocol_websocket_connection::Frame::ping("secret"))).unwrap();
    assert_eq!(format!("{:?}", event.unwrap().reply().unwrap()), "Reply { kind: Pong, len: 6, .. }");
}

#[test]
fn state_and_ended_by_are_displayed() {
    use protocol_websocket_connection::{EndedBy, State};

    let states = [State::Connecting, State::Open, State::Closing, State::Closed].map(|state| state.to_string());
    assert_eq!(states, ["connecting", "open", "closing", "closed"]);
    let ends = [EndedBy::Peer, EndedBy::Us, EndedBy::Timeout, EndedBy::Transport].map(|by| by.to_string());
    assert_eq!(ends, ["the peer", "this end", "a timeout", "the transport"]);
}
