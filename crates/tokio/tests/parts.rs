//! Messages in parts, and the smaller methods of a WebSocket and of its halves.
#![cfg(all(feature = "client", feature = "server", feature = "url"))]
#![allow(clippy::panic, clippy::unwrap_used)]

use futures_core::FusedStream as _;
use protocol_websocket::Delivery;
use protocol_websocket_tokio::{
    Accept, CloseCode, Config, Connect, Error, Event, Message, Offer, Part, Parts, WebSocket, accept, config,
};
use tokio::io::{DuplexStream, duplex};

async fn pair(server: Config) -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
    let (near, far) = duplex(4096);
    let accepted = tokio::spawn(async move {
        let accept = accept(far, server).await?;
        accept.accept(Accept::new().subprotocol("chat")).await
    });
    let offer = Offer::new().subprotocol("chat");
    let (client, _) =
        Connect::new("ws://example.com/").unwrap().config(config()).offer(offer).over(near).await.unwrap();
    (client, accepted.await.unwrap().unwrap())
}

#[tokio::test]
async fn recv_part_returns_parts_or_whole_messages() {
    for delivery in [Delivery::Whole, Delivery::Parts] {
        let (mut client, mut server) = pair(Config::new().delivery(delivery)).await;
        client.queue_ping("not a part").unwrap();
        client.send("hello").await.unwrap();
        if delivery == Delivery::Parts {
            assert!(matches!(server.recv().await, Some(Err(Error::Parts))));
        }
        let part = server.recv_part().await.unwrap().unwrap();
        assert_eq!((&part.bytes[..], part.first, part.last), (&b"hello"[..], true, true));
        assert_eq!(server.negotiated().subprotocol.as_deref(), Some("chat"));
        assert!(format!("{server:?}").starts_with("WebSocket"));
        drop(client);
        assert!(matches!(server.recv_part().await, Some(Err(_))) && server.recv_part().await.is_none());
        assert!(server.is_terminated());
    }
}

#[tokio::test]
async fn halves_have_the_methods_of_the_whole() {
    for delivery in [Delivery::Whole, Delivery::Parts] {
        let (client, server) = pair(Config::new().delivery(delivery)).await;
        let (sender, mut echoes) = client.split();
        let (reply, mut receiver) = server.split();
        sender.queue_ping("not a part").unwrap();
        sender.queue_part(Part::from(Message::from("hel")).with_last(false)).unwrap();
        sender.queue_part(Part::from(Message::from("lo")).with_first(false)).unwrap();
        sender.flush().await.unwrap();
        let mut received = Vec::new();
        if delivery == Delivery::Parts {
            assert!(matches!(receiver.recv().await, Some(Err(Error::Parts))));
        }
        while !received.ends_with(b"lo") {
            received.extend_from_slice(&receiver.recv_part().await.unwrap().unwrap().bytes);
        }
        assert_eq!(received, b"hello");
        for negotiated in [sender.negotiated(), reply.negotiated(), receiver.negotiated()] {
            assert_eq!(negotiated.subprotocol.as_deref(), Some("chat"));
        }
        assert!(format!("{sender:?} {receiver:?}").starts_with("Sender"));
        assert!(!receiver.is_terminated());
        let (closed, _) = tokio::join!(reply.close(CloseCode::GOING_AWAY), async {
            while !matches!(echoes.recv_event().await, Some(Ok(Event::Close(_))) | None) {}
        });
        assert_eq!(closed.code, CloseCode::GOING_AWAY);
        assert!(receiver.recv_part().await.is_none() && receiver.is_terminated());
    }
}

#[tokio::test]
async fn parts_of_a_session_make_a_websocket() {
    let (client, mut server) = pair(Config::new()).await;
    let parts = client.into_parts();
    let mut client = WebSocket::from_parts(Parts::new(parts.io, parts.session));
    client.send("still open").await.unwrap();
    assert_eq!(server.recv().await.unwrap().unwrap(), Message::from("still open"));
}

#[tokio::test]
async fn pong_that_no_ping_asked_for_is_sent_and_gets_no_reply() {
    let (mut client, mut server) = pair(Config::new()).await;
    client.queue_pong("from the whole").unwrap();
    client.queue("next").unwrap();
    client.flush().await.unwrap();
    assert_eq!(server.recv_event().await.unwrap().unwrap(), Event::Pong("from the whole".into()));
    assert!(client.queue_pong("x".repeat(126)).is_err());
    let (sender, mut receiver) = server.split();
    sender.queue_pong("from a half").unwrap();
    sender.queue("next").unwrap();
    assert!(sender.queue_pong("x".repeat(126)).is_err());
    for (event, expected) in [
        (receiver.recv_event().await, Event::Message("next".into())),
        (client.recv_event().await, Event::Pong("from a half".into())),
        (client.recv_event().await, Event::Message("next".into())),
    ] {
        assert_eq!(event.unwrap().unwrap(), expected);
    }
}
