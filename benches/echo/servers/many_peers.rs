//! The other libraries with many connections: as [`super::many`].

use std::sync::LazyLock;

use axum::extract::ws;
use axum::response::Response;
use bytes::BytesMut;
use fastwebsockets::{WebSocketError, WebSocketWrite, upgrade};
use futures_util::stream::SplitSink;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use sockudo_ws::deflate::{DeflateNegotiation, negotiate_server_deflate};
use sockudo_ws::handshake::{build_response, generate_accept_key, parse_request};
use sockudo_ws::{CompressedWebSocketStream, Config, DeflateConfig, Message, WebSocketStream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, WriteHalf};
use tokio::net::TcpStream;

use super::many::ping_interval;
use super::peers::{Registry, fastwebsockets_to_all, registry, sockudo_data, to_all, tungstenite_data};
use super::{Result, accepted};

pub(super) fn serve(name: &str) -> Result {
    match name {
        "many-tokio-tungstenite" => {
            let all = registry();
            accepted(|stream| async {
                to_all(tokio_tungstenite::accept_async(stream).await?, all, tungstenite_data).await
            })
        }
        "many-fastwebsockets" => {
            let all = registry();
            accepted(|stream| fastwebsockets(stream, all))
        }
        "many-sockudo-ws" => {
            let (all, all_compressed) = (registry(), registry());
            accepted(|stream| sockudo_ws(stream, all, all_compressed))
        }
        other => Err(other.into()),
    }
}

/// `axum::extract::ws`.
pub(super) async fn axum(upgrade: ws::WebSocketUpgrade) -> Response {
    static ALL: LazyLock<Registry<SplitSink<ws::WebSocket, ws::Message>>> = LazyLock::new(registry);
    upgrade.on_upgrade(async |socket| drop(to_all(socket, *ALL, axum_data).await))
}

fn axum_data(
    item: std::result::Result<ws::Message, axum::Error>,
) -> std::result::Result<Option<ws::Message>, axum::Error> {
    item.map(|message| Some(message).filter(|message| matches!(message, ws::Message::Text(_) | ws::Message::Binary(_))))
}

async fn fastwebsockets(stream: TcpStream, all: Registry<WebSocketWrite<WriteHalf<TokioIo<Upgraded>>>>) -> Result {
    let handler = service_fn(move |mut request: Request<Incoming>| async move {
        let (response, opening) = upgrade::upgrade(&mut request)?;
        tokio::spawn(async move {
            let (read, write) = opening.await?.split(tokio::io::split);
            fastwebsockets_to_all(read, write, all).await
        });
        std::result::Result::<_, WebSocketError>::Ok(response)
    });
    Ok(http1::Builder::new().serve_connection(TokioIo::new(stream), handler).with_upgrades().await?)
}

type SockudoWs = WebSocketStream<TcpStream>;
type SockudoWsDeflate = CompressedWebSocketStream<TcpStream>;

async fn sockudo_ws(
    mut stream: TcpStream,
    all: Registry<SplitSink<SockudoWs, Message>>,
    all_compressed: Registry<SplitSink<SockudoWsDeflate, Message>>,
) -> Result {
    let mut input = BytesMut::with_capacity(4096);
    let agreed = loop {
        if stream.read_buf(&mut input).await? == 0 {
            return Ok(());
        }
        if let Some((request, _)) = parse_request(&input)? {
            let agreed =
                request.extensions.and_then(|offers| negotiate_server_deflate(offers, &DeflateConfig::default()));
            let response = agreed.as_ref().map(DeflateNegotiation::to_response_header);
            stream.write_all(&build_response(&generate_accept_key(request.key), None, response.as_deref())).await?;
            break agreed;
        }
    };
    let mut config = Config::default();
    config.ping_interval = ping_interval().map_or(config.ping_interval, |seconds| seconds as u32);
    match agreed {
        Some(agreed) => {
            let socket = SockudoWsDeflate::server(stream, config, agreed.config);
            to_all(socket, all_compressed, sockudo_data).await
        }
        None => to_all(SockudoWs::server(stream, config), all, sockudo_data).await,
    }
}
