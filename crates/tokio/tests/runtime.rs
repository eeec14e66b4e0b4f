//! Runtimes with one thread and with many, and the use outside of a runtime.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::panic, clippy::unwrap_used)]

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use protocol_websocket::Connection;
use protocol_websocket_tokio::{
    Accept, Close, CloseCode, Config, Connect, Destination, Error, Message, Negotiated, Session, Timeouts, WebSocket,
    accept, config,
};
use tokio::io::{DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle, Runtime};

const CLIENTS: u16 = 8;
const MESSAGES: u16 = 200;

/// Sends each message back, with halves or without.
async fn serve(stream: TcpStream, splits: bool) -> Result<(), Error> {
    let mut websocket = accept(stream, config()).await?.accept(Accept::new()).await?;
    if !splits {
        while let Some(message) = websocket.recv().await {
            websocket.queue(message?)?;
        }
        return Ok(());
    }
    let (sender, mut receiver) = websocket.split();
    while let Some(message) = receiver.recv().await {
        sender.queue(message?)?;
    }
    Ok(())
}

async fn talk(port: u16, number: u16) {
    let connect = Connect::to(Destination::new("127.0.0.1", "/").port(port));
    let (mut websocket, _) = connect.await.unwrap();
    for n in 0..MESSAGES {
        let message = Message::from(format!("{number} {n}"));
        websocket.send(&message).await.unwrap();
        assert_eq!(websocket.recv().await.unwrap().unwrap(), message);
    }
    assert!(websocket.close(Close::from(CloseCode::NORMAL)).await.clean);
}

async fn echo_to_all() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let clients: Vec<_> = (0..CLIENTS).map(|number| tokio::spawn(talk(port, number))).collect();
    let mut servers = Vec::new();
    for number in 0..CLIENTS {
        servers.push(tokio::spawn(serve(listener.accept().await.unwrap().0, number % 2 == 0)));
    }
    for client in clients {
        client.await.unwrap();
    }
    for server in servers {
        server.await.unwrap().unwrap();
    }
    // The tasks of the halves end, too.
    while Handle::current().metrics().num_alive_tasks() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn connections_work_in_a_runtime_with_one_thread() {
    echo_to_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn connections_work_in_a_runtime_with_many_threads() {
    echo_to_all().await;
}

/// Returns both ends of a connection.
fn pair(timeouts: Timeouts) -> (WebSocket<DuplexStream>, WebSocket<DuplexStream>) {
    let (near, far) = duplex(1000);
    let (negotiated, config) = (Negotiated::new(), Config::new().timeouts(timeouts));
    let mask = |key: &mut [u8]| key.fill(7);
    let client = Session::new(Connection::open_client(&negotiated, config.clone(), mask));
    let server = Session::new(Connection::open_server(&negotiated, config));
    (WebSocket::new(near, client), WebSocket::new(far, server))
}

fn poll<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Returns the message of the panic.
fn panic_message<T>(f: impl FnOnce() -> T) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(f)) else { panic!("no panic") };
    payload
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| payload.downcast_ref().map(|text: &&str| (*text).into()))
        .unwrap()
}

#[test]
fn messages_pass_outside_of_a_runtime_without_deadlines() {
    let (mut client, mut server) = pair(Timeouts::NONE);
    assert!(matches!(poll(client.send("hello")), Poll::Ready(Ok(()))));
    let Poll::Ready(Some(Ok(message))) = poll(server.recv()) else { panic!("no message") };
    assert_eq!(message, "hello".into());
    assert!(poll(server.recv()).is_pending());
}

#[test]
fn deadlines_and_halves_outside_of_a_runtime_panic_with_a_clear_message() {
    let (mut client, server) = pair(Timeouts::RECOMMENDED);
    let message = panic_message(|| poll(client.recv()));
    assert!(message.contains("there is no reactor running"), "{message}");
    let message = panic_message(|| server.split());
    assert!(message.contains("there is no reactor running"), "{message}");
}

#[test]
fn deadlines_in_a_runtime_without_a_timer_panic_with_a_clear_message() {
    let runtime: Runtime = Builder::new_current_thread().build().unwrap();
    let (mut client, _server) = pair(Timeouts::RECOMMENDED);
    let message = panic_message(|| runtime.block_on(async { poll(client.recv()) }));
    assert!(message.contains("timers are disabled"), "{message}");
}

#[test]
fn end_of_the_runtime_ends_split_connections() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (_client, server) = pair(Timeouts::RECOMMENDED);
    let (sender, mut receiver) = runtime.block_on(async { server.split() });
    assert!(poll(receiver.recv()).is_pending());
    drop(runtime);
    assert!(matches!(poll(receiver.recv()), Poll::Ready(Some(Err(_)))));
    assert!(matches!(poll(receiver.recv()), Poll::Ready(None)));
    assert!(sender.ended().is_some() && sender.queue("late").is_err());
}
