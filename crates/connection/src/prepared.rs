//! A message that is encoded once and sent to many connections.
//!
//! If the extensions begin without state, the frame of a message depends only on the role and on the negotiated
//! extensions. The message is therefore encoded once for all connections on which these are equal, with new extensions.
//! Of the parameters only those count that change the encoded bytes: see
//! [`ExtensionEncoder::encoding_key`](crate::ExtensionEncoder::encoding_key).
//!
//! [`SendHalf::send_encoded_shared`] bypasses the encoders of the connection. They restart after such a frame, because the
//! peer's decoder has seen data that they have not.

use alloc::vec::Vec;
use core::fmt;

use bytes::{Bytes, BytesMut};
use protocol_websocket_core::{ExtensionParams, Role};
use protocol_websocket_frame::{Frame, Message};

use crate::extensions::Encoders;
use crate::{Connection, SendError};

/// A message for a broadcast, which is encoded once for many connections. With permessage-deflate, a message to many
/// peers is compressed once for each window size that was negotiated for messages to the peer, not once for each peer. The
/// parameters of the other direction have no effect.
///
/// Other extensions are compared by [`ExtensionEncoder::encoding_key`](crate::ExtensionEncoder::encoding_key), and by all
/// negotiated parameters if it returns `None`. At most 16 encodings are kept. For a connection that needs another one, the
/// message is encoded for it alone.
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
/// memory of a message grow. permessage-deflate has eight window sizes.
const MAX_ENCODINGS: usize = 16;

/// All that the encoded frame of a message depends on.
struct Key {
    role: Role,
    extensions: Vec<ExtensionParams>,
    encoding_keys: Vec<Option<u64>>,
}

impl Key {
    /// Returns whether the frame can be sent with these extensions.
    fn matches(&self, role: Role, extensions: &[ExtensionParams], encoders: &Encoders) -> bool {
        self.role == role
            && self.encoding_keys.iter().copied().eq(encoders.encoding_keys())
            && if self.encoding_keys.contains(&None) {
                self.extensions == extensions
            } else {
                self.extensions.iter().map(ExtensionParams::name).eq(extensions.iter().map(ExtensionParams::name))
            }
    }
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
            Some((frame, message)) => self.sender.send_encoded(frame, Some(message.as_bytes()), output),
            None => self.sender.send(&prepared.message, output),
        }
    }

    /// Does [`send_prepared`](Self::send_prepared), and returns a long payload instead of copying it.
    pub(crate) fn send_prepared_shared(
        &mut self,
        prepared: &mut Prepared,
        output: &mut BytesMut,
    ) -> Result<Option<Bytes>, SendError> {
        match self.prepared_frame(prepared) {
            Some((frame, message)) => self.sender.send_encoded_shared(frame.clone(), message.as_bytes(), output),
            None => self.sender.send_shared(prepared.message.clone(), output),
        }
    }

    /// Returns the message as the extensions encode it. Returns `None` without extensions, if the connection has an
    /// extension that is not of its configuration, and after [`MAX_ENCODINGS`] other encodings.
    fn prepared_frame<'a>(&self, prepared: &'a mut Prepared) -> Option<(&'a Frame, &'a Message)> {
        let encoders = self.sender.extensions();
        if encoders.is_empty() {
            return None;
        }
        let Prepared { message, frames } = prepared;
        let (role, extensions) = (self.role(), &self.negotiated().extensions);
        let at = match frames.iter().position(|(key, _)| key.matches(role, extensions, encoders)) {
            Some(at) => at,
            None if frames.len() == MAX_ENCODINGS => return None,
            None => {
                let agreed = self.config().extensions.agree(role, self.negotiated()).ok()?;
                let encoding_keys: Vec<_> = encoders.encoding_keys().collect();
                let mut pairs = Some(agreed).filter(|agreed| agreed.len() == encoding_keys.len())?;
                let frame = Frame::from(message.clone()).into();
                let encoded = pairs.iter_mut().try_fold(frame, |frame, (pair, _)| pair.encoder.encode(frame)).ok()?;
                let key = Key { role, extensions: extensions.clone(), encoding_keys };
                frames.push((key, encoded.into_owned()));
                frames.len() - 1
            }
        };
        frames.get(at).map(|(_, frame)| (frame, &*message))
    }
}
