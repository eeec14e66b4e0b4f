//! The interface between frames and the extensions that change them (RFC 6455 §9).
//!
//! An extension has three parts:
//!
//! - [`Negotiate`]: the part before and during the handshake. One value serves any number of connections.
//! - [`ExtensionEncoder`] and [`ExtensionDecoder`]: the two directions of one connection, which [`Negotiate::agree`]
//!   returns as an [`ExtensionPair`]. They are separate, because a connection can be split into a sending and a
//!   receiving half.
//!
//! Both directions take and return `Frame<Payload<'a>>`. The payload may borrow from the caller's input (receiving) or
//! from the caller's message (sending), so a frame that an extension does not change passes without a copy.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use protocol_websocket_core::{ExtensionParams, Role};

use crate::{
    DecodeError, EncodeError, Frame, Limits, Payload, ResumeError, Rsv, StateReader, StateWriter, SuspendError,
};

/// The receiving direction of a negotiated extension: decodes each frame that the peer's encoder encoded.
///
/// Of several extensions, the one that was negotiated first is applied last to received frames (RFC 6455 §9.1). A
/// decoder gets the data frames of its connection in order, and no control frames. It must not depend on frame
/// boundaries: a frame may be passed to it in several pieces. The first has the opcode and the reserved bits, and the
/// others are continuations.
///
/// This decoder inverts all bits of a message whose first frame has RSV2:
///
/// ```
/// use protocol_websocket_frame::{DecodeError, ExtensionDecoder, Frame, OpCode, Payload, Rsv};
///
/// #[derive(Default)]
/// struct Flip {
///     is_active: bool,
/// }
///
/// impl ExtensionDecoder for Flip {
///     fn decode<'a>(
///         &mut self,
///         frame: Frame<Payload<'a>>,
///         _room: usize,
///     ) -> Result<(Frame<Payload<'a>>, Option<Frame<Payload<'a>>>), DecodeError> {
///         if frame.opcode() != OpCode::Continuation {
///             self.is_active = frame.rsv().contains(Rsv::RSV2);
///         }
///         if !self.is_active {
///             return Ok((frame, None));
///         }
///         let flipped: Vec<u8> = frame.payload().iter().map(|byte| !byte).collect();
///         let rsv = frame.rsv().without(Rsv::RSV2);
///         Ok((frame.with_payload(flipped).with_rsv(rsv), None))
///     }
/// }
///
/// let frame = Frame::lent(OpCode::Binary, b"\xFF\x00").with_rsv(Rsv::RSV2);
/// assert_eq!(Flip::default().decode(frame, 1024)?, (Frame::lent(OpCode::Binary, b"\x00\xFF"), None));
/// # Ok::<_, DecodeError>(())
/// ```
pub trait ExtensionDecoder: Send + Sync {
    /// Decodes `frame`, and clears the reserved bits of this extension.
    ///
    /// Returns the decoded frame. If its payload is longer than that of `frame`, it has at most `room` bytes. The
    /// second value is the rest of `frame`, as a continuation. It is `Some` if and only if decoding it gives more
    /// bytes. The caller then passes it to `decode`, before any other frame.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Extension`] for an invalid payload.
    fn decode<'a>(
        &mut self,
        frame: Frame<Payload<'a>>,
        room: usize,
    ) -> Result<(Frame<Payload<'a>>, Option<Frame<Payload<'a>>>), DecodeError>;

    /// Frees the memory that is not needed until the next frame. The default does nothing.
    fn release_memory(&mut self) {}

    /// Writes the state with which a decoder in another process continues. It is called between two frames, or between two
    /// pieces of a frame, after all output of the earlier ones was returned. The parameters are not part of the state.
    ///
    /// This decoder must be able to continue, because the other process may fail to resume. An extension without state writes
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`SuspendError::MessageInProgress`] if another process cannot continue the message in progress. The default is
    /// [`SuspendError::ExtensionUnsupported`]: the extension cannot be suspended.
    fn suspend(&mut self, state: &mut StateWriter) -> Result<(), SuspendError> {
        let _ = state;
        Err(SuspendError::ExtensionUnsupported)
    }

    /// Continues from a state that [`suspend`](Self::suspend) wrote. The decoder is new and has the same parameters. A message
    /// has at most [`Limits::max_message`] bytes.
    ///
    /// The bytes are untrusted. Check each value, and each length before memory is allocated.
    ///
    /// # Errors
    ///
    /// [`ResumeError`]. The default is [`ResumeError::ExtensionMismatch`]: the extension cannot be resumed.
    fn resume(&mut self, state: &mut StateReader<'_>, limits: &Limits) -> Result<(), ResumeError> {
        let _ = (state, limits);
        Err(ResumeError::ExtensionMismatch)
    }
}

