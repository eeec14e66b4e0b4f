//! A WebSocket server and a client over HTTP/3 (RFC 9220): what both have in common.
//!
//! quiche has the QUIC connection and the streams of HTTP/3, `protocol-websocket` has the handshake and the frames. Neither
//! of them does I/O. The two programs have the UDP socket and the clock.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use protocol_websocket::http::Headers;
use protocol_websocket::{Config, Connection, EventRef, Limits, Outbox, PermessageDeflate, Session, Timeouts};
use quiche::{Shutdown, h3};

/// The result of the programs.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The maximum length of a packet.
pub const MAX_PACKET: usize = 65_535;
/// The error code of HTTP/3 (RFC 9114 §8.1) for a connection that is not needed any more, or for the rest of a stream.
pub const H3_NO_ERROR: u64 = 0x100;
/// The error code for an error of this program.
pub const H3_INTERNAL_ERROR: u64 = 0x102;
/// The error code for a frame that is not allowed on its stream.
pub const H3_FRAME_UNEXPECTED: u64 = 0x105;
/// The error code for a stream that fails. It corresponds to a reset of TCP (RFC 9220 §3).
pub const H3_REQUEST_CANCELLED: u64 = 0x10C;

/// The initial and the maximum number of bytes that a peer may send on a stream before the program has read them.
const STREAM_WINDOWS: (u64, u64) = (256 * 1024, 1024 * 1024);
/// The initial and the maximum number of these bytes on all streams.
const CONNECTION_WINDOWS: (u64, u64) = (1024 * 1024, 8 * 1024 * 1024);
/// The maximum number of WebSockets on a connection.
const MAX_STREAMS: u64 = 100;
/// The maximum number of streams for the control frames of HTTP/3. Three are required.
const MAX_CONTROL_STREAMS: u64 = 8;
/// The time after which a silent connection ends, in milliseconds. The pings of [`Timeouts::RECOMMENDED`] are more frequent.
const IDLE_TIMEOUT: u64 = 60_000;

/// The maximum length of a message.
const MAX_MESSAGE: u64 = 4 * 1024 * 1024;

/// Returns the configuration of WebSocket.
#[must_use]
pub fn config() -> Arc<Config> {
    let config = Config::new().limits(Limits::new(MAX_MESSAGE)).timeouts(Timeouts::RECOMMENDED);
    Arc::new(config.extension(PermessageDeflate::new()))
}

/// Returns the configuration of QUIC.
///
/// # Errors
///
/// An error of the TLS library.
pub fn quic_config() -> quiche::Result<quiche::Config> {
    let mut config = quiche::Config::new(quiche::PROTOCOL_VERSION)?;
    config.set_application_protos(h3::APPLICATION_PROTOCOL)?;
    config.set_max_idle_timeout(IDLE_TIMEOUT);
    config.set_initial_max_streams_bidi(MAX_STREAMS);
    config.set_initial_max_streams_uni(MAX_CONTROL_STREAMS);
    let (initial, max) = STREAM_WINDOWS;
    config.set_initial_max_stream_data_bidi_local(initial);
    config.set_initial_max_stream_data_bidi_remote(initial);
    config.set_initial_max_stream_data_uni(initial);
    config.set_max_stream_window(max);
    let (initial, max) = CONNECTION_WINDOWS;
    config.set_initial_max_data(initial);
    config.set_max_connection_window(max);
    Ok(config)
}

/// Returns the configuration of HTTP/3, which has the setting of RFC 9220 §3.
///
/// # Errors
///
/// None at present.
pub fn h3_config() -> h3::Result<h3::Config> {
    let mut config = h3::Config::new()?;
    config.enable_extended_connect(true);
    Ok(config)
}

/// Converts the fields of a request or a response.
#[must_use]
pub fn h3_fields(fields: &Headers) -> Vec<h3::HeaderRef<'_>> {
    fields.iter().map(|(name, value)| h3::HeaderRef::new(name.as_bytes(), value)).collect()
}

/// Receives a packet. Returns its length and its sender, or `None` after the time `wait`.
///
/// # Errors
///
/// An error of the socket.
pub fn receive(
    socket: &UdpSocket,
    wait: Option<Duration>,
    packet: &mut [u8],
) -> io::Result<Option<(usize, SocketAddr)>> {
    // A timeout of zero is an error.
    socket.set_read_timeout(wait.map(|wait| wait.max(Duration::from_millis(1))))?;
    match socket.recv_from(packet) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {
            Ok(None)
        }
        received => received.map(Some),
    }
}

