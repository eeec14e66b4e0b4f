use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use bytes::{Bytes, BytesMut};
use crossbeam_queue::ArrayQueue;
use protocol_websocket_frame::{Close, CloseCode, Frame, Message, Part};

use crate::receiver::{Receiver, Reply};
use crate::sender::Sender;
use crate::state::Outgoing;
use crate::{Connection, Error, Event, SendError};

impl Connection {
    /// Takes the connection apart, for two tasks or threads of which one reads and one writes. The halves have no
    /// timers: use the runtime's, because [`Timeouts`](crate::Timeouts) do nothing any more.
    ///
    /// What the protocol has us answer goes from the receiving to the sending half by itself, pongs masked and in place
    /// between two frames, a Close last. The receiving task only has to wake the sending one, so that it calls
    /// [`SendHalf::flush`]: after an [`Event::Ping`], an [`Event::Close`], an error and the end of input.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Event, Negotiated};
    ///
    /// let (mut receiving, mut sending) = Connection::server(&Negotiated::default(), &Config::new()).split();
    /// let mut input = BytesMut::from(&b"\x89\x82\0\0\0\0hi"[..]);
    /// let mut output = BytesMut::new();
    ///
    /// assert!(matches!(receiving.receive(&mut input)?, Some(Event::Ping(_))));
    /// sending.send("before the pong is due, or after", &mut output)?;
    /// assert!(output.starts_with(b"\x8a\x02hi\x81"));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn split(self) -> (ReceiveHalf, SendHalf) {
        let (receiver, sender) = self.into_halves();
        let replies = Arc::new(Replies {
            pong: ArrayQueue::new(1),
            close: ArrayQueue::new(1),
            lost: AtomicBool::new(false),
            is_eof_clean: AtomicBool::new(sender.is_eof_clean()),
        });
        (ReceiveHalf { receiver, replies: Arc::clone(&replies) }, SendHalf { sender, replies })
    }
}

/// What the receiving half has for the sending one: the latest pong, and one Close.
struct Replies {
    pong: ArrayQueue<Bytes>,
    close: ArrayQueue<Bytes>,
    /// Nobody is left to read what is sent.
    lost: AtomicBool,
    /// The other direction: see [`Sender::is_eof_clean`].
    is_eof_clean: AtomicBool,
}

/// The receiving half of a [`Connection`].
pub struct ReceiveHalf {
    receiver: Receiver,
    replies: Arc<Replies>,
}

impl ReceiveHalf {
    /// As [`Connection::receive`], but what is to be answered goes to the other half: wake it after a ping, a Close and
    /// an error.
    ///
    /// # Errors
    ///
    /// As [`Connection::receive`].
    #[inline(always)]
    pub fn receive(&mut self, input: &mut BytesMut) -> Result<Option<Event>, Error> {
        if let Some(message) = self.receiver.receive_whole(input) {
            return Ok(Some(Event::Message(message)));
        }
        let mut event = None;
        self.receive_any(input, &mut event)?;
        Ok(event)
    }

    #[inline(never)]
    fn receive_any(&mut self, input: &mut BytesMut, event: &mut Option<Event>) -> Result<(), Error> {
        let mut reply = None;
        let received = self.receiver.receive(input, &mut reply);
        self.pass(reply);
        *event = received?;
        Ok(())
    }

    /// As [`Connection::receive_eof`]. The other half sends nothing more, once it was woken.
    ///
    /// # Errors
    ///
    /// As [`Connection::receive_eof`].
    pub fn receive_eof(&mut self) -> Result<(), Error> {
        self.replies.lost.store(true, Ordering::Release);
        if self.replies.is_eof_clean.load(Ordering::Acquire) {
            self.receiver.incoming.close(None);
        }
        if self.receiver.incoming.lose() { Err(Error::UnexpectedEof) } else { Ok(()) }
    }

    /// As [`Connection::close_code`].
    #[must_use]
    pub fn close_code(&self) -> Option<CloseCode> {
        self.receiver.incoming.close_code()
    }

    /// As [`Connection::release_memory`], for what is received.
    pub fn release_memory(&mut self) {
        self.receiver.release_memory();
    }