/// The sending direction of a negotiated extension: changes each frame before it is written.
///
/// Of several extensions, the one that was negotiated first is applied first to sent frames (RFC 6455 §9.1). An encoder
/// gets the data frames of its connection in order, and no control frames. A message may be sent in fragments, of which
/// only the first has the opcode and may have reserved bits.
///
/// This encoder inverts all bits and sets RSV2 on the first frame of a message:
///
/// ```
/// use protocol_websocket_frame::{EncodeError, ExtensionEncoder, Frame, OpCode, Payload, Rsv};
///
/// struct Flip;
///
/// impl ExtensionEncoder for Flip {
///     fn encode<'a>(&mut self, frame: Frame<Payload<'a>>) -> Result<Frame<Payload<'a>>, EncodeError> {
///         let is_first = frame.opcode() != OpCode::Continuation;
///         let rsv = if is_first { frame.rsv() | Rsv::RSV2 } else { frame.rsv() };
///         let flipped: Vec<u8> = frame.payload().iter().map(|byte| !byte).collect();
///         Ok(frame.with_payload(flipped).with_rsv(rsv))
///     }
///
///     /// Does nothing, because no state is kept between messages.
///     fn restart(&mut self) {}
/// }
///
/// let frame = Flip.encode(Frame::lent(OpCode::Binary, b"\x00\xFF"))?;
/// assert_eq!(frame, Frame::lent(OpCode::Binary, b"\xFF\x00").with_rsv(Rsv::RSV2));
/// # Ok::<_, EncodeError>(())
/// ```
pub trait ExtensionEncoder: Send + Sync {
    /// Encodes `frame`, and sets the reserved bits of this extension where the payload needs them.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Extension`] if the payload cannot be encoded.
    fn encode<'a>(&mut self, frame: Frame<Payload<'a>>) -> Result<Frame<Payload<'a>>, EncodeError>;

    /// Clears the state of earlier messages, such as the window of a compressor. The next message must not refer to them.
    ///
    /// The connection calls it if the frames that the peer received are not those of [`encode`](Self::encode), so that the
    /// state of the peer's decoder is not the state of this encoder: after a frame with reserved bits that this encoder
    /// did not encode, such as a message that was compressed once for many peers, and after a frame that was encoded but
    /// not sent, because another extension returned an error. In the second case a message may be in progress, and its
    /// next frame follows. An encoder without state between frames does nothing here.
    fn restart(&mut self);

    /// Returns a number for the negotiated parameters on which the encoded bytes of a first message depend. A message to
    /// many peers is encoded once for each number, instead of once for each set of parameters.
    ///
    /// Two encoders of the same extension and role that return the same number must be interchangeable before their first
    /// frame: the peer of one can decode a message that the other encoded. So a parameter of the other direction is not
    /// part of the number, and a limit of this direction is.
    ///
    /// The default is `None`: the bytes may depend on all parameters.
    fn encoding_key(&self) -> Option<u64> {
        None
    }

    /// Frees the memory that is not needed until the next frame. The default does nothing.
    fn release_memory(&mut self) {}

    /// Writes the state with which an encoder in another process continues. It is called between two frames. The state of
    /// earlier messages, which [`restart`](Self::restart) clears, need not be part of it, and the parameters are not.
    ///
    /// This encoder must be able to continue, because the other process may fail to resume. An extension without state writes
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`SuspendError::MessageInProgress`] if another process cannot continue the message in progress. The default is
    /// [`SuspendError::ExtensionUnsupported`]: the extension cannot be suspended.
    fn suspend(&mut self, state: &mut StateWriter) -> Result<(), SuspendError> {
        let _ = state;
        Err(SuspendError::ExtensionUnsupported)
    }

    /// Continues from a state that [`suspend`](Self::suspend) wrote. The encoder is new and has the same parameters.
    ///
    /// The bytes are untrusted. Check each value, and each length before memory is allocated.
    ///
    /// # Errors
    ///
    /// [`ResumeError`]. The default is [`ResumeError::ExtensionMismatch`]: the extension cannot be resumed.
    fn resume(&mut self, state: &mut StateReader<'_>) -> Result<(), ResumeError> {
        let _ = state;
        Err(ResumeError::ExtensionMismatch)
    }
}

