//! Suspends and resumes a connection after the handshake.
//!
//! The state is the role, the result of the handshake, and the state of both directions. Each type writes its own part, in a
//! file `suspend.rs` in the folder with its name. The bytes are untrusted: each length is checked against the configuration
//! before memory is allocated, text that was validated before is validated again, and states that no connection can reach
//! are rejected.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;

use protocol_websocket_core::{ExtensionParams, Random, Role, Version};
use protocol_websocket_frame::{ResumeError, StateReader, StateWriter, SuspendError};
use protocol_websocket_http::Negotiated;

use crate::state::{Incoming, Outgoing};
use crate::suspended::Kind;
use crate::{Config, Connection, Suspended};

impl Connection {
    /// Returns the state of the connection as bytes. Another process continues the connection with
    /// [`resume_server`](Self::resume_server) or [`resume_client`](Self::resume_client). The peer does not see a difference.
    ///
    /// The state has the role, the result of the handshake, the message in progress of both directions, the closing handshake,
    /// the timers, and the state of the extensions. It does not have the configuration, or the `input` and `output` of the
    /// caller. Pass their bytes to the other process, too, or use [`Session::suspend`](crate::Session::suspend).
    ///
    /// This connection is not changed, except that extensions free memory. If the other process does not continue, this
    /// connection can continue. Only one of the two may continue.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Event, Negotiated};
    ///
    /// let mut server = Connection::open_server(&Negotiated::default(), Config::new());
    /// let (mut input, mut output) = (BytesMut::from(&b"\x81\x85\0\0\0\0Hel"[..]), BytesMut::new());
    /// assert_eq!(server.receive(&mut input, &mut output)?, None);
    /// let state = server.suspend()?;
    ///
    /// // In another process:
    /// let mut server = Connection::resume_server(state.as_bytes(), Config::new())?;
    /// input.extend_from_slice(b"lo");
    /// assert_eq!(server.receive(&mut input, &mut output)?, Some(Event::Message("Hello".into())));
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`SuspendError::NotOpen`] before `Event::Open`, and if the handshake ended without a connection.
    /// - [`SuspendError::EventsPending`] if [`receive`](Self::receive) can return another event without more input.
    /// - [`SuspendError::MessageInProgress`] inside a message that an extension cannot continue in another process.
    ///   permessage-deflate can with its setting `suspendable`.
    /// - [`SuspendError::ExtensionUnsupported`] if an extension cannot be suspended, or was added by
    ///   [`add_extension`](Self::add_extension).
    /// - [`SuspendError::Failed`] if the connection has failed and the error was not received yet.
    pub fn suspend(&mut self) -> Result<Suspended, SuspendError> {
        let mut state = Kind::Connection.write();
        self.write_state(&mut state)?;
        Ok(state.into())
    }

    /// Continues a server's connection that [`suspend`](Self::suspend) returned.
    ///
    /// `config` must have the same extensions as before. Its limits and timeouts may differ. A state that exceeds the limits is
    /// rejected, and so is one of a connection with another [`Delivery`](crate::Delivery). The observers of `config` are created, and their first observation is
    /// [`Observation::Open`](crate::Observation::Open).
    ///
    /// The time during which the connection was suspended does not count for the deadlines of a silent peer. These timers
    /// continue with the first [`handle_timeout`](Self::handle_timeout). The deadline for a Close starts again. So a deadline
    /// may be late, and is never early. The `now` of the first call may have any value. If it is smaller than the time for
    /// which the peer has been silent, the deadline is later by the difference.
    ///
    /// ```
    /// use protocol_websocket_connection::{Config, Connection, ResumeError};
    ///
    /// let error = Connection::resume_server(b"\x07", Config::new()).expect_err("an unknown format");
    /// assert_eq!(error, ResumeError::UnknownFormat(7));
    /// ```
    ///
    /// # Errors
    ///
    /// [`ResumeError`]. The bytes are checked like input from a peer. No memory is allocated for a length that exceeds a limit.
    pub fn resume_server(bytes: &[u8], config: impl Into<Arc<Config>>) -> Result<Self, ResumeError> {
        Self::resume(Kind::Connection.read(bytes)?, config.into(), None)
    }

    /// Continues a client's connection that [`suspend`](Self::suspend) returned. `random` supplies the mask keys (RFC 6455
    /// §5.3). Otherwise as [`resume_server`](Self::resume_server).
    ///
    /// ```
    /// use protocol_websocket_connection::{Config, Connection, Negotiated, Role};
    ///
    /// let random = |bytes: &mut [u8]| bytes.fill(7); // use a secure source of random bytes
    /// let mut client = Connection::open_client(&Negotiated::default(), Config::new(), random);
    /// let state = client.suspend()?;
    /// let client = Connection::resume_client(state.as_bytes(), Config::new(), random)?;
    /// assert_eq!(client.role(), Role::Client);
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`resume_server`](Self::resume_server).
    pub fn resume_client(
        bytes: &[u8],
        config: impl Into<Arc<Config>>,
        random: impl Random + 'static,
    ) -> Result<Self, ResumeError> {
        Self::resume(Kind::Connection.read(bytes)?, config.into(), Some(Box::new(random)))
    }

    pub(crate) fn write_state(&mut self, state: &mut StateWriter) -> Result<(), SuspendError> {
        if !self.sender.has_opened() || self.receiver.incoming == Incoming::Connecting {
            return Err(SuspendError::NotOpen);
        }
        if !is_reachable(self.receiver.incoming, self.sender.outgoing) {
            return Err(SuspendError::Failed);
        }
        let configured = self.config().extensions.agree(self.role(), self.negotiated());
        if configured.map_or(usize::MAX, |agreed| agreed.len()) != self.sender.extensions().len() {
            return Err(SuspendError::ExtensionUnsupported);
        }
        state.flag(self.role() == Role::Client);
        write_negotiated(self.negotiated(), state);
        self.receiver.suspend(state)?;
        self.sender.suspend(state)
    }

    /// Reads a connection, up to the end of the bytes.
    pub(crate) fn resume(
        mut state: StateReader<'_>,
        config: Arc<Config>,
        random: Option<Box<dyn Random>>,
    ) -> Result<Self, ResumeError> {
        if state.flag()? != random.is_some() {
            return Err(ResumeError::WrongKind);
        }
        let negotiated = read_negotiated(&mut state, &config)?;
        let mut connection = Self::new(config, random);
        connection.open_outgoing(&negotiated);
        if connection.ended().is_some() {
            // An extension did not accept its parameters.
            return Err(ResumeError::ExtensionMismatch);
        }
        connection.open_incoming();
        connection.receiver.resume(&mut state)?;
        connection.sender.resume(&mut state)?;
        state.finish()?;
        let is_reachable = is_reachable(connection.receiver.incoming, connection.sender.outgoing);
        if !is_reachable {
            return Err(ResumeError::Invalid);
        }
        connection.add_observers();
        connection.receiver.observe_open();
        Ok(connection)
    }
}

