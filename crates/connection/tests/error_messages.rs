//! What is said to people: errors, each in words of its own, and what may stand in a log.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod common;
#[path = "common/test_extensions.rs"]
mod test_extensions;

use common::{client, server};
use protocol_websocket_connection::{Config, Error, SendError, Timeout};
use protocol_websocket_frame::{DecodeError, EncodeError};
use test_support::errors::assert_distinct_texts;

#[test]
fn every_error_has_words_of_its_own() {
    assert_distinct_texts(&[&Timeout::Close, &Timeout::Handshake, &Timeout::Idle, &Timeout::Pong]);
    assert_distinct_texts(&[
        &SendError::Closed,
        &SendError::NotOpen,
        &SendError::MessageUnfinished,
        &SendError::AlreadyOpen,
        &SendError::Encode(EncodeError::FrameTooLong),
    ]);
    assert_distinct_texts(&[
        &Error::UnexpectedEof,
        &Error::Timeout(Timeout::Pong),
        &Error::Decode(DecodeError::MaskMissing),
    ]);
}

#[test]
fn what_an_error_wraps_speaks_for_itself() {
    let (decode, encode) = (DecodeError::CloseCode(1005), EncodeError::CloseCode(1005));
    assert_eq!(Error::Decode(decode).to_string(), decode.to_string());
    assert_eq!(SendError::Encode(encode).to_string(), encode.to_string());
    assert_eq!(Error::Timeout(Timeout::Idle).to_string(), Timeout::Idle.to_string());
}

#[cfg(all(feature = "client", feature = "server"))]
#[test]
fn what_a_handshake_s_error_wraps_speaks_for_itself() {
    use protocol_websocket_handshake_client::HandshakeError;
    use protocol_websocket_http::{BuildError, ParseError};

    assert_eq!(Error::Request(ParseError::Host).to_string(), ParseError::Host.to_string());
    let head = HandshakeError::Head(ParseError::TooLong);
    assert_eq!(Error::Answer(head).to_string(), head.to_string());
    assert_eq!(SendError::Build(BuildError::Host).to_string(), BuildError::Host.to_string());
}

#[test]
fn a_connection_in_a_log_is_its_state_and_no_more() {
    for connection in [client(&Config::new()), server(&Config::new())] {
        assert_eq!(format!("{connection:?}"), "Connection { state: Open, .. }");
    }
}

#[cfg(feature = "server")]
#[test]
fn a_helper_in_a_log_is_its_state_and_no_more() {
    let server = protocol_websocket_connection::Server::new(Config::new());
    assert_eq!(format!("{server:?}"), "Endpoint { state: Connecting, .. }");
}

#[cfg(feature = "split")]
#[test]
fn halves_in_a_log_are_their_states_and_no_more() {
    let (receiving, sending) = server(&Config::new()).split();
    assert_eq!(format!("{receiving:?}"), "ReceiveHalf { incoming: Open, .. }");
    assert_eq!(format!("{sending:?}"), "SendHalf { outgoing: Open, .. }");
}

#[test]
fn a_configuration_in_a_log_names_its_extensions() {
    let log = format!("{:?}", Config::new().extension(test_extensions::Runs::new(9)));
    assert!(log.contains("[\"runs\"]"), "{log}");
}
