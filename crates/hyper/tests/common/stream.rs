//! A WebSocket client over a stream of `h2`, without hyper.

use std::future::poll_fn;
use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use h2::client::{Builder, SendRequest};
use h2::ext::Protocol;
use h2::{RecvStream, SendStream};
use http::{Method, Request, Response, Version};
use protocol_websocket::{AsMessage, Close, CloseCode, Config, Connection, Event, Message, Negotiated};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// A connection to a server.
pub(crate) type Connecting = (SendRequest<Bytes>, JoinHandle<Result<(), h2::Error>>);

/// Connects to a server, and waits for its SETTINGS.
pub(crate) async fn connect(address: SocketAddr) -> Connecting {
    handshake(TcpStream::connect(address).await.unwrap(), &Builder::new()).await
}

/// Waits for the SETTINGS of a server.
pub(crate) async fn handshake(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    builder: &Builder,
) -> Connecting {
    let (sender, connection) = builder.handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut sender = sender.ready().await.unwrap();
    while !sender.is_extended_connect_protocol_enabled() {
        tokio::task::yield_now().await;
        sender = sender.ready().await.unwrap();
    }
    (sender, connection)
}

/// Returns an extended CONNECT with this `:protocol`.
pub(crate) fn extended_connect(protocol: &'static str) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = Method::CONNECT;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = "http://localhost/chat".parse().unwrap();
    request.headers_mut().insert("sec-websocket-version", "13".parse().unwrap());
    request.extensions_mut().insert(Protocol::from_static(protocol));
    request
}

/// A WebSocket over a stream.
pub(crate) struct Client {
    pub(crate) send: SendStream<Bytes>,
    pub(crate) recv: RecvStream,
    connection: Connection,
    input: BytesMut,
}

impl Client {
    /// Opens a WebSocket.
    pub(crate) async fn open(sender: &mut SendRequest<Bytes>) -> Self {
        let (response, send) = sender.send_request(extended_connect("websocket"), false).unwrap();
        let response: Response<RecvStream> = response.await.unwrap();
        assert_eq!(response.status(), 200);
        let random = |bytes: &mut [u8]| bytes.fill(7);
        let connection = Connection::open_client(&Negotiated::default(), Config::new(), random);
        Self { send, recv: response.into_body(), connection, input: BytesMut::new() }
    }

    /// Sends a message.
    pub(crate) async fn send(&mut self, message: impl AsMessage) {
        let mut output = BytesMut::new();
        self.connection.send(message, &mut output).unwrap();
        self.write(output).await;
    }

    /// Sends a Ping.
    pub(crate) async fn ping(&mut self, payload: &str) {
        let mut output = BytesMut::new();
        self.connection.ping(payload, &mut output).unwrap();
        self.write(output).await;
    }

    /// Sends a message, and receives one.
    pub(crate) async fn ask(&mut self, message: impl AsMessage) -> Message {
        self.send(message).await;
        match self.recv().await {
            Some(Ok(Event::Message(message))) => message,
            other => panic!("received {other:?}"),
        }
    }

    /// Closes with this code, and ends the stream after the server has done so.
    pub(crate) async fn finish(mut self, code: CloseCode) {
        self.close(code).await;
        match self.recv().await {
            Some(Ok(Event::Close(Some(close)))) => assert_eq!(close.code, code),
            other => panic!("received {other:?}"),
        }
        // The flag is in a frame without data.
        assert_eq!(self.recv.data().await.unwrap().unwrap(), "");
        assert!(self.recv.is_end_stream() && self.recv.data().await.is_none());
        self.send.send_data(Bytes::new(), true).unwrap();
    }

    /// Sends a Close.
    pub(crate) async fn close(&mut self, code: CloseCode) {
        let mut output = BytesMut::new();
        self.connection.close(Close::from(code), &mut output).unwrap();
        self.write(output).await;
    }

    async fn write(&mut self, mut output: BytesMut) {
        while !output.is_empty() {
            self.send.reserve_capacity(output.len());
            let capacity = poll_fn(|context| self.send.poll_capacity(context)).await.unwrap().unwrap();
            let chunk = output.split_to(capacity.min(output.len())).freeze();
            self.send.send_data(chunk, false).unwrap();
        }
    }

    /// Receives the next event, or `None` at the end of the stream.
    pub(crate) async fn recv(&mut self) -> Option<Result<Event, h2::Error>> {
        loop {
            let mut output = BytesMut::new();
            let event = self.connection.receive(&mut self.input, &mut output).unwrap();
            self.write(output).await;
            if let Some(event) = event {
                return Some(Ok(event));
            }
            match self.recv.data().await? {
                Ok(data) => {
                    self.recv.flow_control().release_capacity(data.len()).unwrap();
                    self.input.extend_from_slice(&data);
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
