//! A server that records its WebSockets:
//!
//! | path | what its WebSocket does |
//! |---|---|
//! | `/echo` | sends each message back |
//! | `/parts` | sends a text in two parts, and a ping between them; after the pong, sends a text |
//! | `/close` | closes with 4001 and `bye` after a message |
//! | `/drop` | drops the transport after a message |
//! | `/forbidden` | is refused, because the origin of the page is not allowed |

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::{Method, Uri, Version};
use axum::response::{Html, Response};
use axum::routing::{any, get, post};
use axum::serve::{Listener, ListenerExt};
use axum::{Extension, Router};
use hyper::ext::Protocol;
use protocol_websocket_axum::protocol_websocket::MessageKind;
use protocol_websocket_axum::{Close, CloseCode, Ended, Event, Part, WebSocket, WebSocketUpgrade};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

/// The time that a peer may take until the next record.
const DEADLINE: Duration = Duration::from_secs(180);

/// What the server has seen of a WebSocket, or of a page.
#[derive(Debug)]
pub(crate) struct Record {
    /// The request, what was negotiated, and the end; or what the page reports.
    pub(crate) text: String,
    /// The port of the client's TCP connection.
    pub(crate) port: u16,
    pub(crate) bytes_read: u64,
    pub(crate) bytes_written: u64,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    records: UnboundedReceiver<Record>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(TcpListener::bind("127.0.0.1:0").await.unwrap(), String::new())
    }

    /// Starts a server with a page that goes to the URL `next` after its report.
    pub(crate) fn with(listener: impl Listener<Addr = SocketAddr>, next: String) -> Self {
        let address = listener.local_addr().unwrap();
        let (sender, records) = unbounded_channel();
        let router = Router::new()
            .route("/", get(Html(include_str!("page.html"))))
            .route("/report", post(report))
            .route(
                "/forbidden",
                any(async |upgrade: WebSocketUpgrade| {
                    upgrade.origin(&["https://example.com"]).on_upgrade(crate::common::echo)
                }),
            )
            .route("/{path}", any(open))
            .with_state((sender, Arc::from(next)));
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        // Only such a listener has the addresses of clients for any type of stream.
        let listener = listener.tap_io(|_| {});
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { address, records }
    }

    /// Waits for the next record.
    pub(crate) async fn record(&mut self) -> Record {
        timeout(DEADLINE, self.records.recv()).await.expect("no record").unwrap()
    }
}

type Shared = State<(UnboundedSender<Record>, Arc<str>)>;

/// Records what the page reports. The response is the URL of the next page.
async fn report(State((sender, next)): Shared, ConnectInfo(client): ConnectInfo<SocketAddr>, text: String) -> String {
    sender.send(Record { text, port: client.port(), bytes_read: 0, bytes_written: 0 }).unwrap();
    next.to_string()
}

async fn open(
    State((sender, _)): Shared,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    method: Method,
    version: Version,
    uri: Uri,
    protocol: Option<Extension<Protocol>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let protocol = protocol.map(|Extension(protocol)| protocol.as_str().to_owned());
    let resource = upgrade.request().resource_name().to_owned();
    upgrade.protocols(["chat"]).on_upgrade(async move |mut websocket| {
        let negotiated = websocket.negotiated();
        let extensions: Vec<_> = negotiated.extensions.iter().map(ToString::to_string).collect();
        let (subprotocol, extensions) = (negotiated.subprotocol.clone().unwrap_or_default(), extensions.join(", "));
        let ended = converse(&mut websocket, uri.path()).await;
        let stats = websocket.stats();
        drop(websocket);
        let protocol = protocol.unwrap_or_default();
        let text = format!("{resource} {method} {version:?} {protocol}; {subprotocol}; {extensions}; {ended}");
        let record =
            Record { text, port: client.port(), bytes_read: stats.bytes_read, bytes_written: stats.bytes_written };
        sender.send(record).unwrap();
    })
}

/// Does what the path selects. Returns how the WebSocket ended.
async fn converse(websocket: &mut WebSocket, path: &str) -> String {
    match path {
        "/close" => {
            websocket.recv().await.unwrap().unwrap();
            text_of(&websocket.close(Close::new(CloseCode(4001), "bye")).await)
        }
        "/drop" => {
            websocket.recv().await.unwrap().unwrap();
            "dropped".to_owned()
        }
        "/parts" => {
            // The parts split a character.
            let (start, end) = "Größe 🦀".as_bytes().split_at(3);
            let part = |bytes, first| {
                Part::new(MessageKind::Text, Bytes::from_static(bytes)).with_first(first).with_last(!first)
            };
            websocket.queue_part(part(start, true)).unwrap();
            websocket.queue_ping("between").unwrap();
            websocket.queue_part(part(end, false)).unwrap();
            let event = websocket.recv_event().await.unwrap().unwrap();
            assert!(matches!(&event, Event::Pong(payload) if payload == "between"), "{event:?}");
            websocket.send("pong").await.unwrap();
            echo(websocket).await
        }
        _ => echo(websocket).await,
    }
}

async fn echo(websocket: &mut WebSocket) -> String {
    while let Some(Ok(message)) = websocket.recv().await {
        websocket.queue(message).unwrap();
    }
    text_of(websocket.ended().unwrap())
}

fn text_of(ended: &Ended) -> String {
    let clean = if ended.clean { "clean" } else { "not clean" };
    format!("ended by {} with {} {:?}, {clean}", ended.by, ended.code.0, &*ended.reason)
}
