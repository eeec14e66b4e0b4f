//! The metrics of a server for tokio, which a client of HTTP reads from an endpoint for Prometheus.
#![cfg(feature = "metrics")]
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../examples/prometheus/mod.rs"]
mod prometheus;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use opentelemetry::metrics::MeterProvider as _;
use protocol_websocket_connection::{Config, Connection, Negotiated};
use protocol_websocket_observe::Metrics;
use protocol_websocket_tokio::{Accept, CloseCode, Connect, Destination, Event, WebSocket, accept, config};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Returns the values of the endpoint at `address`, by the text of their series.
async fn scrape(address: SocketAddr) -> HashMap<String, f64> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    let lines = body.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').map(|(name, value)| (name.to_owned(), value.parse().unwrap())).unwrap())
        .collect()
}

/// Returns the sum of the series of `name` whose labels contain each of `labels`.
fn sum(values: &HashMap<String, f64>, name: &str, labels: &[&str]) -> f64 {
    let has = |series: &str| {
        series.split_once('{').is_some_and(|(own, rest)| own == name && labels.iter().all(|label| rest.contains(label)))
    };
    values.iter().filter(|(series, _)| has(series)).map(|(_, value)| value).sum()
}

async fn echo(stream: TcpStream, config: Arc<protocol_websocket_tokio::Config>) -> Option<()> {
    let mut websocket = accept(stream, config).await.ok()?.accept(Accept::new()).await.ok()?;
    websocket.queue_ping("p").ok()?;
    while let Some(message) = websocket.recv().await {
        websocket.send(message.ok()?).await.ok()?;
    }
    Some(())
}

async fn connect(address: SocketAddr) -> WebSocket<TcpStream> {
    let stream = TcpStream::connect(address).await.unwrap();
    let mut client = Connect::to(Destination::new("localhost", "/")).over(stream).await.unwrap().0;
    assert!(matches!(client.recv_event().await, Some(Ok(Event::Ping(_)))));
    client
}

const RECEIVE: &str = "network_io_direction=\"receive\"";
const TRANSMIT: &str = "network_io_direction=\"transmit\"";

#[tokio::test]
async fn endpoint_has_the_values_of_the_connections() {
    let (provider, registry) = prometheus::provider().unwrap();
    let metrics = Metrics::new(&provider.meter("test"));
    let config = Arc::new(config().observer(move |role| metrics.observer(role)));
    let endpoint = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint_address = endpoint.local_addr().unwrap();
    tokio::spawn(prometheus::serve(endpoint, registry));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepts = tokio::spawn(async move {
        for _ in 0..3 {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(echo(stream, Arc::clone(&config)));
        }
    });

    let text = "compressible ".repeat(1000);
    let mut clients = [connect(address).await, connect(address).await, connect(address).await];
    accepts.await.unwrap();
    for client in &mut clients {
        for message in ["one", &text] {
            client.send(message).await.unwrap();
            assert_eq!(client.recv().await.unwrap().unwrap().as_text(), Some(message));
        }
    }
    let values = scrape(endpoint_address).await;
    let protocol =
        ["network_protocol_name=\"websocket\"", "network_protocol_version=\"13\"", "websocket_role=\"server\""];
    assert_eq!(sum(&values, "websocket_active_connections", &protocol), 3.0, "{values:#?}");
    let payload = 3.0 * (3 + text.len()) as f64;
    for direction in [RECEIVE, TRANSMIT] {
        assert_eq!(sum(&values, "websocket_message_size_bytes_count", &[direction]), 6.0, "{values:#?}");
        assert_eq!(sum(&values, "websocket_message_size_bytes_sum", &[direction]), payload, "{values:#?}");
        let io = sum(&values, "websocket_network_io_bytes_total", &[direction]);
        assert!(io > 0.0 && io < payload / 10.0, "{io} bytes are not those after the compression");
    }
    assert_eq!(sum(&values, "websocket_ping_duration_seconds_count", &protocol), 3.0, "{values:#?}");
    assert_eq!(sum(&values, "websocket_connection_duration_seconds_count", &[]), 0.0);

    let [mut normal, mut own, lost] = clients;
    assert!(normal.close(CloseCode::NORMAL).await.clean && own.close(CloseCode(4321)).await.clean);
    drop(lost);
    let ended = async {
        loop {
            let values = scrape(endpoint_address).await;
            if sum(&values, "websocket_active_connections", &[]) == 0.0 {
                break values;
            }
        }
    };
    let values = tokio::time::timeout(Duration::from_secs(60), ended).await.unwrap();
    let ends = |labels: &[&str]| sum(&values, "websocket_connection_duration_seconds_count", labels);
    assert_eq!(ends(&["websocket_close_code=\"1000\""]), 1.0, "{values:#?}");
    assert_eq!(ends(&["websocket_close_code=\"4xxx\""]), 1.0, "{values:#?}");
    assert_eq!(ends(&["websocket_close_code=\"1006\"", "error_type=\"unexpected_eof\""]), 1.0, "{values:#?}");
    assert_eq!(ends(&[]), 3.0);
}

/// All keepalive Pings are empty, so the Pong of the first one looks like that of the second one.
#[test]
fn equal_ping_does_not_shorten_the_round_trip_of_the_first() {
    let (provider, registry) = prometheus::provider().unwrap();
    let metrics = Metrics::new(&provider.meter("test"));
    let config = Config::new().observer(move |role| metrics.observer(role));
    let mut server = Connection::open_server(&Negotiated::default(), config);
    let mut output = BytesMut::new();
    let wait = Duration::from_millis(20);
    server.ping("", &mut output).unwrap();
    std::thread::sleep(wait);
    server.ping("", &mut output).unwrap();
    let pong = b"\x8A\x80\0\0\0\0";
    let mut input = BytesMut::from(&[*pong, *pong].concat()[..]);
    while server.receive(&mut input, &mut output).unwrap().is_some() {}
    let families = registry.gather();
    let family = families.iter().find(|family| family.name() == "websocket_ping_duration_seconds").unwrap();
    let [metric] = family.get_metric() else { panic!("{family:?}") };
    let histogram = metric.get_histogram();
    assert_eq!(histogram.get_sample_count(), 1);
    assert!(histogram.get_sample_sum() >= wait.as_secs_f64(), "{histogram:?}");
}
