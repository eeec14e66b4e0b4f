use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use protocol_websocket_connection::{
    Direction, Ended, Negotiated, Observation, ObservedFrame, ObservedHead, Observer, Role, StartLine,
};
use tracing::field::Empty;
use tracing::{Level, Span, event};

/// The target of the span and of all events.
const TARGET: &str = "protocol_websocket";

/// Reports a connection to `tracing`: a span `websocket` for each connection, and events in it.
///
/// The target is `protocol_websocket`. The parent of the span is the span in which the connection is created. The fields of the
/// span are `websocket.role`, `network.protocol.name`, `network.protocol.version` and `url.path`.
///
/// | level | event | fields |
/// |---|---|---|
/// | `INFO` | the connection opened | `has_subprotocol`, `extensions`: the names |
/// | `INFO` | the connection ended | `by`, `code`, `clean`, `duration` |
/// | `INFO` | the application dropped the connection before its end | `duration` |
/// | `WARN` | the connection failed | `by`, `code`, `clean`, `duration`, `error` |
/// | `DEBUG` | the head of a request or a response | `direction`, `method` and `path`, or `status`; `headers` |
/// | `TRACE` | a frame, or a piece of a received frame | `direction`, `opcode`, `fin`, `len`, `wire_len` |
///
/// Payloads, the reasons of Closes, the query of a request and the name of the subprotocol are not reported, because each of
/// them may be a secret: some clients send a token as a subprotocol. Values of header fields are reported only if
/// the `Debug` of [`Headers`](protocol_websocket_connection::Headers) shows them, so cookies, credentials and keys are not
/// reported.
///
/// The observer tests whether the level `TRACE` is enabled when the connection is created. If not, the connection does not
/// report frames and its messages take the fast paths.
///
/// ```
/// use protocol_websocket_connection::{Config, Connection, Negotiated};
/// use protocol_websocket_observe::TracingObserver;
///
/// let config = Config::new().observer(TracingObserver::new);
/// // A span of the caller, for instance with the address of the peer.
/// let span = tracing::info_span!("client", peer = "192.0.2.1:50000");
/// let connection = span.in_scope(|| Connection::open_server(&Negotiated::default(), config));
/// # let _ = connection;
/// ```
#[derive(Debug)]
pub struct TracingObserver {
    span: Span,
    begun_at: Instant,
    wants_frames: bool,
    has_ended: AtomicBool,
}

impl TracingObserver {
    /// Begins the span of a connection. Pass this function to
    /// [`Config::observer`](protocol_websocket_connection::Config::observer).
    #[must_use]
    pub fn new(role: Role) -> Self {
        let span = tracing::info_span!(
            target: TARGET,
            "websocket",
            websocket.role = %role,
            network.protocol.name = "websocket",
            network.protocol.version = Empty,
            url.path = Empty,
        );
        let wants_frames = tracing::enabled!(target: TARGET, Level::TRACE);
        Self { span, begun_at: Instant::now(), wants_frames, has_ended: AtomicBool::new(false) }
    }

    fn head(&self, head: &ObservedHead<'_>) {
        let direction = name(head.direction);
        let headers = head.headers;
        match head.start_line {
            StartLine::Request { method, target, .. } => {
                let path = path(target);
                self.span.record("url.path", path);
                event!(target: TARGET, parent: &self.span, Level::DEBUG, direction, method, path, ?headers, "request");
            }
            StartLine::Response { status, .. } => {
                event!(target: TARGET, parent: &self.span, Level::DEBUG, direction, status, ?headers, "response");
            }
            _ => {}
        }
    }

    fn open(&self, negotiated: &Negotiated) {
        self.span.record("network.protocol.version", tracing::field::display(negotiated.version));
        let has_subprotocol = negotiated.subprotocol.is_some();
        let extensions: Vec<&str> = negotiated.extensions.iter().map(|extension| extension.name()).collect();
        event!(target: TARGET, parent: &self.span, Level::INFO, has_subprotocol, ?extensions, "connection opened");
    }

    fn frame(&self, frame: &ObservedFrame<'_>) {
        let ObservedFrame { opcode, fin, wire_len, payload, .. } = *frame;
        let (direction, len) = (name(frame.direction), payload.len());
        event!(target: TARGET, parent: &self.span, Level::TRACE, direction, %opcode, fin, len, wire_len, "frame");
    }

    fn ended(&self, ended: &Ended) {
        if self.has_ended.swap(true, Ordering::Relaxed) {
            return;
        }
        let Ended { by, code, clean, error, .. } = ended;
        let duration = self.begun_at.elapsed();
        match error {
            Some(error) => event!(
                target: TARGET, parent: &self.span, Level::WARN, %by, code = code.0, clean, ?duration, %error, "connection failed"
            ),
            None => event!(
                target: TARGET, parent: &self.span, Level::INFO, %by, code = code.0, clean, ?duration, "connection ended"
            ),
        }
    }
}

impl Observer for TracingObserver {
    fn observe(&self, observation: &Observation<'_>) {
        match observation {
            Observation::Head(head) => self.head(head),
            Observation::Open(negotiated) => self.open(negotiated),
            Observation::Frame(frame) => self.frame(frame),
            Observation::Ended(ended) => self.ended(ended),
            _ => {}
        }
    }

    fn wants_frames(&self) -> bool {
        self.wants_frames
    }
}

impl Drop for TracingObserver {
    fn drop(&mut self) {
        if !*self.has_ended.get_mut() {
            let duration = self.begun_at.elapsed();
            event!(target: TARGET, parent: &self.span, Level::INFO, ?duration, "connection dropped before its end");
        }
    }
}

const fn name(direction: Direction) -> &'static str {
    match direction {
        Direction::Received => "received",
        Direction::Sent => "sent",
    }
}

/// Returns the path of a target, without the query. A target with an authority is hidden, because both may contain secrets.
fn path(target: &str) -> &str {
    match target.split(['?', '#']).next() {
        Some(path) if path.starts_with('/') => path,
        _ => "(hidden)",
    }
}
