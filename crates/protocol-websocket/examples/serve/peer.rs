//! An upgraded connection, and the service that handles its messages.

use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use protocol_websocket::{Close, CloseCode, Connection, Ended, EventRef, LentMessage, State};

use crate::socket::{Reader, SMALL_READ, is_timeout};

/// While this number of bytes or more is unsent, no further event is handled.
const HIGH_WATER_MARK: usize = 128 * 1024;
/// How long a client may take to read the Close when the server shuts down.
const GOING_AWAY_TIMEOUT: Duration = Duration::from_secs(2);

/// Handles the messages of a connection, and sends at other times.
pub(crate) trait Service: Send {
    /// Handles a message.
    fn on_message(&mut self, message: LentMessage<'_>, connection: &mut Connection, output: &mut BytesMut);

    /// Sends a message or Ping that is due, and returns the time until the next call. It may be called earlier.
    fn poll(&mut self, connection: &mut Connection, output: &mut BytesMut) -> Duration;

    /// Notes the number of bytes that are written next, or 0 after they were written.
    fn note_unsent(&self, _bytes: usize) {}
}

/// A connection and its socket. Its thread runs a service. The main thread sends a Close when the server shuts down.
pub(crate) struct Peer {
    connection: Mutex<Connection>,
    pub(crate) stream: TcpStream,
    /// The start of the connection's clock.
    started: Instant,
}

impl Peer {
    pub(crate) fn new(connection: Connection, stream: TcpStream) -> Self {
        Self { connection: Mutex::new(connection), stream, started: Instant::now() }
    }

    /// Runs the service until the closing handshake is complete or the client has ended the stream. `input` has the bytes
    /// that arrived with the request. A read has at most `read_size` bytes.
    pub(crate) fn run(
        &self,
        service: &mut dyn Service,
        is_shutting_down: &AtomicBool,
        read_size: usize,
        input: &mut [u8],
    ) -> io::Result<()> {
        let mut small = [0; SMALL_READ];
        let mut output = BytesMut::new();
        let mut reader = Reader::new(&self.stream, &mut small, read_size);
        self.receive(service, input, &mut output)?;
        while let Some(wait) = self.handle_timeout(service, is_shutting_down, &mut output)? {
            // An idle connection keeps no buffer.
            if reader.is_idle() {
                output = BytesMut::new();
            }
            match reader.read(wait) {
                Ok([]) => break,
                Ok(input) => self.receive(service, input, &mut output)?,
                Err(error) if is_timeout(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Handles the end of the stream, and returns how the connection ended.
    pub(crate) fn end(&self) -> Option<Ended> {
        let mut connection = lock(&self.connection);
        let _ = connection.receive_eof();
        connection.ended().cloned()
    }

    /// Sends a Close. If the connection's thread is using the connection at the moment, that thread sends it.
    pub(crate) fn go_away(&self) {
        let Ok(mut connection) = self.connection.try_lock() else { return };
        let mut output = BytesMut::new();
        close(&mut connection, &mut output);
        let _ = self.stream.set_write_timeout(Some(GOING_AWAY_TIMEOUT));
        let _ = (&self.stream).write_all(&output);
    }

    /// Handles the events of the input.
    fn receive(&self, service: &mut dyn Service, mut input: &mut [u8], output: &mut BytesMut) -> io::Result<()> {
        // An echo is about as long as its message.
        output.reserve(input.len());
        let mut connection = lock(&self.connection);
        // After an error, the Close is in the output and the connection is closed.
        while let Ok(Some(event)) = connection.receive_lent(&mut input, output) {
            if let EventRef::Message(message) = event {
                service.on_message(message, &mut connection, output);
            }
            if output.len() >= HIGH_WATER_MARK {
                self.write(service, &mut connection, output)?;
            }
        }
        self.write(service, &mut connection, output)
    }

    /// Handles deadlines and the shutdown of the server. Returns the time until the next deadline, or `None` if the
    /// connection is closed.
    fn handle_timeout(
        &self,
        service: &mut dyn Service,
        is_shutting_down: &AtomicBool,
        output: &mut BytesMut,
    ) -> io::Result<Option<Duration>> {
        let mut connection = lock(&self.connection);
        let now = self.started.elapsed();
        let _ = connection.handle_timeout(now, output);
        if is_shutting_down.load(Ordering::SeqCst) {
            close(&mut connection, output);
        }
        let until_poll = service.poll(&mut connection, output);
        self.write(service, &mut connection, output)?;
        let wait = connection.poll_timeout().unwrap_or(now).saturating_sub(now).min(until_poll);
        Ok((connection.state() != State::Closed).then_some(wait))
    }

    /// Writes the output, and then a pong that was kept because the output was above the high-water mark.
    fn write(&self, service: &dyn Service, connection: &mut Connection, output: &mut BytesMut) -> io::Result<()> {
        while !output.is_empty() {
            service.note_unsent(output.len());
            (&self.stream).write_all(output)?;
            service.note_unsent(0);
            output.clear();
            connection.flush(output);
        }
        Ok(())
    }
}

/// Starts the closing handshake, unless a Close was sent before.
fn close(connection: &mut Connection, output: &mut BytesMut) {
    let _ = connection.close(Close::from(CloseCode::GOING_AWAY), output);
}

/// Locks the mutex. A thread that panicked with the lock does not stop the others.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
