//! The values that are computed from both halves of a connection.

use crate::state::Outgoing;
use crate::{Ended, Error, ReceiveHalf, SendHalf, State, Timeout};

impl State {
    /// Returns the state of a connection that was [split](crate::Connection::split), computed from the directions of
    /// both halves.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Negotiated, State};
    ///
    /// let (receiver, mut sender) = Connection::open_server(&Negotiated::default(), Config::new()).split();
    /// assert_eq!(State::of(&receiver, &sender), State::Open);
    /// sender.close(None, &mut BytesMut::new())?;
    /// assert_eq!(State::of(&receiver, &sender), State::Closing);
    /// # Ok::<_, protocol_websocket_connection::SendError>(())
    /// ```
    #[must_use]
    pub fn of(receiver: &ReceiveHalf, sender: &SendHalf) -> Self {
        Self::of_directions(receiver.incoming, sender.outgoing)
    }
}

impl Ended {
    /// Returns how a connection that was [split](crate::Connection::split) ended, or `None` while it has not ended. It
    /// needs both halves, because neither of them records which Close was first.
    ///
    /// After [`Timeout::Close`] the receiving half has not ended. If it receives the peer's Close late, the result
    /// changes from the timeout to a clean end. Its [`receive_eof`](ReceiveHalf::receive_eof) changes the result, too: in
    /// hybi-00 and hixie-75 to a clean end, otherwise to [`Error::UnexpectedEof`]. To keep the result, close the
    /// transport after the timeout and call no method of the receiving half.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use protocol_websocket_connection::{Config, Connection, Ended, EndedBy, Negotiated};
    ///
    /// let (mut receiver, mut sender) = Connection::open_server(&Negotiated::default(), Config::new()).split();
    /// sender.close(None, &mut BytesMut::new())?;
    /// assert_eq!(Ended::of(&receiver, &sender), None);
    /// receiver.receive(&mut BytesMut::from(&b"\x88\x80\0\0\0\0"[..]))?;
    /// assert_eq!(Ended::of(&receiver, &sender).map(|ended| ended.by), Some(EndedBy::Us));
    /// # Ok::<_, Box<dyn core::error::Error>>(())
    /// ```
    #[must_use]
    pub fn of(receiver: &ReceiveHalf, sender: &SendHalf) -> Option<Self> {
        match receiver.ended() {
            Some(ended) => {
                let mut ended = ended.clone();
                ended.note_outgoing(sender.outgoing);
                Some(ended)
            }
            None if sender.outgoing == Outgoing::TimedOut => Some(Self::by_error(Error::Timeout(Timeout::Close))),
            None => None,
        }
    }
}
