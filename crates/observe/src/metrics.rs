//! The metrics: instruments that all connections share, and an observer for each connection.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter, UpDownCounter};
use protocol_websocket_connection::{Direction, Observation, ObservedFrame, Observer, OpCode, Role, Version};

use crate::labels;

const DURATIONS: [f64; 9] = [0.1, 1.0, 10.0, 60.0, 300.0, 1800.0, 3600.0, 21_600.0, 86_400.0];
const ROUND_TRIPS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
const SIZES: [f64; 8] = [64.0, 256.0, 1024.0, 4096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0];

/// Counters and histograms of all connections, for a `Meter` of OpenTelemetry. Clones share the instruments.
///
/// | name | instrument, unit | what it measures |
/// |---|---|---|
/// | `websocket.active_connections` | up-down counter, `{connection}` | connections that are open |
/// | `websocket.connection.duration` | histogram, `s` | from the creation of a connection to its end, also if it did not open |
/// | `websocket.message.size` | histogram, `By` | the number of messages and their bytes, without the encoding by extensions |
/// | `websocket.network.io` | counter, `By` | payload bytes of all frames on the wire, after the compression |
/// | `websocket.ping.duration` | histogram, `s` | from the queueing of a Ping to the arrival of its Pong |
///
/// The conventions of OpenTelemetry have no metrics of WebSockets, so these names are not theirs. The attributes
/// `network.protocol.name` (`websocket`), `network.protocol.version` (`13` for RFC 6455), `network.io.direction` (`receive`,
/// `transmit`) and `error.type` are. `websocket.role` (`client`, `server`) and `websocket.close.code` are not. `error.type` is
/// `dropped` if the application dropped a connection before its end. A close code from 3000 to 4999 is `3xxx` or `4xxx`, and
/// other codes that RFC 6455 and IANA do not define are `_OTHER`, so that the number of time series is limited.
///
/// ```
/// use opentelemetry::global;
/// use protocol_websocket_connection::Config;
/// use protocol_websocket_observe::Metrics;
///
/// // The provider of the program: opentelemetry_sdk with an exporter for Prometheus or OTLP.
/// let metrics = Metrics::new(&global::meter("chat"));
/// let config = Config::new().observer(move |role| metrics.observer(role));
/// # let _ = config;
/// ```
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Instruments>);

#[derive(Debug)]
struct Instruments {
    active: UpDownCounter<i64>,
    duration: Histogram<f64>,
    message_size: Histogram<u64>,
    network_io: Counter<u64>,
    ping_duration: Histogram<f64>,
}

impl Metrics {
    /// Creates the instruments. Create them once for all connections.
    #[must_use]
    pub fn new(meter: &Meter) -> Self {
        Self(Arc::new(Instruments {
            active: meter
                .i64_up_down_counter("websocket.active_connections")
                .with_unit("{connection}")
                .with_description("WebSocket connections that are open")
                .build(),
            duration: meter
                .f64_histogram("websocket.connection.duration")
                .with_unit("s")
                .with_description("Duration of WebSocket connections")
                .with_boundaries(DURATIONS.to_vec())
                .build(),
            message_size: meter
                .u64_histogram("websocket.message.size")
                .with_unit("By")
                .with_description("Size of WebSocket messages before the compression")
                .with_boundaries(SIZES.to_vec())
                .build(),
            network_io: meter
                .u64_counter("websocket.network.io")
                .with_unit("By")
                .with_description("Payloads of WebSocket frames after the compression")
                .build(),
            ping_duration: meter
                .f64_histogram("websocket.ping.duration")
                .with_unit("s")
                .with_description("Time from a Ping to its Pong")
                .with_boundaries(ROUND_TRIPS.to_vec())
                .build(),
        }))
    }

