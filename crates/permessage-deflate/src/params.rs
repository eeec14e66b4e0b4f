//! The four parameters of the extension (RFC 7692 §7.1), read and written.

use protocol_websocket_core::{ExtensionParams, Role};

/// The smallest window for compression, as a base-2 logarithm. RFC 7692 §7.1.2 also has 8, which the back end does not
/// support.
pub(crate) const MIN_WINDOW_BITS: u8 = 9;
/// The largest window (RFC 7692 §7.1.2), as a base-2 logarithm.
pub(crate) const MAX_WINDOW_BITS: u8 = 15;

/// The parameters of one offer or response (RFC 7692 §7.1). Each occurs at most once and has a valid value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params {
    pub(crate) server_no_context_takeover: bool,
    pub(crate) client_no_context_takeover: bool,
    pub(crate) server_max_window_bits: Option<u8>,
    pub(crate) client_max_window_bits: Bits,
}

/// The parameter `client_max_window_bits`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Bits {
    /// The parameter does not occur.
    #[default]
    Absent,
    /// The parameter has no value, which is valid only in an offer.
    Any,
    /// The value of the parameter.
    Max(u8),
}

pub(crate) const NAME: &str = "permessage-deflate";
const SERVER_NO_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_NO_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_BITS: &str = "server_max_window_bits";
const CLIENT_BITS: &str = "client_max_window_bits";

impl Params {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-9
    //# those parameters MUST be chosen in accordance with the specification of the extension
    /// Parses an offer or a response. Returns `None` for an unknown, repeated or invalid parameter.
    pub(crate) fn parse(extension: &ExtensionParams) -> Option<Self> {
        let mut params = Self::default();
        for (name, value) in extension.params() {
            //= https://www.rfc-editor.org/rfc/rfc7692#section-7
            //# A server MUST decline an extension negotiation offer for this
            //# extension if any of the following conditions are met:
            match (name.as_str(), value.as_deref()) {
                (SERVER_NO_TAKEOVER, None) if !params.server_no_context_takeover => {
                    params.server_no_context_takeover = true;
                }
                (CLIENT_NO_TAKEOVER, None) if !params.client_no_context_takeover => {
                    params.client_no_context_takeover = true;
                }
                (SERVER_BITS, Some(value)) if params.server_max_window_bits.is_none() => {
                    params.server_max_window_bits = Some(bits(value)?);
                }
                (CLIENT_BITS, None) if params.client_max_window_bits == Bits::Absent => {
                    params.client_max_window_bits = Bits::Any;
                }
                (CLIENT_BITS, Some(value)) if params.client_max_window_bits == Bits::Absent => {
                    params.client_max_window_bits = Bits::Max(bits(value)?);
                }
                //= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
                //# The parameters supplied with any given extension MUST be defined for that
                //# extension.
                _ => return None,
            }
        }
        Some(params)
    }

    /// Returns the maximum window of messages that `role` sends, if these are the parameters of a response. `None` if
    /// they are not valid in a response.
    pub(crate) fn window_bits(self, role: Role) -> Option<u8> {
        match (role, self.client_max_window_bits) {
            (Role::Server, _) => Some(self.server_max_window_bits.unwrap_or(MAX_WINDOW_BITS)),
            (Role::Client, Bits::Absent) => Some(MAX_WINDOW_BITS),
            (Role::Client, Bits::Max(bits)) => Some(bits),
            (Role::Client, Bits::Any) => None,
        }
    }

    /// Returns the parameters as an offer or a response.
    pub(crate) fn to_extension(self) -> ExtensionParams {
        let mut extension = ExtensionParams::new(NAME);
        if self.server_no_context_takeover {
            extension = extension.flag(SERVER_NO_TAKEOVER);
        }
        if self.client_no_context_takeover {
            extension = extension.flag(CLIENT_NO_TAKEOVER);
        }
        if let Some(bits) = self.server_max_window_bits {
            extension = extension.param(SERVER_BITS, bits.to_string());
        }
        match self.client_max_window_bits {
            Bits::Absent => extension,
            Bits::Any => extension.flag(CLIENT_BITS),
            Bits::Max(bits) => extension.param(CLIENT_BITS, bits.to_string()),
        }
    }
}

//= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.1
//# This parameter has a decimal integer value without leading zeroes between 8 to 15, inclusive,
//# indicating the base-2 logarithm of the LZ77 sliding window size, and MUST conform to the ABNF
//# below.
//= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.1
//# The "server_max_window_bits" extension parameter in an extension negotiation response has a
//# decimal integer value without leading zeroes between 8 to 15
//= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.2
//# If a value is specified for this parameter, the value MUST conform to the ABNF below.
//= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.2
//# The "client_max_window_bits" extension parameter in an extension negotiation response has a
//# decimal integer value without leading zeroes between 8 to 15 inclusive
/// Parses a decimal number from 8 to 15 without leading zeros (RFC 7692 §7.1.2.1).
fn bits(value: &str) -> Option<u8> {
    (8..=15).find(|bits: &u8| bits.to_string() == value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Params> {
        let (name, params) = text.split_once("; ").unwrap_or((text, ""));
        let params = params.split("; ").filter(|param| !param.is_empty());
        Params::parse(&params.fold(ExtensionParams::new(name), |extension, param| match param.split_once('=') {
            Some((name, value)) => extension.param(name, value),
            None => extension.flag(param),
        }))
    }

    #[test]
    fn roundtrips_valid_parameters() {
        for text in [
            "permessage-deflate",
            "permessage-deflate; server_no_context_takeover",
            "permessage-deflate; client_no_context_takeover",
            "permessage-deflate; server_max_window_bits=8",
            "permessage-deflate; server_max_window_bits=15",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; client_max_window_bits=8",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; \
             client_max_window_bits=12",
        ] {
            assert_eq!(parse(text).unwrap().to_extension().to_string(), text);
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
    //# The parameters supplied with any given extension MUST be defined for that extension.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.1
    //# This parameter has a decimal integer value without leading zeroes between 8 to 15,
    //# inclusive, indicating the base-2 logarithm of the LZ77 sliding window size, and MUST conform
    //# to the ABNF below.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.2
    //# If a value is specified for this parameter, the value MUST conform to the ABNF below.
    #[test]
    fn rejects_unknown_repeated_and_invalid_parameters() {
        for params in [
            "unknown",
            "unknown=1",
            "Server_no_context_takeover",
            "server_no_context_takeover=1",
            "client_no_context_takeover=true",
            "server_max_window_bits",
            "server_max_window_bits=7",
            "server_max_window_bits=16",
            "server_max_window_bits=08",
            "server_max_window_bits=+9",
            "server_max_window_bits=1000000000000000000000",
            "server_max_window_bits=10.0",
            "client_max_window_bits=0",
            "client_max_window_bits=16",
            "client_max_window_bits=015",
            "client_max_window_bits=-9",
            "client_max_window_bits=x",
            "server_no_context_takeover; server_no_context_takeover",
            "client_no_context_takeover; client_no_context_takeover",
            "server_max_window_bits=9; server_max_window_bits=9",
            "client_max_window_bits; client_max_window_bits",
            "client_max_window_bits; client_max_window_bits=9",
            "client_max_window_bits=9; client_max_window_bits",
        ] {
            assert_eq!(parse(&format!("permessage-deflate; {params}")), None, "{params}");
        }
    }
}