    fn pass(&self, reply: Option<Reply>) {
        match reply {
            None => {}
            // A copy of at most 125 bytes, so that a pong that waits does not keep a read buffer alive.
            Some(Reply::Pong(payload)) => drop(self.replies.pong.force_push(Bytes::copy_from_slice(&payload))),
            Some(Reply::Close(payload)) => drop(self.replies.close.force_push(payload)),
        }
    }
}

impl fmt::Debug for ReceiveHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiveHalf").field("incoming", &self.receiver.incoming).finish_non_exhaustive()
    }
}

/// The sending half of a [`Connection`].
pub struct SendHalf {
    sender: Sender,
    replies: Arc<Replies>,
}

impl SendHalf {
    /// Writes what the other half has to answer. Every other method does so first.
    pub fn flush(&mut self, output: &mut BytesMut) {
        self.sender.flush(output);
        if let Some(payload) = self.replies.pong.pop() {
            self.sender.reply(Reply::Pong(payload), output);
        }
        if let Some(payload) = self.replies.close.pop() {
            self.sender.reply(Reply::Close(payload), output);
        }
        if self.replies.lost.load(Ordering::Acquire) {
            self.sender.outgoing.end();
        }
    }

    /// As [`Connection::send`].
    ///
    /// # Errors
    ///
    /// As [`Connection::send`].
    pub fn send(&mut self, message: impl Into<Message>, output: &mut BytesMut) -> Result<(), SendError> {
        self.flush(output);
        self.sender.send(message.into(), output)
    }

    /// As [`Connection::send_vectored`].
    ///
    /// # Errors
    ///
    /// As [`Connection::send`].
    pub fn send_vectored(&mut self, message: impl Into<Message>, output: &mut BytesMut) -> Result<Bytes, SendError> {
        self.flush(output);
        self.sender.send_vectored(message.into(), output)
    }

    /// As [`Connection::send_part`].
    ///
    /// # Errors
    ///
    /// As [`Connection::send_part`].
    pub fn send_part(&mut self, part: Part, output: &mut BytesMut) -> Result<(), SendError> {
        self.flush(output);
        self.sender.send_part(part, output)
    }

    /// As [`Connection::send_frame`].
    ///
    /// # Errors
    ///
    /// As [`Connection::send_frame`].
    pub fn send_frame(&mut self, frame: &Frame, output: &mut BytesMut) -> Result<(), SendError> {
        self.flush(output);
        let sent = self.sender.send_frame(frame, output);
        self.pass_close();
        sent
    }

    /// As [`Connection::ping`].
    ///
    /// # Errors
    ///
    /// As [`Connection::ping`].
    pub fn ping(&mut self, payload: impl Into<Bytes>, output: &mut BytesMut) -> Result<(), SendError> {
        self.flush(output);
        self.sender.ping(payload.into(), output)
    }

    /// As [`Connection::pong`].
    ///
    /// # Errors
    ///
    /// As [`Connection::pong`].
    pub fn pong(&mut self, payload: impl Into<Bytes>, output: &mut BytesMut) -> Result<(), SendError> {
        self.flush(output);
        self.sender.pong(payload.into(), output)
    }

    /// As [`Connection::close`].
    ///
    /// # Errors
    ///
    /// As [`Connection::close`].
    pub fn close(&mut self, close: impl Into<Option<Close>>, output: &mut BytesMut) -> Result<(), SendError> {
        self.flush(output);
        let sent = self.sender.close(close.into().as_ref(), output);
        self.pass_close();
        sent
    }

    /// Tells the other half about our Close, before the caller can write it.
    fn pass_close(&self) {
        self.replies.is_eof_clean.store(self.sender.is_eof_clean(), Ordering::Release);
    }

    /// As [`Connection::release_memory`], for what is sent.
    pub fn release_memory(&mut self) {
        self.sender.release_memory();
    }

    /// Whether a Close was written: nothing more can be sent. The transport is done with once the other half has seen
    /// the peer's Close too.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.sender.outgoing != Outgoing::Open
    }
}

impl fmt::Debug for SendHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendHalf").field("outgoing", &self.sender.outgoing).finish_non_exhaustive()
    }
}
