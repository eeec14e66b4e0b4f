//! One session: messages in both directions, the closing handshake, and the end of the transport.

use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use protocol_websocket::{Timeout, Url, Version};
use protocol_websocket_tokio::{Close, CloseCode, Error, Event, Stream, WebSocket};
use tokio::time::{Instant, timeout_at};

use crate::connect::{connect, connection_failure};
use crate::dump::Dump;
use crate::editor::{Editing, Editor};
use crate::input::{self, Input, Inputs};
use crate::options::Options;
use crate::output::{self, failure, note, quote};
use crate::recording::Recordings;
use crate::replay::Replay;
use crate::signals::Signals;
use crate::status::{Failure, Status};

/// While more than this number of bytes is unsent, no further input is sent.
const HIGH_WATER_MARK: usize = 256 * 1024;
/// After the closing handshake, the time that the server has to close the transport (RFC 6455 §7.1.1).
pub(crate) const LINGER_TIMEOUT: Duration = Duration::from_secs(1);

/// Connects, and runs until the connection and the transport are closed. Returns the exit status.
pub(crate) async fn run(options: &Options, url: &Url) -> Result<Status, Failure> {
    let (replay, recordings) = (Replay::new(options)?, Recordings::new(&options.recording)?);
    let editor = if replay.is_some() { None } else { Editor::new(options)? };
    let connected = connect(options, url, &recordings).await;
    let status = match connected {
        Ok(websocket) => run_session(options, replay, editor, websocket).await,
        Err(failure) => Err(failure),
    };
    status.map(|status| recordings.finish(status))
}

async fn run_session(
    options: &Options,
    replay: Option<Replay>,
    editor: Option<Editor>,
    websocket: WebSocket<Dump<Stream>>,
) -> Result<Status, Failure> {
    let negotiated = websocket.negotiated();
    let subprotocol = negotiated.subprotocol.iter().map(|name| format!(", subprotocol {name}"));
    let extensions = negotiated.extensions.iter().map(|extension| format!(", {extension}"));
    let opened = subprotocol.chain(extensions).fold(String::from("open"), |line, item| line + &item);

    let signals = Signals::new()?;
    note(&opened);
    if let Some(replay) = replay {
        return Ok(replay.run(websocket).await);
    }
    let (inputs, editing) = match editor {
        Some(editor) => editor.start().map(|(inputs, editing)| (inputs, Some(editing)))?,
        None if options.binary => (input::binary()?, None),
        None => (input::lines()?, None),
    };
    let console = Console {
        websocket,
        signals,
        inputs: Some(inputs),
        editing,
        is_stdout_open: true,
        has_local_error: false,
        ended: None,
    };
    Ok(console.run().await)
}

/// An open session.
struct Console {
    websocket: WebSocket<Dump<Stream>>,
    signals: Signals,
    /// `None` when nothing more is sent: a Close was sent, or the connection has ended.
    inputs: Option<Inputs>,
    editing: Option<Editing>,
    is_stdout_open: bool,
    /// An error of stdin or stdout occurred. The exit status is then [`Status::LocalError`].
    has_local_error: bool,
    /// The result, and the time at which the program exits, unless the server closes the transport before.
    ended: Option<(Status, Instant)>,
}

/// What happens next.
enum Step {
    Signal,
    Input(Option<io::Result<Input>>),
    Event(Event),
    /// The connection has ended with an error or, without a `Close`, as its version allows.
    Ended(Option<Error>),
    /// The transport is closed.
    Closed,
}

impl Console {
    async fn run(mut self) -> Status {
        loop {
            let step = match self.ended {
                None => self.next().await,
                Some((_, deadline)) => timeout_at(deadline, self.next()).await.unwrap_or(Step::Closed),
            };
            match step {
                Step::Signal if self.inputs.is_some() => self.close(CloseCode::GOING_AWAY, "interrupted"),
                Step::Signal => {
                    self.end(Status::Lost, "connection lost: interrupted while closing");
                    break;
                }
                Step::Input(input) => self.send(input),
                Step::Event(event) => self.handle(event),
                Step::Ended(error) => self.end_without_close(error),
                Step::Closed => break,
            }
        }
        self.stop_input();
        match self.ended {
            Some((status, _)) if !self.has_local_error => status,
            _ => Status::LocalError,
        }
    }

