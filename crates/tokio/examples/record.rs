//! Records an echo, replays it against the server, and compares the responses.
//!
//! `docs/recording.md` describes recordings. `wsconsole --replay` does the same with any server.

use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use protocol_websocket_record::{Log, RecordedPayload, Recorder, Recording};
use protocol_websocket_tokio::protocol_websocket::OpCode;
use protocol_websocket_tokio::{Accept, CloseCode, Connect, Message, accept, config, connect};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}/", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(echo(stream));
        }
    });

    let path = std::env::temp_dir().join(format!("echo-{}.jsonl", std::process::id()));
    record(&url, &path).await?;
    println!("{} messages differ", replay(&url, &path).await?);
    std::fs::remove_file(path)?;
    Ok(())
}

async fn echo(stream: tokio::net::TcpStream) -> Result<(), protocol_websocket_tokio::Error> {
    let mut websocket = accept(stream, Arc::new(config())).await?.accept(Accept::new()).await?;
    while let Some(message) = websocket.recv().await {
        websocket.queue(message?)?;
    }
    Ok(())
}

/// Sends three messages and receives their echoes, and records the connection.
pub(crate) async fn record(url: &str, path: &Path) -> Result<(), Box<dyn Error>> {
    let recorder = Recorder::new(File::create(path)?);
    let observed = recorder.clone();
    let config = config().observer(move |role| observed.connection(role));
    let (mut websocket, _) = Connect::new(url)?.config(config).await?;
    for message in ["hello".into(), Message::from(vec![0, 255]), "Größe ".repeat(1000).into()] {
        websocket.send(message).await?;
        websocket.recv().await.ok_or("the server ended the connection")??;
    }
    websocket.close(CloseCode::NORMAL).await;
    // A log that cannot be written does not affect the connection, so the error is reported here.
    recorder.take_error().map_or(Ok(()), |error| Err(error.into()))
}

/// Sends the recorded messages of the client. Returns the number of messages of the server that differ from the recording.
pub(crate) async fn replay(url: &str, path: &Path) -> Result<usize, Box<dyn Error>> {
    let recording = Recording::read(Log::new(BufReader::new(File::open(path)?))?)?;
    let recorded = recording.connections.first().ok_or("the recording has no connection")?;
    let (mut websocket, _) = connect(url).await?;
    let mut differences = 0;
    for message in &recorded.messages {
        match (&message.payload, recorded.is_from_client(message.direction)) {
            (RecordedPayload::Text(text), true) => websocket.send(text).await?,
            (RecordedPayload::Binary(bytes), true) if message.opcode == OpCode::Binary => websocket.send(bytes).await?,
            (_, false) if matches!(message.opcode, OpCode::Text | OpCode::Binary) => {
                let received = websocket.recv().await.ok_or("the server ended the connection")??;
                let opcode = if matches!(received, Message::Text(_)) { OpCode::Text } else { OpCode::Binary };
                differences += usize::from(!message.is_same(opcode, received.as_bytes()));
            }
            // Control frames.
            _ => {}
        }
    }
    websocket.close(CloseCode::NORMAL).await;
    Ok(differences)
}
