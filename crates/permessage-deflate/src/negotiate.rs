use protocol_websocket_http::{Extension, Negotiate, Role};

use crate::params::{Bits, NAME, Params};
use crate::{Deflater, Inflater};

/// What one end is willing to do: the extension before it is agreed on.
///
/// The same value serves clients and servers. By default both ends keep their windows from message to message, as wide
/// as they come: the best compression, and the most memory.
///
/// A client's value makes one offer. Several values with falling wishes make several, of which the server takes the
/// first that it likes.
///
/// ```
/// use protocol_websocket_http::Negotiate;
/// use protocol_websocket_permessage_deflate::PermessageDeflate;
///
/// let modest = PermessageDeflate::new().server_max_window_bits(10).client_no_context_takeover();
/// let offer = "permessage-deflate; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits";
/// assert_eq!(modest.offers()[0].to_string(), offer);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermessageDeflate {
    level: u8,
    threshold: usize,
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: u8,
    client_max_window_bits: u8,
}

impl PermessageDeflate {
    /// The narrowest window that what is sent can be compressed with, as a power of two: 512 bytes.
    pub const MIN_WINDOW_BITS: u8 = 9;
    /// The widest window there is, as a power of two: 32 KiB.
    pub const MAX_WINDOW_BITS: u8 = 15;

    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            level: Deflater::LEVEL,
            threshold: Deflater::THRESHOLD,
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: Self::MAX_WINDOW_BITS,
            client_max_window_bits: Self::MAX_WINDOW_BITS,
        }
    }

    /// How hard to compress what we send, from 0 (not at all) over 1 (fast) to 9; more counts as 9.
    /// [`Deflater::LEVEL`] otherwise.
    #[must_use]
    pub const fn level(mut self, level: u8) -> Self {
        self.level = level;
        self
    }

    /// Sends whole messages of fewer bytes than this as they are. [`Deflater::THRESHOLD`] otherwise. A message in parts,
    /// whose length nobody knows, is always compressed.
    #[must_use]
    pub const fn threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }

    /// Has the server begin each message with an empty window (RFC 7692 §7.1.1.1): less memory at both ends, and larger
    /// messages. A server does so for every client then, a client takes no answer without it.
    #[must_use]
    pub const fn server_no_context_takeover(mut self) -> Self {
        self.server_no_context_takeover = true;
        self
    }

    /// Has the client begin each message with an empty window (RFC 7692 §7.1.1.2). A client does so whatever the server
    /// says, a server asks every client to.
    #[must_use]
    pub const fn client_no_context_takeover(mut self) -> Self {
        self.client_no_context_takeover = true;
        self
    }

    /// Bounds the server's window (RFC 7692 §7.1.2.1), as a power of two from 9 to 15; other values count as the nearest
    /// of these. A server compresses with no wider one, a client takes no answer that allows one.
    #[must_use]
    pub const fn server_max_window_bits(mut self, bits: u8) -> Self {
        self.server_max_window_bits = in_range(bits);
        self
    }

    /// Bounds the client's window (RFC 7692 §7.1.2.2), as [`server_max_window_bits`](Self::server_max_window_bits) does the
    /// server's. A server can ask for it only where the client offers to be asked; all others have the widest window. A
    /// client keeps to it whatever the server says.
    #[must_use]
    pub const fn client_max_window_bits(mut self, bits: u8) -> Self {
        self.client_max_window_bits = in_range(bits);
        self
    }

    /// The widest window that `role` may compress with, as a power of two from 9 to 15, where `agreed` is what was
    /// negotiated: the server's answer, as it stands in `Negotiated::extensions`.
    ///
    /// `None` means that `role` sends no compressed frames: another extension was negotiated, one with parameters that RFC
    /// 7692 §7.1 does not have, or a window of 8 bits, which no compressor has.
    ///
    /// This is for a message that is compressed once for many peers: a frame of a [`Deflater`] with at most this window, and
    /// without context takeover, may be sent to this peer.
    ///
    /// ```
    /// use protocol_websocket_http::{ExtensionParams, Role};
    /// use protocol_websocket_permessage_deflate::PermessageDeflate;
    ///
    /// let agreed = ExtensionParams::new("permessage-deflate").param("server_max_window_bits", "9");
    /// assert_eq!(PermessageDeflate::window_bits(Role::Server, &agreed), Some(9));
    /// assert_eq!(PermessageDeflate::window_bits(Role::Client, &agreed), Some(15));
    /// assert_eq!(PermessageDeflate::window_bits(Role::Server, &ExtensionParams::new("another")), None);
    /// ```
    #[must_use]
    pub fn window_bits(role: Role, agreed: &Extension) -> Option<u8> {
        let agreed = Params::parse(agreed).filter(|_| agreed.name() == NAME)?;
        agreed.window_bits(role).filter(|&bits| bits >= Self::MIN_WINDOW_BITS)
    }

    fn offer(&self) -> Params {
        Params {
            server_no_context_takeover: self.server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover,
            server_max_window_bits: narrow(self.server_max_window_bits),
            client_max_window_bits: narrow(self.client_max_window_bits).map_or(Bits::Any, Bits::Max),
        }
    }

    /// Whether a client may take this answer to its offer.
    fn is_answer(&self, answer: Params) -> bool {
        let offer = self.offer();
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1.1
        //# A server accepts an extension negotiation offer that includes the
        //# "server_no_context_takeover" extension parameter by including the
        //# "server_no_context_takeover" extension parameter in the corresponding
        //# extension negotiation response to send back to the client.
        let takeover = answer.server_no_context_takeover || !offer.server_no_context_takeover;
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.1
        //# A server accepts an extension negotiation offer with this parameter
        //# by including the "server_max_window_bits" extension parameter in the
        //# extension negotiation response to send back to the client with the
        //# same or smaller value as the offer.
        let server_bits = match (offer.server_max_window_bits, answer.server_max_window_bits) {
            (Some(most), bits) => bits.is_some_and(|bits| bits <= most),
            (None, _) => true,
        };
        // Any window is allowed for what we send: our own value is a hint, which a server may ignore (§7.1.2.2).
        takeover && server_bits
    }

    fn deflater(&self, bits: u8, takeover: bool) -> Deflater {
        Deflater::new(bits).level(self.level).threshold(self.threshold).context_takeover(takeover)
    }
}

