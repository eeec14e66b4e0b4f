//! Broadcast: each message that arrives is sent to all connections, one after another.

use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use protocol_websocket_connection::{Config, Timeouts};
use protocol_websocket_tokio::{Accept, Prepared, Sender, accept};
use tokio::net::TcpStream;

use super::Result;
use super::baseline::{parse, unmask};
use super::codec::Codec;
use super::counted::Counted;
use super::opening::Opened;

/// Encodes once, with one compression, and writes to each socket.
pub(super) async fn baseline(opened: Opened) -> Result {
    static STREAMS: Mutex<Vec<Arc<TcpStream>>> = Mutex::new(Vec::new());
    let (mut codec, stream) = (opened.deflate.map(|_| Codec::new(false)), Arc::new(opened.stream));
    STREAMS.lock().unwrap().push(Arc::clone(&stream));
    let (mut input, mut frame) = (Vec::new(), Vec::new());
    loop {
        stream.readable().await?;
        match stream.try_read_buf(&mut input) {
            Ok(0) => return Ok(()),
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error.into()),
            _ => {}
        }
        while let Some((header, key, payload)) = parse(&input) {
            let (mut text, used) = (payload.to_vec(), header + 4 + payload.len());
            unmask(&mut text, key);
            simdutf8::basic::from_utf8(&text)?;
            frame.clear();
            if let Some(codec) = &mut codec {
                codec.encode(&text, &mut frame);
            } else {
                frame.extend_from_slice(&input[..header]);
                frame[1] &= 0x7F;
                frame.extend_from_slice(&text);
            }
            input.drain(..used);
            let streams = STREAMS.lock().unwrap().clone();
            for stream in streams {
                write_all(&stream, &frame).await?;
            }
        }
    }
}

async fn write_all(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Prepares each message once, and prints the number of compressions.
pub(super) async fn ours(stream: TcpStream) -> Result {
    static SENDERS: Mutex<Vec<Sender>> = Mutex::new(Vec::new());
    static COMPRESSIONS: AtomicU64 = AtomicU64::new(0);
    static CONFIG: LazyLock<Arc<Config>> = LazyLock::new(|| {
        let config = Config::new().timeouts(Timeouts::RECOMMENDED);
        Arc::new(config.extension(Counted::new(&COMPRESSIONS)))
    });
    let (sender, mut receiver) = accept(stream, Arc::clone(&CONFIG)).await?.accept(Accept::new()).await?.split();
    SENDERS.lock().unwrap().push(sender);
    while let Some(message) = receiver.recv().await {
        let before = COMPRESSIONS.load(Ordering::Relaxed);
        let mut prepared = Prepared::new(message?);
        for sender in SENDERS.lock().unwrap().iter() {
            sender.queue_prepared(&mut prepared)?;
        }
        println!("{}", COMPRESSIONS.load(Ordering::Relaxed) - before);
    }
    Ok(())
}
