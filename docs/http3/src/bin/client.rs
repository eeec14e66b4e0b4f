//! A WebSocket client over HTTP/3 (RFC 9220), for an echo server. It runs steps in order, and checks the reply to each.
//!
//! `client URL CERTIFICATE SUBPROTOCOL STEP...` trusts the certificate in that file, and offers the subprotocol unless it is
//! empty. The steps:
//!
//! - `text TEXT`: sends a text.
//! - `binary LENGTH`: sends random bytes, which cannot be compressed.
//! - `ping PAYLOAD`: sends a Ping.
//! - `close CODE REASON`: closes the connection. Otherwise it is closed with 1000 after the last step.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::time::{Duration, Instant};

use protocol_websocket::{
    Close, CloseCode, Connection, Destination, Event, Message, Offer, OsRandom, Outbox, Random, Request, Response,
    ResponseHead, Url,
};
use protocol_websocket_http3::{
    H3_FRAME_UNEXPECTED, H3_NO_ERROR, MAX_PACKET, Result, Stream, config, h3_config, h3_fields, quic_config, receive,
    send,
};
use quiche::h3::{self, NameValue};
use quiche::{ConnectionId, RecvInfo};

const USAGE: &str = "usage: client URL CERTIFICATE SUBPROTOCOL STEP...";
/// How long the handshakes of TLS, HTTP/3 and WebSocket may take together.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let url = Url::parse(&arguments.next().ok_or(USAGE)?)?;
    let certificate = arguments.next().ok_or(USAGE)?;
    let subprotocol = arguments.next().ok_or(USAGE)?;
    let mut script = Script { steps: arguments.map(|step| Step::parse(&step)).collect::<Result<_>>()?, error: None };
    let mut quic = Quic::connect(&url, &certificate)?;

    while !quic.connection.is_established() {
        quic.exchange(HANDSHAKE_TIMEOUT)?;
    }
    let mut h3 = h3::Connection::with_transport(&mut quic.connection, &h3_config()?)?;
    while h3.peer_settings_raw().is_none() {
        if let Err(h3::Error::Done) = h3.poll(&mut quic.connection) {
            quic.exchange(HANDSHAKE_TIMEOUT)?;
        }
    }
    if !h3.extended_connect_enabled_by_peer() {
        return Err("the server does not support WebSocket over HTTP/3".into());
    }

    let config = config();
    let offer = if subprotocol.is_empty() { Offer::new() } else { Offer::new().subprotocol(subprotocol) };
    let destination = Destination::new(url.host(), url.resource_name()).port(url.port()).secure(true);
    let request = Request::offer_connect(destination, &config.offer(offer))?;
    let fields = request.to_fields().ok_or("not an extended CONNECT")?;
    let id = h3.send_request(&mut quic.connection, &h3_fields(&fields), false)?;
    let head = loop {
        match h3.poll(&mut quic.connection) {
            Ok((_, h3::Event::Headers { list, .. })) => {
                let head = ResponseHead::from_fields(list.iter().map(|field| (field.name(), field.value())))?;
                // Informational responses may come first.
                if head.status() >= 200 {
                    break head;
                }
            }
            Ok((_, h3::Event::Reset(code))) => return Err(format!("the stream was reset with {code:#x}").into()),
            Ok(_) => {}
            Err(h3::Error::Done) => quic.exchange(HANDSHAKE_TIMEOUT)?,
            Err(error) => return Err(error.into()),
        }
    };
    if head.status() >= 300 {
        return Err(format!("refused with {}", head.status()).into());
    }
    let response = Response::from_head(head, &request)?;
    let negotiated = response.negotiated();
    let extensions: Vec<_> = negotiated.extensions.iter().map(ToString::to_string).collect();
    println!(
        "open: subprotocol {:?}, extensions {extensions:?}",
        negotiated.subprotocol.as_deref().unwrap_or_default()
    );

    let mut stream = Stream::new(id, Connection::open_client(negotiated, config, OsRandom::new()));
    script.start(stream.session());
    loop {
        match h3.poll(&mut quic.connection) {
            // After the response, a stream of CONNECT has no frames besides DATA (RFC 9114 §4.4).
            Ok((_, h3::Event::Headers { .. })) => quic.connection.close(true, H3_FRAME_UNEXPECTED, b"")?,
            Ok((_, h3::Event::Reset(_))) => stream.fail(),
            Ok(_) => {}
            Err(h3::Error::Done) => {
                let now = quic.started.elapsed();
                stream.advance(&mut quic.connection, &mut h3, now, &mut quic.packet, |event, outbox| {
                    script.handle(event.into_owned(), outbox);
                });
                // The server ends the stream first (RFC 6455 §7.1.1). Its deadline is one of the session.
                let session = stream.session();
                let deadline = session.poll_timeout();
                if let Some(ended) = session.ended()
                    && (quic.connection.stream_finished(id) || deadline.is_none())
                {
                    println!("ended by {} with {} {}", ended.by, ended.code, ended.reason.as_str());
                    quic.connection.close(true, H3_NO_ERROR, b"")?;
                    send(&quic.socket, &mut quic.connection, &mut quic.packet)?;
                    return match script.error {
                        Some(error) => Err(error.into()),
                        None if !script.steps.is_empty() => Err("the connection ended before the last step".into()),
                        None => Ok(()),
                    };
                }
                quic.exchange_until(deadline)?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// A connection of QUIC with its socket.
struct Quic {
    connection: quiche::Connection,
    socket: UdpSocket,
    local: SocketAddr,
    started: Instant,
    packet: Vec<u8>,
}

impl Quic {
    fn connect(url: &Url, certificate: &str) -> Result<Self> {
        let addresses = (url.socket_host(), url.port()).to_socket_addrs()?;
        let server = addresses.min_by_key(SocketAddr::is_ipv6).ok_or("the host has no address")?;
        let socket = match server {
            SocketAddr::V4(_) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?,
            SocketAddr::V6(_) => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0))?,
        };
        let local = socket.local_addr()?;
        let mut config = quic_config()?;
        config.load_verify_locations_from_file(certificate)?;
        config.verify_peer(true);
        let mut id = [0; quiche::MAX_CONN_ID_LEN];
        OsRandom::new().fill(&mut id);
        let id = ConnectionId::from_ref(&id);
        let connection = quiche::connect(Some(url.host()), &id, local, server, &mut config)?;
        Ok(Self { connection, socket, local, started: Instant::now(), packet: vec![0; MAX_PACKET] })
    }

    /// As [`exchange_until`](Self::exchange_until), with an error after `timeout`.
    fn exchange(&mut self, timeout: Duration) -> Result<()> {
        if self.started.elapsed() > timeout {
            return Err(std::io::Error::from(ErrorKind::TimedOut).into());
        }
        self.exchange_until(Some(timeout))
    }

    /// Sends the packets that are due, and waits for one packet.
    fn exchange_until(&mut self, deadline: Option<Duration>) -> Result<()> {
        let Self { connection, socket, local, started, packet } = self;
        send(socket, connection, packet)?;
        if connection.is_closed() {
            return Err(format!("the connection is closed: {:?}", connection.peer_error()).into());
        }
        let wait = deadline.map(|at| at.saturating_sub(started.elapsed()));
        if let Some((len, from)) = receive(socket, wait.into_iter().chain(connection.timeout()).min(), packet)? {
            // quiche drops an invalid packet, or closes the connection.
            let _ = connection.recv(packet.get_mut(..len).unwrap_or_default(), RecvInfo { from, to: *local });
        }
        connection.on_timeout();
        Ok(())
    }
}

/// The steps that are left, and the first error.
struct Script {
    steps: VecDeque<Step>,
    error: Option<String>,
}

enum Step {
    Message(Message),
    Ping(String),
    Close(Close),
}

impl Step {
    fn parse(step: &str) -> Result<Self> {
        let (name, rest) = step.split_once(' ').ok_or(USAGE)?;
        Ok(match name {
            "text" => Self::Message(rest.into()),
            "binary" => {
                let mut payload = vec![0; rest.parse()?];
                OsRandom::new().fill(&mut payload);
                Self::Message(payload.into())
            }
            "ping" => Self::Ping(rest.into()),
            "close" => {
                let (code, reason) = rest.split_once(' ').ok_or(USAGE)?;
                Self::Close(Close::new(code.parse::<u16>()?, reason))
            }
            _ => return Err(USAGE.into()),
        })
    }
}

impl Script {
    /// Sends what the first step sends, or a Close after the last step.
    fn start(&mut self, outbox: &mut Outbox) {
        let sent = match self.steps.front() {
            Some(Step::Message(message)) => outbox.send(message.clone()),
            Some(Step::Ping(payload)) => outbox.ping(payload),
            Some(Step::Close(close)) => outbox.close(close.clone()),
            None => outbox.close(CloseCode::NORMAL),
        };
        if let Err(error) = sent {
            self.fail(error.to_string());
        }
    }

    /// Checks an event, and starts the next step.
    fn handle(&mut self, event: Event, outbox: &mut Outbox) {
        match (event, self.steps.front()) {
            (Event::Message(received), Some(Step::Message(sent))) if received == *sent => {
                println!("echo of {} bytes", received.as_bytes().len());
            }
            (Event::Pong(received), Some(Step::Ping(sent))) if received == *sent => println!("pong {sent}"),
            (Event::Close(_), Some(Step::Close(_))) => return drop(self.steps.pop_front()),
            // The session has replied to these.
            (Event::Ping(_) | Event::Close(_), _) => return,
            (event, _) => {
                self.fail(format!("unexpected {event:?}"));
                let _ = outbox.close(CloseCode::POLICY_VIOLATION);
                return;
            }
        }
        self.steps.pop_front();
        self.start(outbox);
    }

    fn fail(&mut self, error: String) {
        self.error.get_or_insert(error);
    }
}
