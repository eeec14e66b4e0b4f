//! The body of a response that rejects the handshake: by its length, in chunks (RFC 9112 §7.1), or to the end of the
//! stream. It is for a person or a log, so a body that is too long, late or malformed is cut instead of an error.

use std::time::Duration;

use protocol_websocket::bytes::{Bytes, BytesMut};
use protocol_websocket::http::ResponseHead;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::{Instant, timeout_at};

/// The maximum length of a body in bytes. The rest is not read.
const MAX_LEN: usize = 64 * 1024;
/// How long a body is read.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The maximum length of the line with the length of a chunk.
const MAX_LINE: usize = 256;

/// Reads the body, of which `input` has the first bytes, until the deadline.
pub(crate) async fn read<S: AsyncRead + Unpin>(
    io: &mut S,
    head: &ResponseHead,
    mut input: BytesMut,
    deadline: Option<Instant>,
) -> Bytes {
    let latest = Instant::now() + TIMEOUT;
    let deadline = deadline.map_or(latest, |deadline| deadline.min(latest));
    let mut body = Body::new(head);
    let all = async {
        while !body.take(&mut input) {
            if !matches!(io.read_buf(&mut input).await, Ok(len) if len > 0) {
                break;
            }
        }
    };
    // What arrived until the deadline is the body.
    let _ = timeout_at(deadline, all).await;
    body.bytes.freeze()
}

struct Body {
    bytes: BytesMut,
    /// The number of bytes that are left, of the body or of the chunk.
    left: usize,
    is_chunked: bool,
}

impl Body {
    fn new(head: &ResponseHead) -> Self {
        let headers = head.headers();
        let is_chunked = headers.contains("transfer-encoding");
        let len = headers.get_str("content-length").and_then(|len| len.parse().ok());
        let left = match head.status() {
            100..=199 | 204 | 304 => 0,
            _ if is_chunked => 0,
            _ => len.unwrap_or(usize::MAX),
        };
        Self { bytes: BytesMut::new(), left, is_chunked: is_chunked && !matches!(head.status(), 204 | 304) }
    }

    /// Moves bytes from `input` to the body. Returns whether it is complete.
    fn take(&mut self, input: &mut BytesMut) -> bool {
        loop {
            let len = self.left.min(input.len()).min(MAX_LEN - self.bytes.len());
            self.bytes.extend_from_slice(&input.split_to(len));
            self.left -= len;
            if self.bytes.len() == MAX_LEN || self.left == 0 && !self.is_chunked {
                return true;
            }
            if self.left > 0 {
                return false;
            }
            let Some(end) = input.iter().position(|&byte| byte == b'\n') else { return input.len() > MAX_LINE };
            let line = input.split_to(end + 1);
            let line = line.trim_ascii();
            // The line end after the bytes of a chunk.
            if line.is_empty() {
                continue;
            }
            let digits = line.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii_end();
            let len = str::from_utf8(digits).ok().and_then(|digits| usize::from_str_radix(digits, 16).ok());
            match len {
                Some(len) if len > 0 => self.left = len,
                _ => return true,
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    async fn read_all(headers: &[(&str, &str)], mut parts: &[&[u8]]) -> (Bytes, Duration) {
        let head = ResponseHead::from_parts(403, headers.iter().copied()).unwrap();
        let first = parts.split_off_first().copied().unwrap_or_default();
        let (mut reader, mut writer) = tokio::io::duplex(100_000);
        for part in parts {
            tokio::io::AsyncWriteExt::write_all(&mut writer, part).await.unwrap();
        }
        let begin = Instant::now();
        let body = read(&mut reader, &head, BytesMut::from(first), None).await;
        drop(writer);
        (body, begin.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn ends_with_its_length() {
        let headers = [("Content-Length", "5")];
        for input in [&[&b"hello"[..]][..], &[b"", b"hello"], &[b"he", b"llo more"]] {
            assert_eq!(read_all(&headers, input).await, (Bytes::from("hello"), Duration::ZERO));
        }
        assert_eq!(read_all(&[("Content-Length", "0")], &[]).await, (Bytes::new(), Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn ends_with_the_last_chunk() {
        let headers = [("Transfer-Encoding", "chunked")];
        let text = b"5;a=b\r\nhello\r\n1 \r\n!\r\n0\r\n\r\n";
        for position in 0..text.len() {
            let (first, second) = text.split_at(position);
            assert_eq!(read_all(&headers, &[first, second]).await, (Bytes::from("hello!"), Duration::ZERO));
        }
        assert_eq!(read_all(&headers, &[b"2\r\nhi\r\nx\r\n"]).await, (Bytes::from("hi"), Duration::ZERO));
        assert_eq!(read_all(&headers, &[&[b'a'; 300]]).await, (Bytes::new(), Duration::ZERO));
        assert_eq!(read_all(&headers, &[b"ffffffffffffffff\r\nhi"]).await, (Bytes::from("hi"), TIMEOUT));
    }

    #[tokio::test(start_paused = true)]
    async fn is_limited_in_time_and_length() {
        assert_eq!(read_all(&[], &[b"hello"]).await, (Bytes::from("hello"), TIMEOUT));
        assert_eq!(read_all(&[("Content-Length", "6")], &[b"hello"]).await, (Bytes::from("hello"), TIMEOUT));
        let long = vec![b'a'; MAX_LEN + 1];
        assert_eq!(read_all(&[], &[b"", &long]).await, (Bytes::from(vec![b'a'; MAX_LEN]), Duration::ZERO));
    }
}