/// Sends the packets of a connection.
///
/// # Errors
///
/// An error of the connection or of the socket.
pub fn send(socket: &UdpSocket, quic: &mut quiche::Connection, packet: &mut [u8]) -> Result<()> {
    loop {
        match quic.send(packet) {
            Ok((len, info)) => socket.send_to(packet.get(..len).unwrap_or_default(), info.to)?,
            Err(quiche::Error::Done) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
    }
}

/// A WebSocket on the stream of its extended CONNECT.
pub struct Stream {
    id: u64,
    session: Session,
    /// The peer has reset the stream, or unsent bytes were discarded.
    has_failed: bool,
}

impl Stream {
    /// Creates a WebSocket that the handshake has opened.
    #[must_use]
    pub fn new(id: u64, connection: Connection) -> Self {
        Self { id, session: Session::new(connection), has_failed: false }
    }

    /// Returns the session, for messages to send and for the end.
    pub const fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Returns how long to wait for a packet before the next [`advance`](Self::advance), or `None` without a deadline.
    #[must_use]
    pub fn wait(&self, now: Duration) -> Option<Duration> {
        self.session.poll_timeout().map(|at| at.saturating_sub(now))
    }

    /// Reads from the stream, passes the events to `handle`, writes to the stream, and handles deadlines. `now` is the time
    /// since the start of the program. `buffer` is memory for a read.
    ///
    /// Call it after each packet, because any packet may have bytes for this stream, or allow more bytes to be sent.
    pub fn advance(
        &mut self,
        quic: &mut quiche::Connection,
        h3: &mut h3::Connection,
        now: Duration,
        buffer: &mut [u8],
        mut handle: impl FnMut(EventRef<'_>, &mut Outbox),
    ) {
        loop {
            while self.session.poll_event_with(&mut handle).is_some() {}
            self.write(quic, h3, now);
            // Bytes that are not read stay in quiche, and the peer may not send more than the windows.
            if !self.session.wants_read() {
                break;
            }
            match h3.recv_body(quic, self.id, buffer) {
                Ok(len) => {
                    let bytes = buffer.get_mut(..len).unwrap_or_default();
                    self.session.receive_with(bytes, now, &mut handle);
                }
                Err(h3::Error::Done) if quic.stream_finished(self.id) => self.session.received_eof(),
                Err(h3::Error::Done) => break,
                Err(_) => self.fail(),
            }
        }
        if self.session.poll_timeout().is_some_and(|at| at <= now) {
            let unsent = self.session.unsent();
            self.session.handle_timeout(now);
            self.has_failed |= self.session.unsent() < unsent;
            self.write(quic, h3, now);
        }
    }

    /// Writes as much as the windows of the peer and the congestion window allow.
    fn write(&mut self, quic: &mut quiche::Connection, h3: &mut h3::Connection, now: Duration) {
        loop {
            let chunk = self.session.unsent_chunks().next();
            let Some(sent) = chunk.map(|chunk| h3.send_body(quic, self.id, chunk, false)) else { return };
            match sent {
                Ok(len) => self.session.written(len, now),
                Err(h3::Error::Done) => return,
                Err(_) => self.fail(),
            }
        }
    }

    /// Handles a reset of the stream by the peer.
    pub fn fail(&mut self) {
        self.has_failed = true;
        self.session.transport_failed();
    }

    /// Ends both directions of the stream if the WebSocket has ended and nothing is left to write. Returns whether they have
    /// ended.
    pub fn end(&mut self, quic: &mut quiche::Connection, h3: &mut h3::Connection) -> bool {
        if self.session.ended().is_none() {
            return false;
        }
        if self.has_failed {
            // The stream may have ended already.
            let _ = quic.stream_shutdown(self.id, Shutdown::Write, H3_REQUEST_CANCELLED);
        } else if let Err(h3::Error::Done) = h3.send_body(quic, self.id, b"", true) {
            return false;
        }
        let _ = quic.stream_shutdown(self.id, Shutdown::Read, H3_NO_ERROR);
        true
    }
}
