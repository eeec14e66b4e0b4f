/// Limits on a head. A server rejects a request that exceeds them with 431.
///
/// ```
/// use protocol_websocket_http::HeadLimits;
///
/// let limits = HeadLimits::new().max_len(64 * 1024);
/// assert_eq!((limits.max_len, limits.max_headers), (64 * 1024, 100));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize), serde(default))]
#[non_exhaustive]
pub struct HeadLimits {
    /// The maximum length of a head in bytes. It counts all bytes up to and including the empty line that ends the
    /// head, and also empty lines before the head. The default is 16 KiB, as in Node.js. The maximum is 4 GiB, which
    /// replaces higher values.
    pub max_len: usize,
    /// The maximum number of header fields. The default is 100, as in Apache (`LimitRequestFields`).
    pub max_headers: usize,
}

impl HeadLimits {
    /// Creates the default limits: 16 KiB and 100 header fields.
    #[must_use]
    pub const fn new() -> Self {
        Self { max_len: 16 * 1024, max_headers: 100 }
    }

    /// Sets [`max_len`](Self#structfield.max_len), in bytes.
    #[must_use]
    pub const fn max_len(mut self, bytes: usize) -> Self {
        self.max_len = bytes;
        self
    }

    /// Sets [`max_headers`](Self#structfield.max_headers).
    #[must_use]
    pub const fn max_headers(mut self, count: usize) -> Self {
        self.max_headers = count;
        self
    }
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(all(test, feature = "serde"))]
mod tests {
    use super::*;

    #[test]
    fn roundtrips_through_serde() {
        let limits = HeadLimits::new().max_len(1000);
        let text = serde_json::to_string(&limits).unwrap();
        assert_eq!(text, r#"{"max_len":1000,"max_headers":100}"#);
        assert_eq!(serde_json::from_str::<HeadLimits>(&text).unwrap(), limits);
        assert_eq!(serde_json::from_str::<HeadLimits>("{}").unwrap(), HeadLimits::default());
    }
}
