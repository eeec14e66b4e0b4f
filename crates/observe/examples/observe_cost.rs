//! Measures the time that observers add to an echo in memory, in alternating rounds.
//!
//!     cargo run --release -p protocol-websocket-observe --all-features --example observe_cost

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::{ManualReader, SdkMeterProvider};
use protocol_websocket_observe::{Metrics, TracingObserver};
use protocol_websocket_tokio::protocol_websocket::{Connection, Negotiated, Observation};
use protocol_websocket_tokio::{Config, Session, WebSocket};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::runtime::{Builder, Runtime};
use tracing::Level;
use tracing::subscriber::with_default;

const ROUNDS: usize = 200;
const ECHOES: usize = 1000;
/// The length of the messages in bytes.
const LEN: u8 = 125;

struct Echo {
    peer: DuplexStream,
    websocket: WebSocket<DuplexStream>,
}

impl Echo {
    fn new(config: &Arc<Config>) -> Self {
        let (peer, io) = duplex(64 * 1024);
        let connection = Connection::open_server(&Negotiated::default(), Arc::clone(config));
        Self { peer, websocket: WebSocket::new(io, Session::new(connection)) }
    }

    /// Returns the time of a round.
    async fn round(&mut self) -> Result<Duration, Box<dyn Error>> {
        let mut request = vec![0x81, 0x80 | LEN, 0, 0, 0, 0];
        request.extend([b'x'; LEN as usize]);
        let mut response = [0; 2 + LEN as usize];
        let start = Instant::now();
        for _ in 0..ECHOES {
            self.peer.write_all(&request).await?;
            let message = self.websocket.recv().await.ok_or("no message")??;
            self.websocket.send(message).await?;
            self.peer.read_exact(&mut response).await?;
        }
        Ok(start.elapsed())
    }
}

/// Prints the medians of alternating rounds with and without the observer.
fn compare(runtime: &Runtime, name: &str, observed: Config) -> Result<(), Box<dyn Error>> {
    let mut ends = [Echo::new(&Arc::new(Config::new())), Echo::new(&Arc::new(observed))];
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..ROUNDS {
        for index in [round % 2, (round + 1) % 2] {
            if let (Some(end), Some(times)) = (ends.get_mut(index), times.get_mut(index)) {
                times.push(runtime.block_on(end.round())?);
            }
        }
    }
    let [plain, observed] = times.map(|mut times| {
        times.sort_unstable();
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        median.as_secs_f64() * 1e9 / ECHOES as f64
    });
    println!("{name}: {observed:.0} ns an echo, {plain:.0} without: {:+.1} %", 100.0 * (observed / plain - 1.0));
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let provider = SdkMeterProvider::builder().with_reader(ManualReader::builder().build()).build();
    let metrics = Metrics::new(&provider.meter("observe_cost"));
    compare(&runtime, "nothing", Config::new())?;
    compare(&runtime, "an empty observer of frames", Config::new().observer(|_| |_: &Observation<'_>| {}))?;
    for level in [Level::INFO, Level::TRACE] {
        // The output is discarded.
        let subscriber = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::sink).finish();
        with_default(subscriber, || {
            compare(&runtime, &format!("tracing at {level}"), Config::new().observer(TracingObserver::new))
        })?;
    }
    compare(&runtime, "metrics", Config::new().observer(move |role| metrics.observer(role)))
}
