//! A connection under test, whole or split into its halves, with the same methods for both.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use protocol_websocket_connection::{
    AsMessage, Close, Connection, Ended, Error, Event, EventRef, Frame, Message, Part, ReceiveHalf, Reply, Role,
    SendError, SendHalf, State,
};

/// A connection, or its halves with the replies of the receiver passed to the sender.
pub enum Driver {
    Whole(Connection),
    Split { receiver: ReceiveHalf, sender: SendHalf, auto_pong: bool },
}

impl Driver {
    pub fn new(connection: Connection, split: bool, auto_pong: bool) -> Self {
        if !split {
            return Self::Whole(connection);
        }
        let (receiver, sender) = connection.split();
        Self::Split { receiver, sender, auto_pong }
    }

    pub fn receive(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Result<Option<Event>, Error> {
        match self {
            Self::Whole(connection) => connection.receive(input, output),
            Self::Split { receiver, sender, .. } if has_timed_out(receiver, sender) => {
                input.clear();
                Ok(None)
            }
            Self::Split { receiver, sender, auto_pong } => {
                sender.flush(output);
                let received = receiver.receive(input);
                let reply = match &received {
                    Ok(Some(Event::Ping(_))) if !*auto_pong => None,
                    Ok(event) => event.as_ref().and_then(Event::reply),
                    Err(error) => error.reply(),
                };
                Self::reply(sender, reply, output);
                received
            }
        }
    }

    /// Receives from a buffer that is overwritten afterwards. `input` becomes the rest.
    pub fn receive_lent(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Result<Option<Event>, Error> {
        let mut buffer = input.to_vec();
        let mut rest = &mut buffer[..];
        let received = match self {
            Self::Whole(connection) => connection.receive_lent(&mut rest, output),
            Self::Split { receiver, sender, .. } if has_timed_out(receiver, sender) => {
                rest = &mut [];
                Ok(None)
            }
            Self::Split { receiver, sender, auto_pong } => {
                sender.flush(output);
                let received = receiver.receive_lent(&mut rest);
                let reply = match &received {
                    Ok(Some(EventRef::Ping(_))) if !*auto_pong => None,
                    Ok(event) => event.as_ref().and_then(EventRef::reply),
                    Err(error) => error.reply(),
                };
                Self::reply(sender, reply, output);
                received
            }
        };
        let received = received.map(|event| event.map(EventRef::into_owned));
        *input = BytesMut::from(&*rest);
        buffer.fill(0xA5);
        received
    }

    fn reply(sender: &mut SendHalf, reply: Option<Reply>, output: &mut BytesMut) {
        if let Some(reply) = reply {
            sender.reply(reply, output);
        }
    }

    /// Reads as much of `bytes` as possible into the payload buffer, and returns the length.
    pub fn read_directly(&mut self, bytes: &[u8]) -> usize {
        match self {
            Self::Whole(connection) => connection.payload_buffer().map_or(0, |payload| copy_to(payload, bytes)),
            Self::Split { receiver, .. } => receiver.payload_buffer().map_or(0, |payload| copy_to(payload, bytes)),
        }
    }

    pub fn receive_eof(&mut self, output: &mut BytesMut) -> Result<(), Error> {
        match self {
            Self::Whole(connection) => connection.receive_eof(),
            Self::Split { receiver, sender, .. } if has_timed_out(receiver, sender) => Ok(()),
            Self::Split { receiver, sender, .. } => {
                let ended = receiver.receive_eof(sender.is_closed());
                let reply = match &ended {
                    Ok(reply) => Some(reply.clone()),
                    Err(error) => error.reply(),
                };
                Self::reply(sender, reply, output);
                ended.map(drop)
            }
        }
    }

    pub fn poll_timeout(&self) -> Option<Duration> {
        match self {
            Self::Whole(connection) => connection.poll_timeout(),
            Self::Split { receiver, sender, .. } => match State::of(receiver, sender) {
                State::Open => receiver.poll_timeout(),
                _ => sender.poll_timeout(),
            },
        }
    }

    pub fn handle_timeout(&mut self, now: Duration, output: &mut BytesMut) -> Result<(), Error> {
        match self {
            Self::Whole(connection) => connection.handle_timeout(now, output),
            Self::Split { receiver, sender, .. } => {
                if State::of(receiver, sender) == State::Open {
                    let handled = receiver.handle_timeout(now, output.len());
                    let reply = match &handled {
                        Ok(ping) => ping.clone(),
                        Err(error) => error.reply(),
                    };
                    Self::reply(sender, reply, output);
                    handled?;
                }
                sender.handle_timeout(now, output)
            }
        }
    }

    /// Suspends the connection, and continues with the resumed connection. A connection that has failed cannot be suspended.
    pub fn hand_over(&mut self) {
        let Self::Whole(connection) = self else { return };
        let Ok(state) = connection.suspend() else { return };
        let config = connection.config().clone();
        *connection = match connection.role() {
            Role::Server => Connection::resume_server(state.as_bytes(), config),
            Role::Client => Connection::resume_client(state.as_bytes(), config, |mask: &mut [u8]| mask.fill(3)),
        }
        .unwrap();
    }

    pub fn state(&self) -> State {
        match self {
            Self::Whole(connection) => connection.state(),
            Self::Split { receiver, sender, .. } => State::of(receiver, sender),
        }
    }

    pub fn ended(&self) -> Option<Ended> {
        match self {
            Self::Whole(connection) => connection.ended().cloned(),
            Self::Split { receiver, sender, .. } => Ended::of(receiver, sender),
        }
    }

    pub fn release_memory(&mut self) {
        match self {
            Self::Whole(connection) => connection.release_memory(),
            Self::Split { receiver, sender, .. } => {
                receiver.release_memory();
                sender.release_memory();
            }
        }
    }
}

/// Returns whether the deadline for the peer's Close has passed. A program then closes the transport and reads nothing more.
fn has_timed_out(receiver: &ReceiveHalf, sender: &SendHalf) -> bool {
    receiver.ended().is_none() && Ended::of(receiver, sender).is_some()
}

fn copy_to(mut buffer: impl BufMut, bytes: &[u8]) -> usize {
    let len = buffer.remaining_mut().min(bytes.len());
    buffer.put_slice(&bytes[..len]);
    len
}

/// Forwards the methods that only send.
macro_rules! forward {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)+) => {
        impl Driver {
            $(pub fn $name(&mut self, $($argument: $type,)* output: &mut BytesMut) -> $result {
                match self {
                    Self::Whole(connection) => connection.$name($($argument,)* output),
                    Self::Split { sender, .. } => sender.$name($($argument,)* output),
                }
            })+
        }
    };
}

forward! {
    send(message: impl AsMessage) -> Result<(), SendError>;
    send_shared(message: Message) -> Result<Option<Bytes>, SendError>;
    send_part(part: Part) -> Result<(), SendError>;
    send_frame(frame: &Frame) -> Result<(), SendError>;
    ping(payload: impl AsRef<[u8]>) -> Result<(), SendError>;
    pong(payload: impl AsRef<[u8]>) -> Result<(), SendError>;
    close(close: Option<Close>) -> Result<(), SendError>;
    flush() -> ();
}
