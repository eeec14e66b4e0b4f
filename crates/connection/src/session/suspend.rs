//! Suspends and resumes a session.

use alloc::boxed::Box;
use alloc::sync::Arc;

use bytes::BytesMut;
use protocol_websocket_core::Random;
use protocol_websocket_frame::{ResumeError, SuspendError};

use super::{Session, SessionParts};
use crate::suspended::Kind;
use crate::unsent::Unsent;
use crate::{Config, Connection, Suspended};

impl Session {
    /// Returns the state of the session as bytes. Another process continues the session with
    /// [`resume_server`](Self::resume_server) or [`resume_client`](Self::resume_client). The peer does not see a difference.
    ///
    /// The bytes contain the state of the [connection](Connection::suspend), the input that was not decoded yet, and the unsent
    /// bytes. Pass them to the other process with the transport. If that fails, this session can continue. Only one of the two
    /// may continue.
    ///
    /// ```
    /// use std::time::Duration;
    /// use protocol_websocket_connection::{Config, Connection, Event, Negotiated, Session};
    ///
    /// let mut session = Session::new(Connection::open_server(&Negotiated::default(), Config::new()));
    /// session.read_buffer().extend_from_slice(b"\x81\x85\0\0\0\0Hel");
    /// session.received(Duration::ZERO);
    /// session.send("not written yet")?;
    /// let state = session.suspend()?;
    ///
    /// // In another process:
    /// let mut session = Session::resume_server(state.as_bytes(), Config::new())?;
    /// assert_eq!(session.poll_event(), None);
    /// session.read_buffer().extend_from_slice(b"lo");
    /// session.received(Duration::ZERO);
    /// assert_eq!(session.poll_event(), Some(Event::Message("Hello".into())));
    /// assert_eq!(session.unsent(), 17);
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Connection::suspend`].
    pub fn suspend(&mut self) -> Result<Suspended, SuspendError> {
        let mut state = Kind::Session.write();
        state.flag(self.has_eof);
        state.flag(self.has_failed);
        state.bytes(&self.input);
        // The unsent bytes are joined to one buffer, because the other session has them in one.
        let outbox = &mut self.outbox;
        outbox.connection.sender.note_inserted(outbox.unsent.shared_len());
        outbox.connection.sender.note_elsewhere(0);
        outbox.unsent = Unsent::from(core::mem::take(&mut outbox.unsent).into_bytes());
        state.bytes(&outbox.unsent.buffer);
        outbox.connection.write_state(&mut state)?;
        Ok(state.into())
    }

    /// Continues a server's session that [`suspend`](Self::suspend) returned. Poll its events first.
    ///
    /// `config` is that of [`Connection::resume_server`]. If the caller's clock continues at [`now`](Self::now), no deadline is
    /// late because of the clock.
    ///
    /// ```
    /// use protocol_websocket_connection::{Config, Connection, Negotiated, ResumeError, Session};
    ///
    /// let mut connection = Connection::open_server(&Negotiated::default(), Config::new());
    /// let state = connection.suspend()?;
    /// let error = Session::resume_server(state.as_bytes(), Config::new()).expect_err("not a session");
    /// assert_eq!(error, ResumeError::WrongKind);
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ResumeError`], as [`Connection::resume_server`].
    pub fn resume_server(bytes: &[u8], config: impl Into<Arc<Config>>) -> Result<Self, ResumeError> {
        Self::resume(bytes, config.into(), None)
    }

    /// Continues a client's session that [`suspend`](Self::suspend) returned. `random` supplies the mask keys (RFC 6455 §5.3).
    /// Otherwise as [`resume_server`](Self::resume_server).
    ///
    /// # Errors
    ///
    /// As [`resume_server`](Self::resume_server).
    pub fn resume_client(
        bytes: &[u8],
        config: impl Into<Arc<Config>>,
        random: impl Random + 'static,
    ) -> Result<Self, ResumeError> {
        Self::resume(bytes, config.into(), Some(Box::new(random)))
    }

    fn resume(bytes: &[u8], config: Arc<Config>, random: Option<Box<dyn Random>>) -> Result<Self, ResumeError> {
        let mut state = Kind::Session.read(bytes)?;
        let (has_eof, has_failed) = (state.flag()?, state.flag()?);
        // These lengths need no limit, because a length that exceeds `bytes` is rejected before memory is allocated.
        let (input, unsent) = (state.bytes(u64::MAX)?, state.bytes(u64::MAX)?);
        if has_failed && !(has_eof && unsent.is_empty()) {
            return Err(ResumeError::Invalid);
        }
        let connection = Connection::resume(state, config, random)?;
        let now = connection.receiver.resumed_clock();
        let parts = SessionParts { connection, input: BytesMut::from(input), unsent: BytesMut::from(unsent), now };
        Ok(Self { has_eof, has_failed, ..Self::from_parts(parts) })
    }
}
