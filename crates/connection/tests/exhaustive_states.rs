//! Every sequence of six calls and arrivals, against the rules of RFC 6455 §5.5 and §7.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use bytes::BytesMut;
use common::{client, masked, server, unmasked};
use protocol_websocket_connection::{
    Close, CloseCode, Config, Connection, Error, Event, Frame, Role, SendError, State,
};
use protocol_websocket_frame::{DecodeError, Decoder, OpCode};

/// What may happen at one end.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Send,
    Ping,
    Pong,
    Close,
    MessageComes,
    PingComes,
    CloseComes,
    RuleBroken,
    End,
}

const STEPS: [Step; 9] = [
    Step::Send,
    Step::Ping,
    Step::Pong,
    Step::Close,
    Step::MessageComes,
    Step::PingComes,
    Step::CloseComes,
    Step::RuleBroken,
    Step::End,
];

/// What came of it: how the call ended, what the application was told, and what was written.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    told: Option<&'static str>,
    refused: bool,
    error: Option<Error>,
    written: Vec<OpCode>,
}

/// The rules.
#[derive(Clone, Copy, Default)]
struct Rules {
    /// Our Close is out (§5.5.1: nothing follows it but pongs, §5.5.2).
    closed: bool,
    /// Nobody reads what we write: the closing handshake is done, or failed, or the transport has ended.
    done: bool,
    /// How the peer's side ended (§7.1.5): a code, and an error if it broke a rule.
    ended: Option<(CloseCode, Option<Error>)>,
}

impl Rules {
    fn step(&mut self, step: Step) -> Outcome {
        let written = |opcode| Outcome { written: vec![opcode], ..Outcome::default() };
        let refused = Outcome { refused: true, ..Outcome::default() };
        match step {
            Step::Send if !self.closed && !self.done => written(OpCode::Text),
            Step::Ping if !self.closed && !self.done => written(OpCode::Ping),
            Step::Pong if !self.done => written(OpCode::Pong),
            Step::Close if !self.closed && !self.done => {
                self.closed = true;
                written(OpCode::Close)
            }
            Step::Send | Step::Ping | Step::Pong | Step::Close => refused,
            Step::End => {
                self.done = true;
                let lost = self.ended.is_none();
                self.ended = self.ended.or(Some((CloseCode::ABNORMAL, None)));
                Outcome { error: lost.then_some(Error::UnexpectedEof), ..Outcome::default() }
            }
            // §7.1.7: nothing is looked at after a failure; §5.5.1: nor after a Close.
            _ if self.ended.is_some() => {
                Outcome { error: self.ended.and_then(|(_, error)| error), ..Outcome::default() }
            }
            Step::MessageComes => Outcome { told: Some("message"), ..Outcome::default() },
            Step::PingComes => {
                let written = if self.done { vec![] } else { vec![OpCode::Pong] };
                Outcome { told: Some("ping"), written, ..Outcome::default() }
            }
            Step::CloseComes => {
                self.ended = Some((CloseCode::NORMAL, None));
                Outcome { told: Some("close"), written: self.last_close(), ..Outcome::default() }
            }
            Step::RuleBroken => {
                let error = Some(Error::Decode(DecodeError::ReservedBits));
                self.ended = Some((CloseCode::ABNORMAL, error));
                Outcome { error, written: self.last_close(), ..Outcome::default() }
            }
        }
    }

    /// One Close at most goes out.
    fn last_close(&mut self) -> Vec<OpCode> {
        let due = !self.closed && !self.done;
        (self.closed, self.done) = (true, true);
        if due { vec![OpCode::Close] } else { vec![] }
    }

    fn state(&self) -> State {
        match (self.closed || self.done, self.ended) {
            (false, None) => State::Open,
            (true, Some(_)) => State::Closed,
            _ => State::Closing,
        }
    }
}

/// What the connection makes of a step.
fn real(connection: &mut Connection, role: Role, step: Step) -> Outcome {
    let mut output = BytesMut::new();
    let call = |result: Result<(), SendError>| {
        assert!(matches!(result, Ok(()) | Err(SendError::Closed)), "{result:?}");
        result.is_err()
    };
    let frame = match step {
        Step::Send => return outcome(call(connection.send("text", &mut output)), output, role),
        Step::Ping => return outcome(call(connection.ping("", &mut output)), output, role),
        Step::Pong => return outcome(call(connection.pong("", &mut output)), output, role),
        Step::Close => {
            return outcome(call(connection.close(Close::from(CloseCode::NORMAL), &mut output)), output, role);
        }
        Step::End => return Outcome { error: connection.receive_eof().err(), ..Outcome::default() },
        Step::MessageComes => Frame::text("text"),
        Step::PingComes => Frame::ping(""),
        Step::CloseComes => Frame::close(Some(&Close::from(CloseCode::NORMAL))).unwrap(),
        Step::RuleBroken => Frame::text("").with_rsv(protocol_websocket_frame::Rsv::RSV1),
    };
    let mut input = if role == Role::Server { masked(frame) } else { unmasked(frame) };
    let (mut told, mut error) = (None, None);
    match connection.receive(&mut input, &mut output) {
        Ok(None) => {}
        Ok(Some(Event::Message(_))) => told = Some("message"),
        Ok(Some(Event::Ping(_))) => told = Some("ping"),
        Ok(Some(Event::Close(_))) => told = Some("close"),
        Ok(Some(other)) => panic!("{other:?}"),
        Err(wrong) => error = Some(wrong),
    }
    assert!(input.is_empty());
    Outcome { told, error, ..outcome(false, output, role) }
}

fn outcome(refused: bool, mut output: BytesMut, role: Role) -> Outcome {
    let mut decoder = Decoder::new(role.peer());
    let mut written = Vec::new();
    while let Some(frame) = decoder.decode(&mut output).unwrap() {
        written.push(frame.opcode());
    }
    assert!(output.is_empty(), "half a frame was written");
    Outcome { refused, written, ..Outcome::default() }
}

fn every_sequence(role: Role, length: u32) {
    let config = Config::new();
    for number in 0..9_u32.pow(length) {
        let mut connection = if role == Role::Server { server(&config) } else { client(&config) };
        let (mut rules, mut closes) = (Rules::default(), 0);
        for at in 0..length {
            let step = STEPS[(number / 9_u32.pow(at) % 9) as usize];
            let (expected, found) = (rules.step(step), real(&mut connection, role, step));
            let so_far = || -> Vec<_> { (0..=at).map(|at| STEPS[(number / 9_u32.pow(at) % 9) as usize]).collect() };
            assert_eq!(found, expected, "{role:?}: {:?}", so_far());
            assert_eq!(connection.state(), rules.state(), "{role:?}: {:?}", so_far());
            assert_eq!(connection.close_code(), rules.ended.map(|(code, _)| code), "{role:?}: {:?}", so_far());
            closes += found.written.iter().filter(|&&opcode| opcode == OpCode::Close).count();
            assert!(closes <= 1, "{role:?}: {:?}", so_far());
        }
    }
}

#[test]
fn a_server_keeps_the_rules_in_every_sequence() {
    every_sequence(Role::Server, 6);
}

#[test]
fn a_client_keeps_the_rules_in_every_sequence() {
    every_sequence(Role::Client, 6);
}
