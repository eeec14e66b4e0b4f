//! A message that is encoded once and sent to many connections.
//!
//! If the extensions begin without state, the frame of a message depends only on the role and on the negotiated
//! extensions. The message is therefore encoded once for each set of parameters, with new extensions.
//! [`SendHalf::send_frame_shared`] bypasses the encoders of the connection. They restart after such a frame, because the
//! peer's decoder has seen data that they have not.

use alloc::vec::Vec;
use core::fmt;

use bytes::{Bytes, BytesMut};
use protocol_websocket_core::{ExtensionParams, Role};
use protocol_websocket_frame::{Frame, Message};

use crate::{Connection, SendError};

/// A message that is encoded at most once for each set of negotiated extensions, for a broadcast. With
/// permessage-deflate, a message to many peers is compressed once for each set of parameters, not once for each peer. At
/// most 16 encodings are kept. For peers with further sets, the message is compressed for each of them.
///
/// The connections should share their [`Config`](crate::Config). On a connection that keeps its compression
/// window between messages, `send` still works; its next message is compressed with an empty window.
///
/// ```
/// use bytes::BytesMut;
/// use protocol_websocket_connection::{Config, Connection, Negotiated, Prepared};
///
/// let mut prepared = Prepared::new("news");
/// let mut output = BytesMut::new();
/// for _ in 0..3 {
///     let mut server = Connection::open_server(&Negotiated::default(), Config::new());
///     server.send_prepared(&mut prepared, &mut output)?;
/// }
/// assert_eq!(output[..], *b"\x81\x04news\x81\x04news\x81\x04news");
/// # Ok::<_, protocol_websocket_connection::SendError>(())
/// ```
pub struct Prepared {
    message: Message,
    frames: Vec<(Key, Frame)>,
}

/// The maximum number of encodings that are kept. A peer chooses most of its parameters, so peers could otherwise make the
/// memory of a message grow. Browsers and libraries use a few sets.
const MAX_ENCODINGS: usize = 16;

/// All that the encoded frame of a message depends on.
#[derive(PartialEq, Eq)]
struct Key {
    role: Role,
    extensions: Vec<ExtensionParams>,
}

impl Prepared {
    /// Creates a message that is not encoded yet.
    #[must_use]
    pub fn new(message: impl Into<Message>) -> Self {
        Self { message: message.into(), frames: Vec::new() }
    }

    /// Returns the message.
    #[must_use]
    pub const fn message(&self) -> &Message {
        &self.message
    }
}

/// Shows the kind and the length of the message, and for how many sets of extensions it is encoded.
impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, len) = (self.message.kind(), self.message.len());
        f.debug_struct("Prepared").field("kind", &kind).field("len", &len).field("encoded", &self.frames.len()).finish()
    }
}

impl Connection {
    /// Appends a message that is encoded once for many connections. See [`Prepared`].
    ///
    /// An extension that was added with [`add_extension`](Self::add_extension) encodes the message for this connection
    /// alone.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_prepared(&mut self, prepared: &mut Prepared, output: &mut BytesMut) -> Result<(), SendError> {
        match self.prepared_frame(prepared) {
            Some(frame) => self.sender.send_frame(frame, output),
            None => self.sender.send(&prepared.message, output),
        }
    }

    /// Does [`send_prepared`](Self::send_prepared), and returns the payload instead of copying it.
    pub(crate) fn send_prepared_shared(
        &mut self,
        prepared: &mut Prepared,
        output: &mut BytesMut,
    ) -> Result<Bytes, SendError> {
        match self.prepared_frame(prepared) {
            Some(frame) => self.sender.send_frame_shared(frame.clone(), output),
            None => self.sender.send_shared(prepared.message.clone(), output),
        }
    }

    /// Returns the message as the extensions encode it. Returns `None` without extensions, if the connection has an
    /// extension that is not of its configuration, and after [`MAX_ENCODINGS`] other sets of parameters.
    fn prepared_frame<'a>(&self, prepared: &'a mut Prepared) -> Option<&'a Frame> {
        let count = self.sender.extensions_len();
        if count == 0 {
            return None;
        }
        let Prepared { message, frames } = prepared;
        let (role, extensions) = (self.role(), &self.negotiated().extensions);
        let known = frames.iter().position(|(key, _)| key.role == role && key.extensions == *extensions);
        let at = match known {
            Some(at) => at,
            None if frames.len() == MAX_ENCODINGS => return None,
            None => {
                let agreed = self.config().extensions.agree(role, self.negotiated()).ok()?;
                let mut pairs = Some(agreed).filter(|agreed| agreed.len() == count)?;
                let frame = Frame::from(message.clone()).into();
                let encoded = pairs.iter_mut().try_fold(frame, |frame, (pair, _)| pair.encoder.encode(frame)).ok()?;
                frames.push((Key { role, extensions: extensions.clone() }, encoded.into_owned()));
                frames.len() - 1
            }
        };
        frames.get(at).map(|(_, frame)| frame)
    }
}