/// Both directions of a negotiated extension, for one connection.
///
/// ```
/// # use protocol_websocket_frame::{DecodeError, EncodeError, ExtensionDecoder, ExtensionEncoder, Frame, Payload};
/// use protocol_websocket_frame::ExtensionPair;
///
/// # struct MyDecoder;
/// # impl ExtensionDecoder for MyDecoder {
/// #     fn decode<'a>(
/// #         &mut self,
/// #         frame: Frame<Payload<'a>>,
/// #         _: usize,
/// #     ) -> Result<(Frame<Payload<'a>>, Option<Frame<Payload<'a>>>), DecodeError> {
/// #         Ok((frame, None))
/// #     }
/// # }
/// # struct MyEncoder;
/// # impl ExtensionEncoder for MyEncoder {
/// #     fn encode<'a>(&mut self, frame: Frame<Payload<'a>>) -> Result<Frame<Payload<'a>>, EncodeError> {
/// #         Ok(frame)
/// #     }
/// #     fn restart(&mut self) {}
/// # }
/// let pair = ExtensionPair::new(MyDecoder, MyEncoder);
/// let ExtensionPair { decoder, encoder } = pair;
/// ```
pub struct ExtensionPair {
    /// Decodes received frames.
    pub decoder: Box<dyn ExtensionDecoder>,
    /// Encodes sent frames.
    pub encoder: Box<dyn ExtensionEncoder>,
}

impl ExtensionPair {
    /// Creates a pair, and boxes both directions.
    #[must_use]
    pub fn new(decoder: impl ExtensionDecoder + 'static, encoder: impl ExtensionEncoder + 'static) -> Self {
        Self { decoder: Box::new(decoder), encoder: Box::new(encoder) }
    }
}

impl fmt::Debug for ExtensionPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExtensionPair").finish_non_exhaustive()
    }
}

/// An extension that one end supports, with its preferences (RFC 6455 §9.1). An application adds it to the configuration
/// of its connections.
///
/// The same value serves both roles and any number of handshakes. A client sends its [`offers`](Self::offers), a server
/// [responds](Self::respond) to an offer or declines it, and both ends [agree](Self::agree) on that response.
///
/// ```
/// # use protocol_websocket_frame::{DecodeError, EncodeError, ExtensionDecoder, ExtensionEncoder, Frame, Payload};
/// use protocol_websocket_core::{ExtensionParams, Role};
/// use protocol_websocket_frame::{ExtensionPair, Negotiate, Rsv};
///
/// # struct FlipDecoder;
/// # impl ExtensionDecoder for FlipDecoder {
/// #     fn decode<'a>(
/// #         &mut self,
/// #         frame: Frame<Payload<'a>>,
/// #         _: usize,
/// #     ) -> Result<(Frame<Payload<'a>>, Option<Frame<Payload<'a>>>), DecodeError> {
/// #         Ok((frame, None))
/// #     }
/// # }
/// # struct FlipEncoder;
/// # impl ExtensionEncoder for FlipEncoder {
/// #     fn encode<'a>(&mut self, frame: Frame<Payload<'a>>) -> Result<Frame<Payload<'a>>, EncodeError> {
/// #         Ok(frame)
/// #     }
/// #     fn restart(&mut self) {}
/// # }
/// /// The extension `flip`, which has no parameters.
/// struct Flip;
///
/// impl Negotiate for Flip {
///     fn name(&self) -> &str {
///         "flip"
///     }
///
///     fn rsv(&self) -> Rsv {
///         Rsv::RSV2
///     }
///
///     fn offers(&self) -> Vec<ExtensionParams> {
///         vec![ExtensionParams::new("flip")]
///     }
///
///     fn respond(&self, offer: &ExtensionParams) -> Option<ExtensionParams> {
///         offer.params().is_empty().then(|| ExtensionParams::new("flip"))
///     }
///
///     fn agree(&self, _role: Role, response: &ExtensionParams) -> Option<ExtensionPair> {
///         response.params().is_empty().then(|| ExtensionPair::new(FlipDecoder, FlipEncoder))
///     }
/// }
///
/// let response = Flip.respond(&Flip.offers()[0]).expect("the offer has no parameters");
/// assert!(Flip.agree(Role::Client, &response).is_some());
/// ```
pub trait Negotiate: Send + Sync {
    /// Returns the registered name of the extension, such as `permessage-deflate`.
    fn name(&self) -> &str;

    /// Returns the reserved bits that the extension uses on the first frame of a message. The decoder rejects all bits
    /// that no negotiated extension uses.
    fn rsv(&self) -> Rsv;

    /// Returns the offers of a client, in the order of its preference.
    fn offers(&self) -> Vec<ExtensionParams>;

    /// Returns a server's response to one offer with this [`name`](Self::name), or `None` to decline it. Declining an
    /// offer is not an error: the client may have sent other offers, and the connection works without the extension.
    fn respond(&self, offer: &ExtensionParams) -> Option<ExtensionParams>;

    /// Returns both directions of the extension with the parameters of `response`, for the end with this `role`.
    ///
    /// At a client, returns `None` if `response` is not a valid response to any of its [`offers`](Self::offers). The
    /// client must fail the connection then. At a server, `response` comes from [`respond`](Self::respond) or from the
    /// application. Returns `None` if its parameters are not valid in a response.
    fn agree(&self, role: Role, response: &ExtensionParams) -> Option<ExtensionPair>;
}