    /// Creates the observer of a connection, for [`Config::observer`](protocol_websocket_connection::Config::observer).
    #[must_use]
    pub fn observer(&self, role: Role) -> MetricsObserver {
        MetricsObserver {
            instruments: Arc::clone(&self.0),
            role: labels::role(role),
            version: OnceLock::new(),
            begun_at: Instant::now(),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            ping: Mutex::new(None),
            has_ended: AtomicBool::new(false),
        }
    }
}

/// Records the metrics of a connection: see [`Metrics`]. It observes each frame, so messages do not take the fast paths.
#[derive(Debug)]
pub struct MetricsObserver {
    instruments: Arc<Instruments>,
    role: &'static str,
    /// Set when the connection opens.
    version: OnceLock<&'static str>,
    begun_at: Instant,
    /// The bytes so far of the message that is received, and of the message that is sent.
    received: AtomicU64,
    sent: AtomicU64,
    /// The payload of the last Ping, at most 125 bytes, and the time at which it was queued. An equal Ping does not replace it
    /// before its Pong, because a Pong does not tell them apart.
    ping: Mutex<Option<(Vec<u8>, Instant)>>,
    has_ended: AtomicBool,
}

impl MetricsObserver {
    fn attributes(&self) -> [KeyValue; 3] {
        [
            KeyValue::new("network.protocol.name", "websocket"),
            KeyValue::new("network.protocol.version", *self.version.get().unwrap_or(&"")),
            KeyValue::new("websocket.role", self.role),
        ]
    }

    fn open(&self, version: Version) {
        if self.version.set(labels::version(version)).is_ok() {
            self.instruments.active.add(1, &self.attributes());
        }
    }

    fn frame(&self, frame: &ObservedFrame<'_>) {
        let [name, version, role] = self.attributes();
        let direction = KeyValue::new("network.io.direction", labels::direction(frame.direction));
        let attributes = [name, version, role, direction];
        self.instruments.network_io.add(frame.wire_len as u64, &attributes);
        match (frame.opcode, frame.direction) {
            (OpCode::Ping, Direction::Sent) => {
                let ping = &mut *self.ping.lock().unwrap_or_else(PoisonError::into_inner);
                if ping.as_ref().is_none_or(|(sent, _)| sent != frame.payload) {
                    *ping = Some((frame.payload.to_vec(), Instant::now()));
                }
            }
            (OpCode::Pong, Direction::Received) => self.pong(frame.payload),
            (opcode, _) if opcode.is_control() => {}
            (_, direction) => {
                let message = if direction == Direction::Sent { &self.sent } else { &self.received };
                let len = frame.payload.len() as u64;
                let len = message.fetch_add(len, Ordering::Relaxed).saturating_add(len);
                if frame.fin {
                    message.store(0, Ordering::Relaxed);
                    self.instruments.message_size.record(len, &attributes);
                }
            }
        }
    }

    fn pong(&self, payload: &[u8]) {
        let mut ping = self.ping.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, at)) = ping.take_if(|(sent, _)| sent == payload) {
            self.instruments.ping_duration.record(at.elapsed().as_secs_f64(), &self.attributes());
        }
    }

    fn end(&self, code: Option<&'static str>, error_type: Option<&'static str>) {
        if self.has_ended.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut attributes = Vec::from(self.attributes());
        if self.version.get().is_some() {
            self.instruments.active.add(-1, &attributes);
        }
        attributes.extend(code.map(|code| KeyValue::new("websocket.close.code", code)));
        attributes.extend(error_type.map(|error_type| KeyValue::new("error.type", error_type)));
        self.instruments.duration.record(self.begun_at.elapsed().as_secs_f64(), &attributes);
    }
}

impl Observer for MetricsObserver {
    fn observe(&self, observation: &Observation<'_>) {
        match observation {
            Observation::Open(negotiated) => self.open(negotiated.version),
            Observation::Frame(frame) => self.frame(frame),
            Observation::Ended(ended) => self.end(Some(labels::close_code(ended.code)), labels::error_type(ended)),
            _ => {}
        }
    }
}

impl Drop for MetricsObserver {
    fn drop(&mut self) {
        self.end(None, Some("dropped"));
    }
}
