//! An upgraded connection, which echoes messages.

use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use protocol_websocket::{Close, CloseCode, Connection, Ended, EventRef, State};

use crate::socket::{Reader, SMALL_READ, is_timeout};

/// While this number of bytes or more is unsent, no further event is handled.
const HIGH_WATER_MARK: usize = 128 * 1024;
/// How long a client may take to read the Close when the server shuts down.
const GOING_AWAY_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection and its socket. Its thread echoes. The main thread sends a Close when the server shuts down.
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

    /// Echoes until the closing handshake is complete or the client has ended the stream. `input` has the bytes that
    /// arrived with the request. A read has at most `read_size` bytes.
    pub(crate) fn run(&self, is_shutting_down: &AtomicBool, read_size: usize, input: &mut [u8]) -> io::Result<()> {
        let mut small = [0; SMALL_READ];
        let mut output = BytesMut::new();
        let mut reader = Reader::new(&self.stream, &mut small, read_size);
        self.receive(input, &mut output)?;
        while let Some(wait) = self.handle_timeout(is_shutting_down, &mut output)? {
            // An idle connection keeps no buffer.
            if reader.is_idle() {
                output = BytesMut::new();
            }
            match reader.read(wait) {
                Ok([]) => break,
                Ok(input) => self.receive(input, &mut output)?,
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
    fn receive(&self, mut input: &mut [u8], output: &mut BytesMut) -> io::Result<()> {
        // An echo is about as long as its message.
        output.reserve(input.len());
        let mut connection = lock(&self.connection);
        // After an error, the Close is in the output and the connection is closed.
        while let Ok(Some(event)) = connection.receive_lent(&mut input, output) {
            if let EventRef::Message(message) = event {
                // After our own Close this fails, and the message is dropped.
                let _ = connection.send(message, output);
            }
            if output.len() >= HIGH_WATER_MARK {
                self.write(&mut connection, output)?;
            }
        }
        self.write(&mut connection, output)
    }

    /// Handles deadlines and the shutdown of the server. Returns the time until the next deadline, or `None` if the
    /// connection is closed.
    fn handle_timeout(&self, is_shutting_down: &AtomicBool, output: &mut BytesMut) -> io::Result<Option<Duration>> {
        let mut connection = lock(&self.connection);
        let now = self.started.elapsed();
        let _ = connection.handle_timeout(now, output);
        if is_shutting_down.load(Ordering::SeqCst) {
            close(&mut connection, output);
        }
        self.write(&mut connection, output)?;
        let wait = connection.poll_timeout().unwrap_or(now).saturating_sub(now);
        Ok((connection.state() != State::Closed).then_some(wait))
    }

    /// Writes the output, and then a pong that was kept because the output was above the high-water mark.
    fn write(&self, connection: &mut Connection, output: &mut BytesMut) -> io::Result<()> {
        while !output.is_empty() {
            (&self.stream).write_all(output)?;
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
