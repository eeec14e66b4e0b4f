//! Every sequence of six calls and arrivals, with the results compared with those of a model of RFC 6455 §5.5 and §7.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use bytes::BytesMut;
use common::{client, masked, server, unmasked};
use protocol_websocket_connection::{
    CloseCode, Config, Connection, EndedBy, Error, Event, Frame, Role, SendError, State,
};
use protocol_websocket_frame::{DecodeError, Decoder, OpCode};

/// A call or an arrival.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Send,
    Ping,
    Pong,
    Close,
    MessageArrives,
    PingArrives,
    CloseArrives,
    InvalidFrameArrives,
    EofArrives,
}

const STEPS: [Step; 9] = [
    Step::Send,
    Step::Ping,
    Step::Pong,
    Step::Close,
    Step::MessageArrives,
    Step::PingArrives,
    Step::CloseArrives,
    Step::InvalidFrameArrives,
    Step::EofArrives,
];

/// The result of a step: the event, whether the call was rejected, the error, and the frames that were written.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    event: Option<&'static str>,
    rejected: bool,
    error: Option<Error>,
    written: Vec<OpCode>,
}

/// The model of a connection.
#[derive(Clone, Copy, Default)]
struct Model {
    /// Our Close was sent. Only pongs may be sent after it (§5.5.1, §5.5.2).
    closed: bool,
    /// Nothing can be sent: the closing handshake is done or failed, or the transport has ended.
    done: bool,
    /// How the connection ended (§7.1.5).
    ended: Option<End>,
}

/// The end of a connection: the fields of `Ended` that the model predicts.
#[derive(Clone, Copy, Debug, PartialEq)]
struct End {
    by: EndedBy,
    code: CloseCode,
    /// The error that `receive` repeats.
    error: Option<Error>,
}

impl Model {
    fn step(&mut self, step: Step) -> Outcome {
        let written = |opcode| Outcome { written: vec![opcode], ..Outcome::default() };
        let rejected = Outcome { rejected: true, ..Outcome::default() };
        match step {
            Step::Send if !self.closed && !self.done => written(OpCode::Text),
            Step::Ping if !self.closed && !self.done => written(OpCode::Ping),
            Step::Pong if !self.done => written(OpCode::Pong),
            Step::Close if !self.closed && !self.done => {
                self.closed = true;
                written(OpCode::Close)
            }
            Step::Send | Step::Ping | Step::Pong | Step::Close => rejected,
            Step::EofArrives => {
                self.done = true;
                let is_first = self.ended.is_none();
                self.ended =
                    self.ended.or(Some(End { by: EndedBy::Transport, code: CloseCode::ABNORMAL, error: None }));
                Outcome { error: is_first.then_some(Error::UnexpectedEof), ..Outcome::default() }
            }
            // §7.1.7 and §5.5.1: nothing is processed after a failure or a Close.
            _ if self.ended.is_some() => Outcome { error: self.ended.and_then(|end| end.error), ..Outcome::default() },
            Step::MessageArrives => Outcome { event: Some("message"), ..Outcome::default() },
            Step::PingArrives => {
                let written = if self.done { vec![] } else { vec![OpCode::Pong] };
                Outcome { event: Some("ping"), written, ..Outcome::default() }
            }
            Step::CloseArrives => {
                let by = if self.closed { EndedBy::Us } else { EndedBy::Peer };
                self.ended = Some(End { by, code: CloseCode::NORMAL, error: None });
                Outcome { event: Some("close"), written: self.last_close(), ..Outcome::default() }
            }
            Step::InvalidFrameArrives => {
                let error = Some(Error::Decode(DecodeError::ReservedBits));
                self.ended = Some(End { by: EndedBy::Us, code: CloseCode::ABNORMAL, error });
                Outcome { error, written: self.last_close(), ..Outcome::default() }
            }
        }
    }

    /// At most one Close is sent.
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

/// Takes a step with a real connection.
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
            return outcome(call(connection.close(CloseCode::NORMAL, &mut output)), output, role);
        }
        Step::EofArrives => return Outcome { error: connection.receive_eof().err(), ..Outcome::default() },
        Step::MessageArrives => Frame::text("text"),
        Step::PingArrives => Frame::ping(""),
        Step::CloseArrives => Frame::close(CloseCode::NORMAL).unwrap(),
        Step::InvalidFrameArrives => Frame::text("").with_rsv(protocol_websocket_frame::Rsv::RSV1),
    };
    let mut input = if role == Role::Server { masked(frame) } else { unmasked(frame) };
    let (mut event, mut error) = (None, None);
    match connection.receive(&mut input, &mut output) {
        Ok(None) => {}
        Ok(Some(Event::Message(_))) => event = Some("message"),
        Ok(Some(Event::Ping(_))) => event = Some("ping"),
        Ok(Some(Event::Close(_))) => event = Some("close"),
        Ok(Some(other)) => panic!("{other:?}"),
        Err(received) => error = Some(received),
    }
    assert!(input.is_empty());
    Outcome { event, error, ..outcome(false, output, role) }
}

fn outcome(rejected: bool, mut output: BytesMut, role: Role) -> Outcome {
    let mut decoder = Decoder::new(role.peer());
    let mut written = Vec::new();
    while let Some(frame) = decoder.decode(&mut output).unwrap() {
        written.push(frame.opcode());
    }
    assert!(output.is_empty(), "a frame is incomplete");
    Outcome { rejected, written, ..Outcome::default() }
}

fn every_sequence(role: Role, length: u32) {
    let config = Config::new();
    for number in 0..9_u32.pow(length) {
        let mut connection = if role == Role::Server { server(&config) } else { client(&config) };
        let (mut model, mut closes) = (Model::default(), 0);
        for at in 0..length {
            let step = STEPS[(number / 9_u32.pow(at) % 9) as usize];
            let (expected, found) = (model.step(step), real(&mut connection, role, step));
            let steps_so_far =
                || -> Vec<_> { (0..=at).map(|at| STEPS[(number / 9_u32.pow(at) % 9) as usize]).collect() };
            assert_eq!(found, expected, "{role:?}: {:?}", steps_so_far());
            assert_eq!(connection.state(), model.state(), "{role:?}: {:?}", steps_so_far());
            let end = connection.ended().map(|ended| {
                let error = ended.error.filter(|&error| error != Error::UnexpectedEof);
                End { by: ended.by, code: ended.code, error }
            });
            assert_eq!(end, model.ended, "{role:?}: {:?}", steps_so_far());
            closes += found.written.iter().filter(|&&opcode| opcode == OpCode::Close).count();
            assert!(closes <= 1, "{role:?}: {:?}", steps_so_far());
        }
    }
}

#[test]
fn server_agrees_with_model_in_every_sequence() {
    every_sequence(Role::Server, 6);
}

#[test]
fn client_agrees_with_model_in_every_sequence() {
    every_sequence(Role::Client, 6);
}
