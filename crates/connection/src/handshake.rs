//! The opening handshake of a connection, in either role.
//!
//! [`Connection::receive`](crate::Connection::receive) leaves an incomplete head in the caller's buffer.
//! [`Connection::receive_lent`](crate::Connection::receive_lent) copies it to [`Handshake`], because the caller's slice
//! does not outlive the call. In both cases the bytes after the head stay in the caller's input.

use alloc::boxed::Box;

use bytes::BytesMut;
#[cfg(feature = "client")]
use protocol_websocket_core::Role;
#[cfg(feature = "client")]
use protocol_websocket_handshake_client::{ClientHandshake, Outcome, Redirect};
#[cfg(feature = "server")]
use protocol_websocket_handshake_server::{AwaitingKey3, ServerHandshake, Upgrade};
#[cfg(feature = "server")]
use protocol_websocket_http::Reject;
#[cfg(feature = "client")]
use protocol_websocket_http::ResponseHead;

use crate::handshake_timer::HandshakeTimer;
use crate::{Config, Error, Opened};

pub(crate) struct Handshake {
    pub(crate) step: Step,
    pub(crate) timer: Option<HandshakeTimer>,
    /// The bytes of an incomplete head from calls of `receive_lent`.
    buffer: BytesMut,
}

/// The next step of a handshake.
pub(crate) enum Step {
    /// The client awaits the response.
    #[cfg(feature = "client")]
    Response(ClientHandshake),
    /// The server awaits a request.
    #[cfg(feature = "server")]
    Request(ServerHandshake),
    /// The server awaits the application's response to an upgrade.
    #[cfg(feature = "server")]
    Upgrade,
    /// The server awaits the last eight bytes of a client of hybi-00. The head of its response was written.
    #[cfg(feature = "server")]
    Key3(AwaitingKey3),
    /// The server has accepted. The next call returns the event.
    #[cfg(feature = "server")]
    Accepted,
}

/// The result of a step.
pub(crate) enum Progress {
    /// More bytes are needed, or the application's response to an upgrade.
    Wait,
    #[cfg(feature = "server")]
    Upgrade(Upgrade),
    /// The client received a redirect, whose body follows.
    #[cfg(feature = "client")]
    Redirect(Box<Redirect>),
    /// The client received another response than 101, whose body follows.
    #[cfg(feature = "client")]
    Rejected(Box<ResponseHead>),
    Open(Opened),
    /// The handshake is done, and the sending direction is open already.
    #[cfg(feature = "server")]
    Opened,
}

impl Handshake {
    pub(crate) fn new(step: Step, config: &Config) -> Box<Self> {
        Box::new(Self { step, timer: HandshakeTimer::new(&config.timeouts), buffer: BytesMut::new() })
    }

    /// Takes the next step that `input` allows.
    #[cfg_attr(
        not(all(feature = "client", feature = "server")),
        expect(unused_variables, reason = "a client writes nothing, and a server does not use the configuration")
    )]
    pub(crate) fn advance(
        &mut self,
        config: &Config,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> Result<Progress, Error> {
        if !self.buffer.is_empty() {
            // The caller changed from `receive_lent` to `receive` during the head.
            let mut bytes = core::mem::take(&mut self.buffer);
            bytes.unsplit(input.split());
            *input = bytes;
        }
        match &mut self.step {
            #[cfg(feature = "client")]
            Step::Response(handshake) => {
                Ok(match handshake.parse(input).map_err(Error::Response)? {
                    Some(Outcome::Open(response)) => {
                        //= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
                        //# If a server gives an invalid response, such as accepting a PMCE that the client
                        //# did not offer
                        let agreed = config.extensions.agree(Role::Client, response.negotiated());
                        agreed.map_err(|error| Error::Response(error.into()))?;
                        Progress::Open(response.into())
                    }
                    Some(Outcome::Redirect(redirect)) => Progress::Redirect(Box::new(redirect)),
                    Some(Outcome::Rejected(head)) => Progress::Rejected(Box::new(head)),
                    _ => Progress::Wait,
                })
            }
            #[cfg(feature = "server")]
            Step::Request(handshake) => match handshake.parse(input) {
                Ok(None) => Ok(Progress::Wait),
                Ok(Some(upgrade)) => {
                    self.step = Step::Upgrade;
                    Ok(Progress::Upgrade(upgrade))
                }
                Err(error) => {
                    error.reply(output);
                    Err(Error::Request(error))
                }
            },
            #[cfg(feature = "server")]
            Step::Upgrade => Ok(Progress::Wait),
            #[cfg(feature = "server")]
            Step::Key3(key3) => {
                Ok(key3.parse(input, output).map_or(Progress::Wait, |negotiated| Progress::Open(negotiated.into())))
            }
            #[cfg(feature = "server")]
            Step::Accepted => Ok(Progress::Opened),
        }
    }

    /// Returns whether the next step reads no bytes.
    pub(crate) const fn needs_no_input(&self) -> bool {
        match self.step {
            #[cfg(feature = "client")]
            Step::Response(_) => false,
            #[cfg(feature = "server")]
            Step::Request(_) | Step::Key3(_) => false,
            #[cfg(feature = "server")]
            Step::Upgrade | Step::Accepted => true,
        }
    }

    /// Takes the buffered bytes out, so that the bytes that arrived can be appended.
    pub(crate) fn take_buffer(&mut self) -> BytesMut {
        core::mem::take(&mut self.buffer)
    }

    /// Keeps the bytes of an incomplete head.
    pub(crate) fn keep(&mut self, bytes: BytesMut) {
        self.buffer = bytes;
    }

    /// Writes a response with the status 408 at a server, because the handshake took too long. Writes nothing if a
    /// response was begun.
    #[cfg_attr(not(feature = "server"), expect(unused_variables, reason = "a client has nothing to write"))]
    pub(crate) fn write_timeout(&self, output: &mut BytesMut) {
        match self.step {
            // A client has nothing to write.
            #[cfg(feature = "client")]
            Step::Response(_) => {}
            #[cfg(feature = "server")]
            Step::Request(_) | Step::Upgrade => Reject::new(408).reply(output),
            // No second response may follow the head of a 101.
            #[cfg(feature = "server")]
            Step::Key3(_) | Step::Accepted => {}
        }
    }
}