impl Default for PermessageDeflate {
    fn default() -> Self {
        Self::new()
    }
}

impl Negotiate for PermessageDeflate {
    type Agreed = (Inflater, Deflater);

    fn name(&self) -> &str {
        NAME
    }

    fn offers(&self) -> Vec<Extension> {
        //= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
        //# To offer use of a PMCE, a client MUST include the extension name of the PMCE
        vec![self.offer().extension()]
    }

    /// Grants whatever is well-formed, narrowed by our own wishes, but a window of 256 bytes for what we send.
    fn answer(&self, offer: &Extension) -> Option<Extension> {
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
            Bits::Any => narrow(self.client_max_window_bits).map_or(Bits::Absent, Bits::Max),
            Bits::Max(bits) => Bits::Max(bits.min(self.client_max_window_bits)),
        };
        let answer = Params {
            server_no_context_takeover: offer.server_no_context_takeover || self.server_no_context_takeover,
            client_no_context_takeover: offer.client_no_context_takeover || self.client_no_context_takeover,
            server_max_window_bits: offer.server_max_window_bits.map_or(narrow(server_bits), |_| Some(server_bits)),
            client_max_window_bits: client_bits,
        };
        //= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
        //# To accept the use of an offered PMCE, a server MUST include the extension name
        Some(answer.extension())
    }

    //= https://www.rfc-editor.org/rfc/rfc7692#section-5.1
    //# both endpoints MUST use the algorithm described in Section 6
    fn agree(&self, role: Role, answer: &Extension) -> Option<(Inflater, Deflater)> {
        let answer = Params::parse(answer)?;
        let (server_bits, client_bits) = (answer.window_bits(Role::Server)?, answer.window_bits(Role::Client)?);
        let (server_takeover, client_takeover) =
            (!answer.server_no_context_takeover, !answer.client_no_context_takeover);
        Some(match role {
            Role::Client => {
                //= https://www.rfc-editor.org/rfc/rfc7692#section-7
                //# A client MUST _Fail the WebSocket Connection_ if the peer server accepted an
                //# extension negotiation offer for this extension with an extension negotiation
                //# response meeting any of the following conditions:
                if !self.is_answer(answer) {
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
                (Inflater::new().context_takeover(server_takeover), deflater)
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
                (Inflater::new().context_takeover(client_takeover), deflater)
            }
        })
    }
}

/// A window that has to be asked for: the widest is there anyway.
const fn narrow(bits: u8) -> Option<u8> {
    if bits < PermessageDeflate::MAX_WINDOW_BITS { Some(bits) } else { None }
}

const fn in_range(bits: u8) -> u8 {
    match bits {
        ..PermessageDeflate::MIN_WINDOW_BITS => PermessageDeflate::MIN_WINDOW_BITS,
        PermessageDeflate::MAX_WINDOW_BITS.. => PermessageDeflate::MAX_WINDOW_BITS,
        _ => bits,
    }
}
