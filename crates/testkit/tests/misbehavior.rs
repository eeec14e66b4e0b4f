//! Every misbehaving peer against the server and the client for tokio.
#![cfg(feature = "tokio")]
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use protocol_websocket_testkit::{Misbehavior, Peer, Transport, run};
use protocol_websocket_tokio::protocol_websocket::{CloseCode, EndedBy};
use protocol_websocket_tokio::{Accept, Connect, Destination, Ended, WebSocket, accept, config};
use tokio::time::Instant;

/// Sends each message back, and closes after a minute. Returns how the connection ended.
async fn echo(mut websocket: WebSocket<Transport>) -> Ended {
    let end = Instant::now() + Duration::from_secs(60);
    while let Ok(Some(Ok(message))) = tokio::time::timeout_at(end, websocket.recv()).await {
        let _ = websocket.queue(message);
    }
    websocket.close(CloseCode::NORMAL).await
}

async fn serve(transport: Transport) -> Ended {
    echo(accept(transport, config()).await.unwrap().accept(Accept::new()).await.unwrap()).await
}

async fn connect(transport: Transport) -> Ended {
    echo(Connect::to(Destination::new("localhost", "/")).over(transport).await.unwrap().0).await
}

fn check(misbehavior: Misbehavior, code: Option<CloseCode>, ended: &Ended) {
    assert_eq!((misbehavior, code), (misbehavior, misbehavior.close_code()));
    assert_eq!((misbehavior, ended.by), (misbehavior, misbehavior.ended_by()), "{ended:?}");
    assert_eq!(ended.clean, ended.by == EndedBy::Peer, "{ended:?}");
}

#[test]
fn server_ends_each_connection_as_documented() {
    for &misbehavior in Misbehavior::ALL {
        for capacity in [10, 64 * 1024] {
            run(async {
                let (near, far) = Transport::pair(capacity);
                let server = tokio::spawn(serve(near));
                let code = Peer::connect(far, "/").await.unwrap().misbehave(misbehavior).await.unwrap();
                check(misbehavior, code, &server.await.unwrap());
            });
        }
    }
}

#[test]
fn client_ends_each_connection_as_documented() {
    for &misbehavior in Misbehavior::ALL {
        run(async {
            let (near, far) = Transport::pair(64 * 1024);
            let client = tokio::spawn(connect(near));
            let code = Peer::accept(far).await.unwrap().misbehave(misbehavior).await.unwrap();
            check(misbehavior, code, &client.await.unwrap());
        });
    }
}

#[test]
fn page_has_every_misbehavior() {
    let page = include_str!("../../../docs/testing.md");
    for misbehavior in Misbehavior::ALL {
        let code = misbehavior.close_code().map_or(String::from("–"), |code| u16::from(code).to_string());
        let end = format!(" | {code} | `{:?}` |", misbehavior.ended_by());
        let is_row = |line: &str| line.starts_with(&format!("| `{misbehavior:?}` | ")) && line.ends_with(&end);
        assert!(page.lines().any(is_row), "{misbehavior:?}{end}");
    }
    assert_eq!(page.lines().filter(|line| line.starts_with("| `")).count(), Misbehavior::ALL.len() + 1);
}
