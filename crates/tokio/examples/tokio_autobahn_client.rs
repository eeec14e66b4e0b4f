//! An echo client for the Autobahn test suite. It connects to the fuzzing server once for each case, echoes all
//! messages, and makes the server write its report.
//!
//! `tokio_autobahn_client ws://127.0.0.1:9001 [FIRST [LAST]]`

use std::error::Error;

use protocol_websocket_tokio::{Connect, ConnectError, Limits, Stream, WebSocket, config};

/// The name of the client in the report.
const AGENT: &str = "protocol-websocket";
/// The longest message of the suite is 16 MiB. The most fragments of a message are 65,537.
const LIMITS: Limits = Limits::new(16 * 1024 * 1024).max_fragments(131_072);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let server = arguments.next().ok_or("usage: tokio_autobahn_client URL [FIRST [LAST]]")?;
    let first = arguments.next().map_or(Ok(1), |first| first.parse::<u32>())?;
    let last = match arguments.next() {
        Some(last) => last.parse()?,
        None => case_count(&server).await?,
    };
    for case in first..=last {
        echo(connect(&format!("{server}/runCase?case={case}&agent={AGENT}")).await?).await;
    }
    // The server ends the connection once it has written the report.
    let mut reports = connect(&format!("{server}/updateReports?agent={AGENT}")).await?;
    while reports.recv().await.is_some() {}
    Ok(())
}

async fn connect(url: &str) -> Result<WebSocket<Stream>, ConnectError> {
    let (websocket, _) = Connect::new(url)?.config(config().limits(LIMITS)).await?;
    Ok(websocket)
}

async fn case_count(server: &str) -> Result<u32, Box<dyn Error>> {
    let mut websocket = connect(&format!("{server}/getCaseCount")).await?;
    let message = websocket.recv().await.ok_or("the server sent no number of cases")??;
    Ok(message.as_text().unwrap_or_default().parse()?)
}

/// Echoes all messages. In many cases the server violates the protocol on purpose, or ends the connection without a
/// closing handshake. So an error of the connection is not an error here.
async fn echo(mut websocket: WebSocket<Stream>) {
    while let Some(Ok(message)) = websocket.recv().await {
        if websocket.queue(message).is_err() {
            break;
        }
    }
}
