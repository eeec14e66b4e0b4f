//! The name and parameters of an extension in the header field `Sec-WebSocket-Extensions`.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// An extension with its parameters, as the client offers it or as the server accepts it (RFC 6455 §9.1).
///
/// The extension itself defines which parameters exist. Names and values are compared byte by byte, so their case
/// matters.
///
/// `Display` writes one element of the list in `Sec-WebSocket-Extensions`. `protocol-websocket-http` parses such lists.
/// It also checks that names and values are tokens when it builds a request or a response.
///
/// `Debug` shows the name, and the parameters of `permessage-deflate`. It hides the parameters of other extensions,
/// because they may be secrets.
///
/// ```
/// use protocol_websocket_core::ExtensionParams;
///
/// let params = ExtensionParams::new("permessage-deflate").flag("client_no_context_takeover").param("x", "15");
/// assert_eq!(params.to_string(), "permessage-deflate; client_no_context_takeover; x=15");
/// assert_eq!(params.params()[1], ("x".to_owned(), Some("15".to_owned())));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ExtensionParams {
    name: String,
    params: Vec<(String, Option<String>)>,
}

impl ExtensionParams {
    /// The maximum number of extensions and parameters together in the `Sec-WebSocket-Extensions` of one request or
    /// response.
    pub const MAX_ITEMS: usize = 64;

    /// Creates an extension without parameters.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), params: Vec::new() }
    }

    /// Appends a parameter without a value.
    ///
    /// ```
    /// use protocol_websocket_core::ExtensionParams;
    ///
    /// assert_eq!(ExtensionParams::new("x").flag("a").to_string(), "x; a");
    /// ```
    #[must_use]
    pub fn flag(mut self, name: impl Into<String>) -> Self {
        self.params.push((name.into(), None));
        self
    }

    /// Appends a parameter with a value.
    ///
    /// ```
    /// use protocol_websocket_core::ExtensionParams;
    ///
    /// assert_eq!(ExtensionParams::new("x").param("a", "10").to_string(), "x; a=10");
    /// ```
    #[must_use]
    pub fn param(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.params.push((name.into(), Some(value.into())));
        self
    }

    /// Returns the name, such as `permessage-deflate`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the parameters in their order, including repeated ones. The value of a [`flag`](Self::flag) is `None`.
    ///
    /// ```
    /// use protocol_websocket_core::ExtensionParams;
    ///
    /// let params = ExtensionParams::new("x").flag("a").param("b", "10");
    /// assert_eq!(params.params(), [("a".to_owned(), None), ("b".to_owned(), Some("10".to_owned()))]);
    /// ```
    #[must_use]
    pub fn params(&self) -> &[(String, Option<String>)] {
        &self.params
    }

    /// Returns whether the parameters may be secret: those of each extension except permessage-deflate. `Debug` hides them.
    ///
    /// ```
    /// use protocol_websocket_core::ExtensionParams;
    ///
    /// assert!(ExtensionParams::new("x-auth").param("token", "1").may_be_secret());
    /// assert!(!ExtensionParams::new("permessage-deflate").flag("client_no_context_takeover").may_be_secret());
    /// ```
    #[must_use]
    pub fn may_be_secret(&self) -> bool {
        !self.params.is_empty() && self.name != "permessage-deflate"
    }
}

impl fmt::Display for ExtensionParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (name, value) in &self.params {
            write!(f, "; {name}")?;
            if let Some(value) = value {
                write!(f, "={value}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for ExtensionParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.may_be_secret() {
            write!(f, "{:?}", alloc::format!("{}; (hidden)", self.name))
        } else {
            write!(f, "{:?}", alloc::format!("{self}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;

    #[test]
    fn displays_parameters_in_order() {
        let params = ExtensionParams::new("a").param("b", "1").flag("c").param("b", "2");
        let param = |name: &str, value: Option<&str>| (name.into(), value.map(Into::into));
        assert_eq!(params.name(), "a");
        assert_eq!(params.params(), [param("b", Some("1")), param("c", None), param("b", Some("2"))]);
        assert_eq!(params.to_string(), "a; b=1; c; b=2");
    }

    #[test]
    fn debug_hides_parameters_of_unknown_extensions() {
        let deflate = ExtensionParams::new("permessage-deflate").param("server_max_window_bits", "10");
        assert_eq!(format!("{deflate:?}"), "\"permessage-deflate; server_max_window_bits=10\"");
        assert_eq!(format!("{:?}", ExtensionParams::new("x").param("key", "secret")), "\"x; (hidden)\"");
        assert_eq!(format!("{:?}", ExtensionParams::new("x")), "\"x\"");
    }
}
