//! Reads the body of a response that rejects the handshake, for a limited time.

use std::time::Duration;

use protocol_websocket::bytes::{Bytes, BytesMut};
use protocol_websocket::http::{ResponseBody, ResponseHead};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::{Instant, timeout_at};

/// The maximum length of a body in bytes. The rest is not read.
const MAX_LEN: usize = 64 * 1024;
/// How long a body is read.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Reads the body, of which `input` has the first bytes, until the deadline.
pub(crate) async fn read<S: AsyncRead + Unpin>(
    io: &mut S,
    head: &ResponseHead,
    mut input: BytesMut,
    deadline: Option<Instant>,
) -> Bytes {
    let latest = Instant::now() + TIMEOUT;
    let deadline = deadline.map_or(latest, |deadline| deadline.min(latest));
    let mut body = ResponseBody::new(head, MAX_LEN);
    let all = async {
        while !body.receive(&mut input) {
            if !matches!(io.read_buf(&mut input).await, Ok(len) if len > 0) {
                break;
            }
        }
    };
    // What arrived until the deadline is the body.
    let _ = timeout_at(deadline, all).await;
    body.into_bytes()
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