    async fn next(&mut self) -> Step {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// Input comes first, up to the high-water mark, so that a server that sends all the time does not stop it.
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Step> {
        if self.signals.poll(context).is_ready() {
            return Poll::Ready(Step::Signal);
        }
        if let Poll::Ready(input) = self.poll_input(context) {
            return Poll::Ready(Step::Input(input));
        }
        // The future has no state, so a new one continues. It also writes.
        let event = pin!(self.websocket.recv_event()).poll(context);
        match event {
            Poll::Ready(Some(Ok(event))) => Poll::Ready(Step::Event(event)),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Step::Ended(Some(error))),
            Poll::Ready(None) if self.ended.is_some() => Poll::Ready(Step::Closed),
            Poll::Ready(None) => Poll::Ready(Step::Ended(None)),
            // The reply to the server may be unsent, and the transport open. The note is printed before.
            Poll::Pending => match self.websocket.ended() {
                Some(ended) if self.ended.is_none() => Poll::Ready(Step::Ended(ended.error.map(Error::Connection))),
                // The write has made space.
                _ => self.poll_input(context).map(Step::Input),
            },
        }
    }

    fn poll_input(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Input>>> {
        match &mut self.inputs {
            Some(inputs) if self.websocket.unsent() <= HIGH_WATER_MARK => inputs.poll_recv(context),
            _ => Poll::Pending,
        }
    }

    fn send(&mut self, input: Option<io::Result<Input>>) {
        let sent = match input {
            Some(Ok(Input::Line(line))) => self.websocket.queue(line),
            Some(Ok(Input::Part(part))) => self.websocket.queue_part(part),
            Some(Err(error)) => return self.fail_locally(&format!("cannot read the input: {error}")),
            None => return self.close(CloseCode::NORMAL, "end of input"),
        };
        if let Err(error) = sent {
            failure(&format!("cannot send: {error}"));
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Message(message) if self.is_stdout_open => {
                if let Err(error) = output::message(&message) {
                    self.is_stdout_open = false;
                    // A closed pipe ends the session and is not an error.
                    if error.kind() != io::ErrorKind::BrokenPipe {
                        self.fail_locally(&format!("cannot write the output: {error}"));
                    }
                    self.close(CloseCode::GOING_AWAY, "stdout is closed");
                }
            }
            Event::Ping(payload) => note(&format!("ping {}", quote(&payload))),
            Event::Pong(payload) => note(&format!("pong {}", quote(&payload))),
            Event::Close(close) => self.end_with_close(close.as_ref()),
            _ => {}
        }
    }

    fn fail_locally(&mut self, text: &str) {
        failure(text);
        self.has_local_error = true;
    }

    /// Starts the closing handshake, unless it has started.
    fn close(&mut self, code: CloseCode, reason: &str) {
        if self.inputs.is_none() {
            return;
        }
        self.stop_input();
        self.websocket.queue_close(Close::from(code));
        match self.version().has_length_framing() {
            true => note(&format!("closing with {code}: {reason}")),
            false => note(&format!("closing: {reason}")),
        }
    }

    fn version(&self) -> Version {
        self.websocket.negotiated().version
    }

    /// Ends the session after the server's Close.
    fn end_with_close(&mut self, close: Option<&Close>) {
        let text = match close {
            None => "closed without a code".into(),
            Some(Close { code, reason, .. }) if reason.is_empty() => format!("closed with {code}"),
            Some(Close { code, reason, .. }) => format!("closed with {code} {}", quote(reason.as_bytes())),
        };
        self.end(Status::of(close), &text);
    }

    /// Ends the session without a Close of the server.
    fn end_without_close(&mut self, error: Option<Error>) {
        use protocol_websocket::Error as Cause;
        match error {
            // In hybi-00 and hixie-75, the server may end the connection without a response to our Close.
            None => self.end(Status::Clean, "closed: the server ended the connection after our close"),
            // draft-hixie-75 has no closing handshake.
            Some(Error::Connection(Cause::UnexpectedEof | Cause::Timeout(Timeout::Close)))
                if self.version() == Version::Hixie75 =>
            {
                self.end_with_close(None);
            }
            Some(error) => {
                let Failure { status, text, .. } = connection_failure(&error);
                self.end(status, &text);
            }
        }
    }

    /// Ends the session, unless it has ended. The first status is kept.
    fn end(&mut self, status: Status, text: &str) {
        if self.ended.is_none() {
            self.ended = Some((status, Instant::now() + LINGER_TIMEOUT));
            self.stop_input();
            if status == Status::Clean { note(text) } else { failure(text) }
        }
    }

    /// Ends the input. Lines that were typed and not sent are dropped.
    fn stop_input(&mut self) {
        self.inputs = None;
        if let Some(editing) = self.editing.take() {
            editing.stop();
        }
    }
}
