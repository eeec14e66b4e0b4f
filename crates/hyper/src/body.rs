use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Bytes, Frame, SizeHint};

/// The body of the messages that this crate creates: empty in a request and in a response that accepts it, and in a
/// response that rejects it the body of the [`Reject`](crate::Reject).
///
/// A server with a body type of its own converts it:
///
/// ```
/// use http_body_util::Full;
/// use hyper::body::Bytes;
/// use protocol_websocket_hyper::Body;
///
/// fn converted(response: http::Response<Body>) -> http::Response<Full<Bytes>> {
///     response.map(|body| Full::new(body.into()))
/// }
/// # assert_eq!(converted(http::Response::default()).status(), 200);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body(Bytes);

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<Body> for Bytes {
    fn from(body: Body) -> Self {
        body.0
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = std::mem::take(&mut self.0);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}
