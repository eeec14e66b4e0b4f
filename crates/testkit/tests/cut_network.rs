//! Two hosts of turmoil with a network partition that is repaired. The client sends Pings, so it detects the partition, and
//! reconnects.
#![cfg(feature = "tokio")]
#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol_websocket_tokio::protocol_websocket::{EndedBy, OsRandom};
use protocol_websocket_tokio::{
    Accept, Backoff, CloseCode, Connect, Destination, Ended, Error, WebSocket, accept, config,
};
use tokio::time::sleep;
use turmoil::net::{TcpListener, TcpStream};

const PORT: u16 = 3000;

/// Accepts connections, and sends each message back.
async fn serve() -> turmoil::Result {
    let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async {
            let mut websocket = accept(stream, config()).await?.accept(Accept::new()).await?;
            while let Some(message) = websocket.recv().await {
                websocket.queue(message?)?;
            }
            Ok::<_, Error>(())
        });
    }
}

/// Connects. The transport is a stream of turmoil, and everything else is as with a socket.
async fn connect() -> turmoil::Result<WebSocket<TcpStream>> {
    let stream = TcpStream::connect(("server", PORT)).await?;
    Ok(Connect::to(Destination::new("server", "/")).over(stream).await?.0)
}

/// Sends a message each second, until 5 came back on the last connection. Returns how each connection ended.
async fn run_client() -> turmoil::Result<Vec<Ended>> {
    let (mut backoff, mut random, mut all) = (Backoff::new(), OsRandom::new(), Vec::new());
    loop {
        if let Ok(mut websocket) = connect().await {
            for _ in 0..5 {
                let sent = websocket.send("message").await;
                if sent.is_err() || !matches!(websocket.recv().await, Some(Ok(_))) {
                    break;
                }
                backoff.reset();
                sleep(Duration::from_secs(1)).await;
            }
            // After an error, `close` returns how the connection has ended.
            all.push(websocket.close(CloseCode::NORMAL).await);
            if all.last().is_some_and(|ended| !ended.is_temporary()) {
                return Ok(all);
            }
        }
        sleep(backoff.next_delay(&mut random).unwrap()).await;
    }
}

#[test]
fn client_notices_a_cut_network_and_reconnects() {
    let mut network = turmoil::Builder::new()
        .simulation_duration(Duration::from_secs(600))
        .rng_seed(1)
        .tick_duration(Duration::from_millis(10))
        .build();
    network.host("server", serve);
    let ended = Arc::new(Mutex::new(Vec::new()));
    let result = Arc::clone(&ended);
    network.client("client", async move {
        *result.lock().unwrap() = run_client().await?;
        Ok(())
    });
    // The partition begins during the first connection, and lasts longer than the interval of Pings and the deadline for a
    // Pong.
    network.client("operator", async {
        sleep(Duration::from_millis(2500)).await;
        turmoil::partition("client", "server");
        sleep(Duration::from_secs(60)).await;
        turmoil::repair("client", "server");
        Ok(())
    });
    network.run().unwrap();

    let ended = ended.lock().unwrap();
    let by: Vec<EndedBy> = ended.iter().map(|ended| ended.by).collect();
    assert_eq!(by, [EndedBy::Timeout, EndedBy::Us]);
    assert_eq!(ended[1].code, CloseCode::NORMAL);
}
