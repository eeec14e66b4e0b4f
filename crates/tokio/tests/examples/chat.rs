use protocol_websocket_tokio::{CloseCode, Config, Connect, Stream, WebSocket};
use tokio::net::TcpSocket;

use crate::{close_code, open, receive, serve};

async fn enter(url: &str, room: &str, name: &str) -> WebSocket<Stream> {
    let mut websocket = open(&format!("{url}{room}")).await.unwrap();
    // The room has the client once its own message comes back.
    websocket.send(name).await.unwrap();
    assert_eq!(receive(&mut websocket).await, name.into());
    websocket
}

#[tokio::test]
async fn message_reaches_its_room_alone() {
    let (_server, url) = serve("chat");
    let mut anna = enter(&url, "a", "anna").await;
    let mut berta = enter(&url, "b", "berta").await;
    let mut arno = enter(&url, "a", "arno").await;
    assert_eq!(receive(&mut anna).await, "arno".into());

    anna.send("hello").await.unwrap();
    anna.send([0, 0xFF]).await.unwrap();
    for client in [&mut anna, &mut arno] {
        assert_eq!(receive(client).await, "hello".into());
        assert_eq!(receive(client).await, vec![0, 0xFF].into());
    }
    // A message of the other room would come before this one.
    berta.send("alone").await.unwrap();
    assert_eq!(receive(&mut berta).await, "alone".into());

    anna.close(Some(CloseCode::NORMAL.into())).await;
    arno.send("still here").await.unwrap();
    assert_eq!(receive(&mut arno).await, "still here".into());
}

#[tokio::test]
async fn interrupt_closes_every_client_with_1001() {
    let (mut server, url) = serve("chat");
    let mut clients = Vec::new();
    for name in ["anna", "berta", "carla"] {
        clients.push(enter(&url, name, name).await);
    }
    server.signal("INT");
    for client in &mut clients {
        assert_eq!(close_code(client).await, (CloseCode::GOING_AWAY, true));
    }
    server.printed("3 connections agreed to close, 0 did not");
    assert!(server.wait().success());
}

#[tokio::test]
async fn client_that_does_not_read_is_dropped_and_the_others_go_on() {
    const LEN: usize = 64 * 1024;
    let (_server, url) = serve("chat");
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let address = url.trim_start_matches("ws://").trim_end_matches('/').parse().unwrap();
    let stream = socket.connect(address).await.unwrap();
    let slow = Connect::new(&format!("{url}a")).unwrap().config(Config::new()).over(stream);
    let (mut slow, _) = slow.await.unwrap();
    slow.send("slow").await.unwrap();
    assert_eq!(slow.recv().await.unwrap().unwrap(), "slow".into());
    let (mut anna, mut arno) = (enter(&url, "a", "anna").await, enter(&url, "a", "arno").await);
    assert_eq!(receive(&mut anna).await, "arno".into());

    // More than the server keeps for a client, and more than the system can keep for a socket.
    let mut count = 0_u32;
    let message = |count: u32| count.to_be_bytes().repeat(LEN / 4);
    while count < 400 {
        anna.send(&message(count)).await.unwrap();
        for client in [&mut anna, &mut arno] {
            assert!(receive(client).await == message(count).into());
        }
        count += 1;
    }
    // The names of the others, and then fewer messages than were sent.
    let mut received = 0;
    while let Some(Ok(_)) = slow.recv().await {
        received += 1;
    }
    assert!(received < count, "{received} messages");
    assert_ne!(slow.ended().unwrap().code, CloseCode::NORMAL);
    anna.send("still here").await.unwrap();
    assert_eq!(receive(&mut arno).await, "still here".into());
}
