use alloc::boxed::Box;

use bytes::{Bytes, BytesMut};
use protocol_websocket_core::{Role, Version};
use protocol_websocket_frame::{Assembler, Close, DecodeError, Decoder, Delivery, Extension, Frame, Message, OpCode};

use crate::extensions::Extensions;
use crate::state::Incoming;
use crate::{Config, Event};

/// The longest part that an extension makes of a shorter one, in bytes, where the parts are not the message.
const PART: usize = 64 * 1024;

/// What the peer sends: bytes in, events out. It writes nothing; what is to be said to the peer comes beside the event,
/// in `reply`, which is empty before.
pub(crate) struct Receiver {
    decoder: Decoder,
    assembler: Assembler,
    extensions: Extensions,
    delivery: Delivery,
    auto_pong: bool,
    pub(crate) incoming: Incoming,
}

/// What the protocol has us answer.
#[derive(Debug)]
pub(crate) enum Reply {
    /// A Pong with this payload.
    Pong(Bytes),
    /// A Close with this payload.
    Close(Bytes),
}

impl Reply {
    /// The Close for a peer that broke a rule.
    pub(crate) fn failure(error: DecodeError) -> Self {
        Self::Close(Close::from(error.close_code()).encode().unwrap_or_default())
    }
}

impl Receiver {
    pub(crate) fn new(role: Role, version: Version, config: &Config) -> Self {
        let decoder = Decoder::new(role).version(version);
        let decoder = if config.lenient { decoder.perl_compat() } else { decoder };
        Self {
            decoder: decoder.limits(config.limits).delivery(config.delivery).min_part(config.min_part),
            assembler: Assembler::new(config.limits),
            extensions: Extensions::default(),
            delivery: config.delivery,
            auto_pong: config.auto_pong,
            incoming: Incoming::Open,
        }
    }

    /// Behind an extension payloads are taken as they come: what grows on the way must not be held twice, and what is
    /// refused is refused early, a whole message's at its first byte.
    pub(crate) fn extend(&mut self, extension: Box<dyn Extension + Send>) {
        let decoder = self.decoder.clone().allow_rsv(extension.rsv()).delivery(Delivery::Parts);
        self.decoder = if self.delivery == Delivery::Whole { decoder.min_part(1) } else { decoder };
        self.extensions.push(extension);
    }

    pub(crate) fn release_memory(&mut self) {
        self.extensions.release_memory();
    }

    /// The next message, if it has come whole, is wanted whole and no extension has a say in it.
    #[inline(always)]
    pub(crate) fn receive_whole(&mut self, input: &mut BytesMut) -> Option<Message> {
        let is_plain =
            self.incoming == Incoming::Open && self.delivery == Delivery::Whole && self.extensions.is_empty();
        if is_plain { self.decoder.decode_message(input) } else { None }
    }

    /// The next event, and what to answer. What follows a Close or a failure is thrown away unread.
    #[inline]
    pub(crate) fn receive(
        &mut self,
        input: &mut BytesMut,
        reply: &mut Option<Reply>,
    ) -> Result<Option<Event>, DecodeError> {
        if self.incoming != Incoming::Open {
            return self.discard(input, reply);
        }
        let received = self.next(input, reply);
        match received {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.7
            //# An endpoint MUST NOT continue to attempt to process data (including a responding
            //# Close frame)
            Err(error) => {
                self.incoming.fail(error);
                self.discard(input, reply)
            }
            received => received,
        }
    }

    #[cold]
    fn discard(&self, input: &mut BytesMut, reply: &mut Option<Reply>) -> Result<Option<Event>, DecodeError> {
        input.clear();
        match self.incoming {
            Incoming::Failed(error) => {
                *reply = Some(Reply::failure(error));
                Err(error)
            }
            Incoming::Open | Incoming::Closed(_) | Incoming::Lost => Ok(None),
        }
    }

    fn next(&mut self, input: &mut BytesMut, reply: &mut Option<Reply>) -> Result<Option<Event>, DecodeError> {
        loop {
            if !self.extensions.is_empty()
                && let Some(frame) = self.extensions.resume(self.room(true))?
            {
                match self.data(frame)? {
                    Some(event) => return Ok(Some(event)),
                    None => continue,
                }
            }
            //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
            //# Incoming data MUST be parsed as WebSocket frames as defined in Section 5.2.
            let Some(frame) = self.decoder.decode(input)? else { return Ok(None) };
            //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
            //# If a control frame (Section 5.5) is received, the frame MUST be handled as defined
            //# by Section 5.5.
            if frame.opcode().is_control() {
                return self.control(frame, reply).map(Some);
            }
            let event = if self.extensions.is_empty() { self.data(frame)? } else { self.extended(frame)? };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    fn control(&mut self, frame: Frame, reply: &mut Option<Reply>) -> Result<Event, DecodeError> {
        Ok(match frame.opcode() {
            OpCode::Ping => {
                *reply = self.auto_pong.then(|| Reply::Pong(frame.payload().clone()));
                Event::Ping(frame.into_payload())
            }
            OpCode::Close => {
                let close = Close::parse(frame.payload())?;
                self.incoming.close(close.as_ref().map(|close| close.code));
                //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
                //# the endpoint MUST send a Close frame in response.
                *reply = Some(Reply::Close(frame.into_payload()));
                Event::Close(close)
            }
            _ => Event::Pong(frame.into_payload()),
        })
    }

    fn extended(&mut self, frame: Frame) -> Result<Option<Event>, DecodeError> {
        let room = self.room(frame.opcode() == OpCode::Continuation);
        let frame = self.extensions.decode(frame, room)?;
        self.data(frame)
    }

    /// How many bytes an extension may give at once: of the `rest` of a message little, since they are copied.
    fn room(&self, rest: bool) -> usize {
        let budget = usize::try_from(self.assembler.budget()).unwrap_or(usize::MAX);
        match self.delivery {
            Delivery::Whole if !rest => budget,
            Delivery::Whole | Delivery::Parts => budget.min(PART),
        }
    }

    #[inline(always)]
    fn data(&mut self, frame: Frame) -> Result<Option<Event>, DecodeError> {
        if self.extensions.has_more() && frame.payload().len() as u64 >= self.assembler.budget() {
            return Err(DecodeError::MessageTooLong);
        }
        Ok(match self.delivery {
            Delivery::Whole => self.assembler.push(frame)?.map(Event::Message),
            Delivery::Parts => self.assembler.push_part(frame)?.map(Event::Part),
        })
    }
}
