//! The extension before it is negotiated: preferences, offers and responses.

use protocol_websocket_core::{ExtensionParams, Role};
use protocol_websocket_frame::{ExtensionPair, Negotiate, Rsv};

use crate::params::{self, Bits, NAME, Params};
use crate::{Deflater, Inflater};

/// permessage-deflate with the preferences of one end, for the configuration of a connection.
///
/// The same value serves clients and servers. By default both ends keep their windows from one message to the next,
/// with the maximum size. That gives the best compression and takes the most memory.
///
/// A client sends one offer for each `PermessageDeflate` in its configuration. Add the preferred one first: the server
/// accepts the first offer that it supports.
///
/// ```
/// use protocol_websocket_frame::Negotiate;
/// use protocol_websocket_permessage_deflate::PermessageDeflate;
///
/// let deflate = PermessageDeflate::new().server_max_window_bits(10).client_no_context_takeover();
/// let offer = "permessage-deflate; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits";
/// assert_eq!(deflate.offers()[0].to_string(), offer);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PermessageDeflate {
    level: u8,
    threshold: usize,
    mem_level: u8,
    windows_only: bool,
    max_record: usize,
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: u8,
    client_max_window_bits: u8,
}

impl PermessageDeflate {
    /// The smallest window for compression, as a base-2 logarithm: 512 bytes.
    pub const MIN_WINDOW_BITS: u8 = params::MIN_WINDOW_BITS;
    /// The largest window, as a base-2 logarithm: 32 KiB.
    pub const MAX_WINDOW_BITS: u8 = params::MAX_WINDOW_BITS;

