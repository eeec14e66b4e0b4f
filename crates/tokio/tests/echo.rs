//! A client and a server over transports in memory.
#![cfg(all(feature = "server", feature = "url"))]
#![allow(clippy::unwrap_used, clippy::panic)]

use protocol_websocket_tokio::{
    Accept, Close, CloseCode, Connect, Error, Message, SendError, WebSocket, accept, config,
};
use tokio::io::{DuplexStream, duplex};

async fn pair(buffer: usize) -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
    let (client, server) = duplex(buffer);
    let server = tokio::spawn(async move { accept(server, config()).await?.accept(Accept::new()).await });
    let (client, _) = Connect::new("ws://example.com/").unwrap().over(client).await.unwrap();
    (client, server.await.unwrap().unwrap())
}

async fn echo(mut websocket: WebSocket<DuplexStream>) -> Result<(), Error> {
    while let Some(message) = websocket.recv().await {
        websocket.queue(message?)?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn messages_are_echoed_and_both_ends_close() {
    for buffer in [1, 7, 4096, 1 << 20] {
        let (mut client, server) = pair(buffer).await;
        let server = tokio::spawn(echo(server));
        for len in [0, 1, 125, 126, 65_536, 300_000] {
            let message = Message::from(vec![7; len]);
            client.send(&message).await.unwrap();
            assert_eq!(client.recv().await.unwrap().unwrap(), message);
        }
        let ended = client.close(Some(CloseCode::NORMAL.into())).await;
        assert!(ended.clean && ended.code == CloseCode::NORMAL, "{ended:?}");
        assert!(server.await.unwrap().is_ok());
        assert!(client.recv().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn idle_connection_stays_open() {
    let (mut client, server) = pair(4096).await;
    let server = tokio::spawn(echo(server));
    let waited = tokio::time::timeout(std::time::Duration::from_secs(86_400), client.recv()).await;
    assert!(waited.is_err());
    client.send("still open").await.unwrap();
    assert_eq!(client.recv().await.unwrap().unwrap(), Message::from("still open"));
    drop(client);
    assert!(matches!(server.await.unwrap(), Err(Error::Connection(protocol_websocket::Error::UnexpectedEof))));
}

#[tokio::test(start_paused = true)]
async fn messages_are_received_after_a_close_was_queued() {
    let (mut client, mut server) = pair(4096).await;
    client.queue("first").unwrap();
    client.queue_close(Close::from(CloseCode::GOING_AWAY));
    assert_eq!(client.queue("late"), Err(SendError::Closed));
    // It has no effect after the first Close.
    client.queue_close(None);
    client.flush().await.unwrap();
    server.queue("reply").unwrap();
    let server = tokio::spawn(async move {
        assert_eq!(server.recv().await.unwrap().unwrap(), Message::from("first"));
        assert!(server.recv().await.is_none());
        server.ended().unwrap().code
    });
    assert_eq!(client.recv().await.unwrap().unwrap(), Message::from("reply"));
    assert!(client.recv().await.is_none());
    assert_eq!(server.await.unwrap(), CloseCode::GOING_AWAY);
}