/// Returns whether the two directions of a connection can be in these states after the handshake and between two calls.
const fn is_reachable(incoming: Incoming, outgoing: Outgoing) -> bool {
    match incoming {
        Incoming::Open => matches!(outgoing, Outgoing::Open | Outgoing::Closing),
        Incoming::Ended => matches!(outgoing, Outgoing::Closed | Outgoing::ClosedFirst | Outgoing::TimedOut),
        Incoming::Connecting | Incoming::Refused => false,
    }
}

fn write_negotiated(negotiated: &Negotiated, state: &mut StateWriter) {
    state.byte(match negotiated.version {
        Version::Hixie75 => 75,
        Version::Hybi00 => 0,
        version => version.number().unwrap_or_default(),
    });
    write_optional(negotiated.subprotocol.as_deref(), state);
    state.number(negotiated.extensions.len() as u64);
    for extension in &negotiated.extensions {
        state.bytes(extension.name().as_bytes());
        state.number(extension.params().len() as u64);
        for (name, value) in extension.params() {
            state.bytes(name.as_bytes());
            write_optional(value.as_deref(), state);
        }
    }
}

fn read_negotiated(state: &mut StateReader<'_>, config: &Config) -> Result<Negotiated, ResumeError> {
    let version = match state.byte()? {
        75 => Version::Hixie75,
        0 => Version::Hybi00,
        number => number.try_into().map_err(|_| ResumeError::Invalid)?,
    };
    let max_len = config.head_limits.max_len as u64;
    let mut negotiated = Negotiated::new().version(version);
    negotiated.subprotocol = read_optional(state, max_len)?;
    let mut max_items = ExtensionParams::MAX_ITEMS as u64;
    let extensions = state.number(max_items)?;
    max_items -= extensions;
    for _ in 0..extensions {
        let mut extension = ExtensionParams::new(read_text(state, max_len)?);
        let params = state.number(max_items)?;
        max_items -= params;
        for _ in 0..params {
            let name = read_text(state, max_len)?;
            extension = match read_optional(state, max_len)? {
                Some(value) => extension.param(name, value),
                None => extension.flag(name),
            };
        }
        negotiated = negotiated.extension(extension);
    }
    Ok(negotiated)
}

fn write_optional(text: Option<&str>, state: &mut StateWriter) {
    state.flag(text.is_some());
    if let Some(text) = text {
        state.bytes(text.as_bytes());
    }
}

fn read_optional(state: &mut StateReader<'_>, max_len: u64) -> Result<Option<String>, ResumeError> {
    if state.flag()? { read_text(state, max_len).map(Some) } else { Ok(None) }
}

fn read_text(state: &mut StateReader<'_>, max_len: u64) -> Result<String, ResumeError> {
    let text = core::str::from_utf8(state.bytes(max_len)?).map_err(|_| ResumeError::Invalid)?;
    Ok(text.into())
}