    /// Creates the extension with the default preferences.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            level: Deflater::LEVEL,
            threshold: Deflater::THRESHOLD,
            mem_level: Deflater::MEM_LEVEL,
            windows_only: false,
            max_record: 0,
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: Self::MAX_WINDOW_BITS,
            client_max_window_bits: Self::MAX_WINDOW_BITS,
        }
    }

    /// Sets the compression level of sent messages: 0 (stored) or 1 (fast) to 9 (small). Larger values count as 9. The
    /// default is [`Deflater::LEVEL`].
    ///
    /// ```
    /// use protocol_websocket_core::Role;
    /// use protocol_websocket_frame::{ExtensionEncoder, Frame, Negotiate};
    /// use protocol_websocket_permessage_deflate::PermessageDeflate;
    ///
    /// let deflate = PermessageDeflate::new().level(9);
    /// let response = deflate.respond(&deflate.offers()[0]).expect("both ends have the same preferences");
    /// let (_, mut deflater) = deflate.codec(Role::Server, &response).expect("our own response");
    /// let frame = deflater.encode(Frame::text("Hello, ".repeat(20)).into())?;
    /// assert!(frame.payload().len() < 20); // of 140 bytes
    /// # Ok::<_, protocol_websocket_frame::EncodeError>(())
    /// ```
    #[must_use]
    pub const fn level(mut self, level: u8) -> Self {
        self.level = level;
        self
    }

    /// Sets the length in bytes below which a message is sent uncompressed. The default is [`Deflater::THRESHOLD`]. A
    /// message that is sent in parts is always compressed, because its length is not known when it begins.
    ///
    /// ```
    /// use protocol_websocket_core::Role;
    /// use protocol_websocket_frame::{ExtensionEncoder, Frame, Negotiate, Rsv};
    /// use protocol_websocket_permessage_deflate::PermessageDeflate;
    ///
    /// let deflate = PermessageDeflate::new().threshold(1024);
    /// let response = deflate.respond(&deflate.offers()[0]).expect("both ends have the same preferences");
    /// let (_, mut deflater) = deflate.codec(Role::Server, &response).expect("our own response");
    /// let frame = deflater.encode(Frame::text("Hello, ".repeat(20)).into())?;
    /// assert_eq!((frame.payload().len(), frame.rsv()), (140, Rsv::NONE)); // uncompressed
    /// # Ok::<_, protocol_websocket_frame::EncodeError>(())
    /// ```
    #[must_use]
    pub const fn threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }

    /// Sets the memory level of zlib for sent messages (`memLevel`): 1 (least memory) to 9 (most). Other values count as
    /// the nearest of these. The default is [`Deflater::MEM_LEVEL`]. A lower level compresses long messages a little
    /// less, because their blocks are shorter. See [Memory and time](crate#memory-and-time) for the bytes.
    ///
    /// ```
    /// use protocol_websocket_permessage_deflate::PermessageDeflate;
    ///
    /// let deflate = PermessageDeflate::new().mem_level(4).server_max_window_bits(12);
    /// # let _ = deflate;
    /// ```
    #[must_use]
    pub const fn mem_level(mut self, level: u8) -> Self {
        self.mem_level = level;
        self
    }

    /// Keeps only the windows between messages, and frees the compressor and the decompressor after each message. With
    /// context takeover a connection then keeps at most two windows: the bytes of its last messages, as many as
    /// [`server_max_window_bits`](Self::server_max_window_bits) and
    /// [`client_max_window_bits`](Self::client_max_window_bits) allow. By default it keeps both contexts, which takes
    /// less time for each message.
    ///
    /// Each message has a new compressor, which first reads the window again. So the time for a message grows with the
    /// window. For many connections, windows of 4 KiB are a good choice: see [Memory and time](crate#memory-and-time).
    /// The messages on the wire are as long as without this setting.
    ///
    /// ```
    /// use protocol_websocket_permessage_deflate::PermessageDeflate;
    ///
    /// // For many connections: at most 4 KiB for each direction.
    /// let deflate = PermessageDeflate::new().windows_only().server_max_window_bits(12).client_max_window_bits(12);
    /// # let _ = deflate;
    /// ```
    #[must_use]
    pub const fn windows_only(mut self) -> Self {
        self.windows_only = true;
        self
    }

    /// Allows a connection to be suspended inside a compressed message of which at most `max_bytes` compressed bytes have
    /// arrived. By default, and after more bytes, suspending inside a message returns
    /// [`SuspendError::MessageInProgress`](protocol_websocket_frame::SuspendError::MessageInProgress). Between two messages a
    /// connection can be suspended without this setting.
    ///
    /// Only messages that arrive in several pieces take more memory and time. While such a message is in progress, its
    /// compressed bytes and the window before it are kept, and the decompressor is created again at its beginning. A message
    /// that arrives in one piece has no additional cost.
    ///
    /// ```
    /// use protocol_websocket_permessage_deflate::PermessageDeflate;
    ///
    /// let deflate = PermessageDeflate::new().suspendable(1024 * 1024);
    /// # let _ = deflate;
    /// ```
    #[must_use]
    pub const fn suspendable(mut self, max_bytes: usize) -> Self {
        self.max_record = max_bytes;
        self
    }

    /// Requires that the server begins each message with an empty window (RFC 7692 §7.1.1.1). Both ends need less
    /// memory, and messages become larger.
    ///
    /// At a server, this applies to every client. At a client, a response without this parameter is rejected.
    ///
    /// ```
    /// use protocol_websocket_frame::Negotiate;
    /// use protocol_websocket_permessage_deflate::PermessageDeflate;
    ///
    /// let deflate = PermessageDeflate::new().server_no_context_takeover();
    /// let offer = "permessage-deflate; server_no_context_takeover; client_max_window_bits";
    /// assert_eq!(deflate.offers()[0].to_string(), offer);
    /// ```
    #[must_use]
    pub const fn server_no_context_takeover(mut self) -> Self {
        self.server_no_context_takeover = true;
        self
    }

    /// Requires that the client begins each message with an empty window (RFC 7692 §7.1.1.2).
    ///
    /// At a client, this applies even if the response does not have this parameter. At a server, it is required of
    /// every client.
    ///
    /// ```
    /// use protocol_websocket_frame::Negotiate;
    /// use protocol_websocket_permessage_deflate::PermessageDeflate;
    ///
    /// let deflate = PermessageDeflate::new().client_no_context_takeover();
    /// let offer = "permessage-deflate; client_no_context_takeover; client_max_window_bits";
    /// assert_eq!(deflate.offers()[0].to_string(), offer);
    /// ```
    #[must_use]
    pub const fn client_no_context_takeover(mut self) -> Self {
        self.client_no_context_takeover = true;
        self
    }

    /// Limits the server's window (RFC 7692 §7.1.2.1), as a base-2 logarithm from 9 to 15. Other values count as the
    /// nearest of these.
    ///
    /// A server never compresses with a larger window. A client rejects a response that allows a larger one.
    ///
    /// ```
    /// use protocol_websocket_frame::Negotiate;
    /// use protocol_websocket_permessage_deflate::PermessageDeflate;
    ///
    /// let deflate = PermessageDeflate::new().server_max_window_bits(10);
    /// let offer = "permessage-deflate; server_max_window_bits=10; client_max_window_bits";
    /// assert_eq!(deflate.offers()[0].to_string(), offer);
    /// ```
    #[must_use]
    pub const fn server_max_window_bits(mut self, bits: u8) -> Self {
        self.server_max_window_bits = in_range(bits);
        self
    }

    /// Limits the client's window (RFC 7692 §7.1.2.2), with the same values as
    /// [`server_max_window_bits`](Self::server_max_window_bits).
    ///
    /// A client never compresses with a larger window, even if the response allows one. A server can require the limit
    /// only if the client's offer has this parameter. Other clients use the largest window.
    ///
    /// ```
    /// use protocol_websocket_frame::Negotiate;
    /// use protocol_websocket_permessage_deflate::PermessageDeflate;
    ///
    /// let deflate = PermessageDeflate::new().client_max_window_bits(10);
    /// let offer = "permessage-deflate; client_max_window_bits=10";
    /// assert_eq!(deflate.offers()[0].to_string(), offer);
    /// ```
    #[must_use]
    pub const fn client_max_window_bits(mut self, bits: u8) -> Self {
        self.client_max_window_bits = in_range(bits);
        self
    }

    /// Returns the largest window that `role` may compress with, as a base-2 logarithm from 9 to 15. `agreed` is the
    /// negotiated extension: the server's response, as in `Negotiated::extensions`.
    ///
    /// `None` means that `role` must not send compressed frames. Then `agreed` is another extension, has an unknown or
    /// invalid parameter (RFC 7692 §7.1), or limits the window to 8 bits, which the compressor does not support.
    ///
    /// Use it to compress a message once for many peers. A frame from a [`Deflater`] with at most this window, and
    /// without context takeover, may be sent to this peer.
    ///
    /// ```
    /// use protocol_websocket_core::{ExtensionParams, Role};
    /// use protocol_websocket_permessage_deflate::PermessageDeflate;
    ///
    /// let agreed = ExtensionParams::new("permessage-deflate").param("server_max_window_bits", "9");
    /// assert_eq!(PermessageDeflate::window_bits(Role::Server, &agreed), Some(9));
    /// assert_eq!(PermessageDeflate::window_bits(Role::Client, &agreed), Some(15));
    /// assert_eq!(PermessageDeflate::window_bits(Role::Server, &ExtensionParams::new("another")), None);
    /// ```
    #[must_use]
    pub fn window_bits(role: Role, agreed: &ExtensionParams) -> Option<u8> {
        let agreed = Params::parse(agreed).filter(|_| agreed.name() == NAME)?;
        agreed.window_bits(role).filter(|&bits| bits >= Self::MIN_WINDOW_BITS)
    }

    fn offer(&self) -> Params {
        Params {
            server_no_context_takeover: self.server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover,
            server_max_window_bits: limited(self.server_max_window_bits),
            client_max_window_bits: limited(self.client_max_window_bits).map_or(Bits::Any, Bits::Max),
        }
    }

    /// Returns whether a client may accept this response to its offer.
    fn is_valid_response(&self, response: Params) -> bool {
        let offer = self.offer();
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1.1
        //# A server accepts an extension negotiation offer that includes the
        //# "server_no_context_takeover" extension parameter by including the
        //# "server_no_context_takeover" extension parameter in the corresponding
        //# extension negotiation response to send back to the client.
        let takeover = response.server_no_context_takeover || !offer.server_no_context_takeover;
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.1
        //# A server accepts an extension negotiation offer with this parameter
        //# by including the "server_max_window_bits" extension parameter in the
        //# extension negotiation response to send back to the client with the
        //# same or smaller value as the offer.
        let server_bits = match (offer.server_max_window_bits, response.server_max_window_bits) {
            (Some(most), bits) => bits.is_some_and(|bits| bits <= most),
            (None, _) => true,
        };
        // A server may ignore our limit for our own window (§7.1.2.2), so any value is valid.
        takeover && server_bits
    }

    //= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
    //# both endpoints MUST use the algorithm described in Section 6
    /// Returns both directions of the extension with the parameters of `response`, for the end with this `role`.
    ///
    /// This is [`agree`](Negotiate::agree) with the types of the two directions, for an application that handles frames
    /// without a connection.
    ///
    /// ```
    /// use protocol_websocket_core::Role;
    /// use protocol_websocket_frame::{ExtensionDecoder, ExtensionEncoder, Frame, Negotiate};
    /// use protocol_websocket_permessage_deflate::PermessageDeflate;
    ///
    /// let deflate = PermessageDeflate::new();
    /// let response = deflate.respond(&deflate.offers()[0]).expect("both ends have the same preferences");
    /// let (_, mut deflater) = deflate.codec(Role::Client, &response).expect("a response to our offer");
    /// let (mut inflater, _) = deflate.codec(Role::Server, &response).expect("our own response");
    /// let text = Frame::text("Hello, ".repeat(20));
    /// let (frame, rest) = inflater.decode(deflater.encode(text.clone().into())?, 1024)?;
    /// assert_eq!((frame, rest), (text.into(), None));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn codec(&self, role: Role, response: &ExtensionParams) -> Option<(Inflater, Deflater)> {
        let response = Params::parse(response)?;
        let (server_bits, client_bits) = (response.window_bits(Role::Server)?, response.window_bits(Role::Client)?);
        let (server_takeover, client_takeover) =
            (!response.server_no_context_takeover, !response.client_no_context_takeover);
        Some(match role {
            Role::Client => {
                //= https://www.rfc-editor.org/rfc/rfc7692#section-7
                //# A client MUST _Fail the WebSocket Connection_ if the peer server accepted an
                //# extension negotiation offer for this extension with an extension negotiation
                //# response meeting any of the following conditions:
                if !self.is_valid_response(response) {
                    return None;
                }
                //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1.2
                //# A client MUST support the "client_no_context_takeover" extension parameter in an
                //# extension negotiation response.
                //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
                //# the client MUST start compressing each new message with an empty LZ77 sliding
                //# window.
                let takeover = client_takeover && !self.client_no_context_takeover;
                //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
                //# the client MUST NOT use an LZ77 sliding window longer than the w-th power of 2
                //# bytes
                //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
                //# the client MUST use an LZ77 sliding window of a size that conforms the "agreed
                //# parameters" to compress messages to send.
                let deflater = self.deflater(client_bits.min(self.client_max_window_bits), takeover);
                (self.inflater(server_bits, server_takeover), deflater)
            }
            Role::Server => {
                //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
                //# the server MUST start compressing each new message with an empty LZ77 sliding
                //# window.
                //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1
                //# the server MUST NOT use an LZ77 sliding window longer than the w-th power of 2
                //# bytes
                let deflater = self.deflater(server_bits.min(self.server_max_window_bits), server_takeover);
                //= https://www.rfc-editor.org/rfc/rfc7692#section-7.2.2
                //# Note that even if the client has included the "client_no_context_takeover"
                //# extension parameter in its offer
                (self.inflater(client_bits, client_takeover), deflater)
            }
        })
    }

    fn deflater(&self, bits: u8, takeover: bool) -> Deflater {
        Deflater::new(bits)
            .level(self.level)
            .mem_level(self.mem_level)
            .threshold(self.threshold)
            .context_takeover(takeover)
            .windows_only(self.windows_only)
    }

    fn inflater(&self, bits: u8, takeover: bool) -> Inflater {
        Inflater::new()
            .window_bits(bits)
            .context_takeover(takeover)
            .windows_only(self.windows_only)
            .suspendable(self.max_record)
    }
}

