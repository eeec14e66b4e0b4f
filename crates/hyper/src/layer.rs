//! A layer for services of tower.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::body::Bytes;
use pin_project_lite::pin_project;
use protocol_websocket_tokio::Config;
use tower_layer::Layer;
use tower_service::Service;

use crate::{Body, Upgrade, rejection, upgrade};

/// A layer that upgrades the requests for one path, over HTTP/1.1 and HTTP/2, and passes all others to the inner service.
///
/// The handler returns a future for the response, so it can look up credentials before. A request for the path that is not
/// a valid upgrade request gets the response of [`rejection`], and does not reach the handler or the inner service.
///
/// ```
/// use protocol_websocket_hyper::{Accept, Upgrade, WebSocketLayer, config};
///
/// let layer = WebSocketLayer::new("/chat", config(), |upgrade: Upgrade| async {
///     let (response, opening) = upgrade.accept(Accept::new());
///     tokio::spawn(async move {
///         let mut websocket = opening.await?;
///         websocket.send("welcome").await
///     });
///     response
/// });
/// # let _ = layer;
/// ```
#[derive(Clone)]
pub struct WebSocketLayer<H> {
    path: Arc<str>,
    config: Arc<Config>,
    handler: H,
}

impl<H> WebSocketLayer<H> {
    /// Creates a layer that calls `handler` with the upgrade requests for `path`. The path begins with `/` and is compared
    /// without the query, in the encoded form.
    pub fn new(path: impl Into<Arc<str>>, config: impl Into<Arc<Config>>, handler: H) -> Self {
        Self { path: path.into(), config: config.into(), handler }
    }
}

impl<S, H: Clone> Layer<S> for WebSocketLayer<H> {
    type Service = WebSocketService<S, H>;

    fn layer(&self, inner: S) -> Self::Service {
        WebSocketService { inner, layer: self.clone() }
    }
}

impl<H> fmt::Debug for WebSocketLayer<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketLayer").field("path", &self.path).field("config", &self.config).finish_non_exhaustive()
    }
}

/// The service of a [`WebSocketLayer`].
///
/// Its responses have the body type of the inner service, which converts from [`Bytes`], as `http_body_util::Full` and
/// the body of axum do.
#[derive(Clone)]
pub struct WebSocketService<S, H> {
    inner: S,
    layer: WebSocketLayer<H>,
}

impl<S, H, F, B, R> Service<http::Request<B>> for WebSocketService<S, H>
where
    S: Service<http::Request<B>, Response = http::Response<R>>,
    H: FnMut(Upgrade) -> F,
    F: Future<Output = http::Response<Body>>,
    R: From<Bytes>,
{
    type Response = http::Response<R>;
    type Error = S::Error;
    type Future = WebSocketFuture<S::Future, F>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        let WebSocketLayer { path, config, handler } = &mut self.layer;
        let state = if request.uri().path() != &**path {
            State::Inner { future: self.inner.call(request) }
        } else {
            match upgrade(&mut request, Arc::clone(config)) {
                Ok(upgrade) => State::Handler { future: handler(upgrade) },
                Err(reject) => State::Rejected { response: Some(rejection(&reject)) },
            }
        };
        WebSocketFuture { state }
    }
}

impl<S: fmt::Debug, H> fmt::Debug for WebSocketService<S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketService").field("inner", &self.inner).field("layer", &self.layer).finish()
    }
}

pin_project! {
    /// The future of a response of [`WebSocketService`].
    pub struct WebSocketFuture<I, F> {
        #[pin]
        state: State<I, F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<I, F> {
        Inner { #[pin] future: I },
        Handler { #[pin] future: F },
        Rejected { response: Option<http::Response<Body>> },
    }
}

impl<I, F, R, E> Future for WebSocketFuture<I, F>
where
    I: Future<Output = Result<http::Response<R>, E>>,
    F: Future<Output = http::Response<Body>>,
    R: From<Bytes>,
{
    type Output = Result<http::Response<R>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let response = match self.project().state.project() {
            StateProjection::Inner { future } => return future.poll(context),
            StateProjection::Handler { future } => ready!(future.poll(context)),
            // A future is not polled after its end.
            StateProjection::Rejected { response } => response.take().unwrap_or_default(),
        };
        Poll::Ready(Ok(response.map(|body| R::from(body.into()))))
    }
}

impl<I, F> fmt::Debug for WebSocketFuture<I, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketFuture").finish_non_exhaustive()
    }
}
