//! The opening handshake as a state of a connection: its steps, its deadline, and the opening of the two directions.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::time::Duration;

use bytes::BytesMut;
use protocol_websocket_core::Random;
#[cfg(feature = "client")]
use protocol_websocket_http::Headers;

#[cfg(feature = "client")]
use crate::EndedBy;
#[cfg(feature = "server")]
use crate::Opened;
use crate::connection::Connection;
use crate::handshake::{Handshake, Progress};
use crate::{Config, Ended, Error, Event, EventRef};

impl Connection {
    pub(crate) fn connecting(config: Arc<Config>, random: Option<Box<dyn Random>>, handshake: Box<Handshake>) -> Self {
        let mut connection = Self::new(config, random);
        connection.add_observers();
        connection.handshake = Some(handshake);
        connection
    }

    pub(crate) fn handshake(&self) -> Option<&Handshake> {
        self.handshake.as_deref()
    }

    pub(crate) fn handshake_mut(&mut self) -> Option<&mut Handshake> {
        self.handshake.as_deref_mut()
    }

    pub(crate) fn receive_handshake(
        &mut self,
        input: &mut BytesMut,
        output: &mut BytesMut,
        event: &mut Option<Event>,
    ) -> Result<(), Error> {
        let Some(handshake) = &mut self.handshake else { return Ok(()) };
        let before = output.len();
        let progress = handshake.advance(&self.receiver.config, input, output).inspect_err(|error| {
            input.clear();
            self.observe_response_in(output, before);
            self.end_handshake(Ended::by_error(*error));
        })?;
        *event = match progress {
            Progress::Wait => None,
            #[cfg(feature = "server")]
            Progress::Upgrade(upgrade) => {
                if let Some(observers) = self.receiver.observers() {
                    observers.observe_received_request(upgrade.request().head());
                }
                self.sender.version = upgrade.request().version();
                Some(Event::Upgrade(upgrade))
            }
            #[cfg(feature = "client")]
            Progress::Redirect(redirect) => {
                self.observe_response(redirect.status(), redirect.headers());
                self.refuse();
                Some(Event::Redirect(redirect))
            }
            #[cfg(feature = "client")]
            Progress::Rejected(head) => {
                self.observe_response(head.status(), head.headers());
                self.refuse();
                Some(Event::Rejected(head))
            }
            Progress::Open(opened) => {
                #[cfg(feature = "client")]
                if let Some(response) = opened.response() {
                    self.observe_response(response.status(), response.headers());
                }
                self.open_outgoing(opened.negotiated());
                self.open_incoming();
                Some(Event::Open(opened))
            }
            #[cfg(feature = "server")]
            Progress::Opened => {
                self.open_incoming();
                Some(Event::Open(Opened::of(self.negotiated())))
            }
        };
        Ok(())
    }

    /// Ends a connection whose handshake the server refused. The body of its response follows.
    /// Reports the head of a response that a server wrote to `output` after its first `before` bytes.
    #[cfg_attr(not(feature = "server"), expect(unused_variables, reason = "only a server writes a response"))]
    pub(crate) fn observe_response_in(&self, output: &BytesMut, before: usize) {
        #[cfg(feature = "server")]
        if let Some(observers) = self.receiver.observers()
            && let Some(written @ [_, ..]) = output.get(before..)
        {
            observers.observe_written_response(written);
        }
    }

    #[cfg(feature = "client")]
    fn observe_response(&self, status: u16, headers: &Headers) {
        if let Some(observers) = self.receiver.observers() {
            observers.observe_received_response(status, headers);
        }
    }

    #[cfg(feature = "client")]
    fn refuse(&mut self) {
        self.receiver.refuse(Ended::by_refusal(EndedBy::Peer));
        self.sender.end_of_transport();
        self.drop_handshake();
    }

    pub(crate) fn receive_handshake_lent<'i>(
        &mut self,
        input: &mut &'i mut [u8],
        output: &mut BytesMut,
    ) -> Result<Option<EventRef<'i>>, Error> {
        let Some(handshake) = self.handshake_mut() else { return Ok(None) };
        let mut event = None;
        if handshake.needs_no_input() {
            self.receive_handshake(&mut BytesMut::new(), output, &mut event)?;
            return Ok(event.map(EventRef::from));
        }
        let mut bytes = handshake.take_buffer();
        bytes.extend_from_slice(input);
        let received = self.receive_handshake(&mut bytes, output, &mut event);
        // The head was incomplete before, so the bytes after it are from this slice.
        let mut rest = bytes.len();
        if let (Ok(()), None, Some(handshake)) = (&received, &event, self.handshake_mut()) {
            handshake.keep(bytes);
            rest = 0;
        }
        let all = core::mem::take(input);
        let read = all.len().saturating_sub(rest);
        let rest = all.get_mut(read..);
        debug_assert!(rest.is_some(), "no more bytes are read than the slice has");
        *input = rest.unwrap_or_default();
        received.map(|()| event.map(EventRef::from))
    }

    pub(crate) fn handle_handshake_timeout(&mut self, now: Duration, output: &mut BytesMut) -> Result<(), Error> {
        let Some(handshake) = self.handshake_mut() else { return Ok(()) };
        let Some(Err(timeout)) = handshake.timer.as_mut().map(|timer| timer.handle(now)) else { return Ok(()) };
        let before = output.len();
        handshake.write_timeout(output);
        self.observe_response_in(output, before);
        let error = Error::Timeout(timeout);
        self.end_handshake(Ended::by_error(error));
        Err(error)
    }

    /// Ends a connection whose handshake is not done.
    pub(crate) fn end_handshake(&mut self, ended: Ended) {
        self.receiver.end(ended);
        self.receiver.observe_ended();
        self.sender.end_of_transport();
        self.drop_handshake();
    }

    /// Frees the handshake.
    pub(crate) fn drop_handshake(&mut self) {
        self.handshake = None;
    }
}