impl Default for PermessageDeflate {
    fn default() -> Self {
        Self::new()
    }
}

impl Negotiate for PermessageDeflate {
    fn name(&self) -> &str {
        NAME
    }

    fn rsv(&self) -> Rsv {
        Rsv::RSV1
    }

    fn offers(&self) -> Vec<ExtensionParams> {
        //= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
        //# To offer use of a PMCE, a client MUST include the extension name of the PMCE
        vec![self.offer().to_extension()]
    }

    /// Accepts every valid offer, limited by our preferences, except one that limits our own window to 256 bytes.
    fn respond(&self, offer: &ExtensionParams) -> Option<ExtensionParams> {
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7
        //# A server MUST decline an extension negotiation offer for this extension if any of the
        //# following conditions are met:
        let offer = Params::parse(offer)?;
        let server_bits =
            offer.server_max_window_bits.unwrap_or(Self::MAX_WINDOW_BITS).min(self.server_max_window_bits);
        //= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
        //# The element MUST represent a PMCE that is fully supported by the server.
        if server_bits < Self::MIN_WINDOW_BITS {
            return None;
        }
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.2
        //# If a received extension negotiation offer doesn't have the
        //# "client_max_window_bits" extension parameter, the corresponding
        //# extension negotiation response to the offer MUST NOT include the
        //# "client_max_window_bits" extension parameter.
        let client_bits = match offer.client_max_window_bits {
            Bits::Absent => Bits::Absent,
            Bits::Any => limited(self.client_max_window_bits).map_or(Bits::Absent, Bits::Max),
            Bits::Max(bits) => Bits::Max(bits.min(self.client_max_window_bits)),
        };
        let response = Params {
            server_no_context_takeover: offer.server_no_context_takeover || self.server_no_context_takeover,
            client_no_context_takeover: offer.client_no_context_takeover || self.client_no_context_takeover,
            server_max_window_bits: offer.server_max_window_bits.map_or(limited(server_bits), |_| Some(server_bits)),
            client_max_window_bits: client_bits,
        };
        //= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
        //# To accept the use of an offered PMCE, a server MUST include the extension name
        Some(response.to_extension())
    }

    fn agree(&self, role: Role, response: &ExtensionParams) -> Option<ExtensionPair> {
        let (inflater, deflater) = self.codec(role, response)?;
        Some(ExtensionPair::new(inflater, deflater))
    }
}

/// Returns the parameter that limits a window, or `None` for the largest window, which needs none.
const fn limited(bits: u8) -> Option<u8> {
    if bits < PermessageDeflate::MAX_WINDOW_BITS { Some(bits) } else { None }
}

/// Returns the nearest window that the compressor supports.
const fn in_range(bits: u8) -> u8 {
    match bits {
        ..PermessageDeflate::MIN_WINDOW_BITS => PermessageDeflate::MIN_WINDOW_BITS,
        PermessageDeflate::MAX_WINDOW_BITS.. => PermessageDeflate::MAX_WINDOW_BITS,
        _ => bits,
    }
}
