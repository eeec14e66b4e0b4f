//! Servers in axum, each with the loop of its documentation. By default, `axum::serve` leaves Nagle's algorithm on.

use axum::routing::any;
use axum::serve::ListenerExt as _;
use axum::{Router, serve};
use protocol_websocket_axum::{WebSocket, WebSocketUpgrade};

#[cfg(feature = "peers")]
use super::many_peers;
use super::{Result, listen, many, run};

pub(super) fn serve_on(router: Router, nodelay: bool) -> Result {
    run(async move {
        let listener = listen()?;
        let served = if nodelay {
            serve(listener.tap_io(|stream| drop(stream.set_nodelay(true))), router).await
        } else {
            serve(listener, router).await
        };
        Ok(served?)
    })
}

/// Returns the router of a server.
pub(super) fn router(name: &str) -> Option<Router> {
    let route = match name {
        "axum-queue" => any(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(queue)),
        "axum-ws" => any(ours::handler),
        "many-axum" => any(many::axum),
        #[cfg(feature = "peers")]
        "axum-extract-ws" => any(theirs::handler),
        #[cfg(feature = "peers")]
        "many-axum-extract-ws" => any(many_peers::axum),
        #[cfg(feature = "peers")]
        "axum-yawc" => any(peers::yawc),
        #[cfg(feature = "peers")]
        "axum-fastwebsockets" => any(peers::fastwebsockets),
        #[cfg(feature = "peers")]
        "axum-sockudo-ws" => any(peers::sockudo_ws),
        _ => return None,
    };
    Some(Router::new().route("/", route))
}

async fn queue(mut websocket: WebSocket) {
    while let Some(Ok(message)) = websocket.recv().await {
        if websocket.queue(message).is_err() {
            break;
        }
    }
}

/// The loop of the documentation of `axum::extract::ws`, with one import or the other.
macro_rules! documented {
    ($name:ident, $($module:ident)::+) => {
        mod $name {
            use axum::response::Response;
            use $($module)::+::{WebSocket, WebSocketUpgrade};

            pub(super) async fn handler(ws: WebSocketUpgrade) -> Response {
                ws.on_upgrade(handle_socket)
            }

            async fn handle_socket(mut socket: WebSocket) {
                while let Some(msg) = socket.recv().await {
                    let Ok(msg) = msg else { return };
                    if socket.send(msg).await.is_err() {
                        return;
                    }
                }
            }
        }
    };
}

documented!(ours, protocol_websocket_axum::ws);
#[cfg(feature = "peers")]
documented!(theirs, axum::extract::ws);

/// The libraries with an extractor of their own. yawc checks text, as the others do.
#[cfg(feature = "peers")]
mod peers {
    use axum::response::IntoResponse;
    use fastwebsockets::{FragmentCollector, OpCode, upgrade};
    use futures_util::SinkExt as _;
    use sockudo_ws::Message;

    use super::super::Result;

    pub(super) async fn yawc(upgrade: yawc::IncomingUpgrade) -> impl IntoResponse {
        let options = yawc::Options::default().with_utf8().with_balanced_compression();
        let (response, opening) = upgrade.upgrade(options).expect("the options are valid");
        tokio::spawn(async move {
            let mut websocket = opening.await?;
            while let Ok(frame) = websocket.next_frame().await {
                if matches!(frame.opcode(), yawc::OpCode::Text | yawc::OpCode::Binary) {
                    websocket.send(frame).await?;
                }
            }
            yawc::Result::Ok(())
        });
        response
    }

    pub(super) async fn fastwebsockets(incoming: upgrade::IncomingUpgrade) -> impl IntoResponse {
        let (response, opening) = incoming.upgrade().expect("the response is valid");
        tokio::spawn(async move {
            let mut websocket = FragmentCollector::new(opening.await?);
            loop {
                let frame = websocket.read_frame().await?;
                match frame.opcode {
                    OpCode::Close => return Result::Ok(()),
                    OpCode::Text | OpCode::Binary => websocket.write_frame(frame).await?,
                    _ => {}
                }
            }
        });
        response
    }

    pub(super) async fn sockudo_ws(upgrade: sockudo_ws::axum_integration::WebSocketUpgrade) -> impl IntoResponse {
        let config = sockudo_ws::Config::builder().compression(sockudo_ws::Compression::Dedicated).build();
        upgrade.config(config).on_upgrade(async |mut socket| {
            while let Some(Ok(message)) = socket.recv().await {
                if matches!(message, Message::Close(_)) {
                    break;
                }
                if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
                    break;
                }
            }
        })
    }
}
