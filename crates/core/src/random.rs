/// A source of random bytes for mask keys (RFC 6455 §5.3) and handshake nonces (§4.1).
///
/// The author of a payload must not be able to predict the bytes (RFC 6455 §10.3), so use a cryptographic source. Only
/// tests may use a fixed one.
///
/// Every `FnMut(&mut [u8])` that is `Send` and `Sync` is a source:
///
/// ```
/// use protocol_websocket_core::Random;
///
/// let mut fixed = |buf: &mut [u8]| buf.fill(7);
/// let mut key = [0; 4];
/// Random::fill(&mut fixed, &mut key);
/// assert_eq!(key, [7; 4]);
/// ```
pub trait Random: Send + Sync {
    /// Fills all of `buf` with random bytes.
    fn fill(&mut self, buf: &mut [u8]);
}

impl<F: FnMut(&mut [u8]) + Send + Sync> Random for F {
    fn fill(&mut self, buf: &mut [u8]) {
        self(buf);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closures_are_sources() {
        let (mut fixed, mut key) = (|bytes: &mut [u8]| bytes.fill(7), [0; 4]);
        Random::fill(&mut fixed, &mut key);
        assert_eq!(key, [7; 4]);
    }
}
