//! A WebSocket echo server over HTTP/3 (RFC 9220): one thread and one socket for any number of connections.
//!
//! `server ADDRESS CERTIFICATE KEY` serves the path `/` for pages of its own origin, and has the subprotocol `chat`. The files
//! are in PEM. A public server also needs what is left out here: the migration and the address validation of QUIC (see
//! [`quiche::retry`]), and the negotiation of its version.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol_websocket::http::Headers;
use protocol_websocket::{Accept, Config, Connection, EventRef, Outbox, Reject, Request};
use protocol_websocket_http3::{
    H3_FRAME_UNEXPECTED, H3_INTERNAL_ERROR, H3_NO_ERROR, H3_REQUEST_CANCELLED, MAX_PACKET, Result, Stream, config,
    h3_config, h3_fields, quic_config, receive, send,
};
use quiche::h3::{self, NameValue};
use quiche::{ConnectionId, Header, RecvInfo, Shutdown, Type};

/// The length of the connection IDs that the server chooses.
const ID_LEN: usize = 16;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, certificate, key] = &arguments[..] else {
        return Err("usage: server ADDRESS CERTIFICATE KEY".into());
    };
    let mut quic_config = quic_config()?;
    quic_config.load_cert_chain_from_pem_file(certificate)?;
    quic_config.load_priv_key_from_pem_file(key)?;
    let socket = UdpSocket::bind(address)?;
    let local = socket.local_addr()?;
    println!("connect to wss://localhost:{}/", local.port());

    let mut server = Server {
        local,
        quic_config,
        h3_config: h3_config()?,
        config: config(),
        random: RandomState::new(),
        peers: HashMap::new(),
    };
    let (started, mut packet) = (Instant::now(), vec![0; MAX_PACKET]);
    loop {
        let now = started.elapsed();
        let wait = server.peers.values().filter_map(|peer| peer.wait(now)).min();
        if let Some((len, from)) = receive(&socket, wait, &mut packet)?
            && let Err(error) = server.receive(packet.get_mut(..len).unwrap_or_default(), from)
        {
            eprintln!("{from}: {error}");
        }
        let now = started.elapsed();
        // With many connections: only that of the packet, and those whose deadline has passed.
        let Server { h3_config, config, peers, .. } = &mut server;
        peers.retain(|_, peer| {
            peer.quic.on_timeout();
            if let Err(error) = peer.advance(h3_config, config, now, &mut packet) {
                eprintln!("{error}");
                // Without effect if quiche has closed the connection already.
                let _ = peer.quic.close(true, H3_INTERNAL_ERROR, b"");
            }
            if let Err(error) = send(&socket, &mut peer.quic, &mut packet) {
                eprintln!("{error}");
            }
            !peer.quic.is_closed()
        });
    }
}

struct Server {
    local: SocketAddr,
    quic_config: quiche::Config,
    h3_config: h3::Config,
    config: Arc<Config>,
    random: RandomState,
    /// The connections, by the ID that the server chose.
    peers: HashMap<ConnectionId<'static>, Peer>,
}

impl Server {
    /// Passes a packet to its connection, or accepts a new connection.
    fn receive(&mut self, packet: &mut [u8], from: SocketAddr) -> Result<()> {
        let header = Header::from_slice(packet, ID_LEN)?;
        // Until the client has received an ID of the server, its packets have a random ID.
        let id = if self.peers.contains_key(&header.dcid) { header.dcid } else { self.id_for(&header.dcid) };
        let peer = match self.peers.entry(id) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) if header.ty == Type::Initial => {
                let quic = quiche::accept(entry.key(), None, self.local, from, &mut self.quic_config)?;
                entry.insert(Peer { quic, h3: None, streams: HashMap::new() })
            }
            // Of a connection that has ended.
            Entry::Vacant(_) => return Ok(()),
        };
        peer.quic.recv(packet, RecvInfo { from, to: self.local })?;
        Ok(())
    }

    /// Returns the server's ID for a client's random ID, always the same, because a client repeats its first packet.
    fn id_for(&self, client: &ConnectionId<'_>) -> ConnectionId<'static> {
        let half = |number: u8| self.random.hash_one((number, client)).to_ne_bytes();
        ConnectionId::from_vec([half(0), half(1)].concat())
    }
}

/// A connection of QUIC with its WebSockets.
struct Peer {
    quic: quiche::Connection,
    /// `None` until the handshake of TLS is done.
    h3: Option<h3::Connection>,
    streams: HashMap<u64, Stream>,
}

impl Peer {
    /// Returns how long to wait for a packet.
    fn wait(&self, now: Duration) -> Option<Duration> {
        self.streams.values().filter_map(|stream| stream.wait(now)).chain(self.quic.timeout()).min()
    }

    /// Handles the events of HTTP/3, and then each WebSocket.
    fn advance(
        &mut self,
        h3_config: &h3::Config,
        config: &Arc<Config>,
        now: Duration,
        buffer: &mut [u8],
    ) -> Result<()> {
        let Self { quic, h3, streams } = self;
        if h3.is_none() && quic.is_established() {
            *h3 = Some(h3::Connection::with_transport(quic, h3_config)?);
        }
        let Some(h3) = h3 else { return Ok(()) };
        loop {
            match h3.poll(quic) {
                // A stream of CONNECT has no frames besides DATA after the request (RFC 9114 §4.4).
                Ok((id, h3::Event::Headers { .. })) if streams.contains_key(&id) => {
                    quic.close(true, H3_FRAME_UNEXPECTED, b"")?;
                }
                Ok((id, h3::Event::Headers { list, .. })) => match respond(quic, h3, id, &list, config) {
                    Ok(Some(stream)) => drop(streams.insert(id, stream)),
                    Ok(None) => {}
                    // The client has cancelled the request, or its window is smaller than the response.
                    Err(_) => {
                        let _ = quic.stream_shutdown(id, Shutdown::Write, H3_REQUEST_CANCELLED);
                        let _ = quic.stream_shutdown(id, Shutdown::Read, H3_REQUEST_CANCELLED);
                    }
                },
                Ok((id, h3::Event::Reset(_))) => {
                    if let Some(stream) = streams.get_mut(&id) {
                        stream.fail();
                    }
                }
                // `Stream::advance` notices data and the end of a stream.
                Ok(_) => {}
                Err(h3::Error::Done) => break,
                // quiche has closed the connection.
                Err(error) => return Err(error.into()),
            }
        }
        streams.retain(|_, stream| {
            stream.advance(quic, h3, now, buffer, echo);
            let has_ended = stream.end(quic, h3);
            if let Some(ended) = stream.session().ended().filter(|_| has_ended) {
                println!("ended by {} with {}", ended.by, ended.code);
            }
            !has_ended
        });
        Ok(())
    }
}

/// Responds to a request. Returns its WebSocket, or `None` after a refusal.
fn respond(
    quic: &mut quiche::Connection,
    h3: &mut h3::Connection,
    id: u64,
    fields: &[h3::Header],
    config: &Arc<Config>,
) -> Result<Option<Stream>> {
    match accept(fields, config) {
        Ok((fields, connection)) => {
            h3.send_response(quic, id, &h3_fields(&fields), false)?;
            Ok(Some(Stream::new(id, connection)))
        }
        Err(reject) => {
            let (fields, body) = reject.to_fields()?;
            h3.send_response(quic, id, &h3_fields(&fields), body.is_empty())?;
            if !body.is_empty() {
                h3.send_body(quic, id, &body, true)?;
            }
            // The client may have ended the stream already.
            let _ = quic.stream_shutdown(id, Shutdown::Read, H3_NO_ERROR);
            Ok(None)
        }
    }
}

/// Checks a request. Returns the fields of the response and the connection, or a rejection.
fn accept(fields: &[h3::Header], config: &Arc<Config>) -> std::result::Result<(Headers, Connection), Reject> {
    let request = Request::from_fields(fields.iter().map(|field| (field.name(), field.value())))?;
    if request.resource_name() != "/" {
        return Err(Reject::new(404).body("not found\n"));
    }
    // Programs other than browsers send no origin.
    if request.origin().is_some() && !request.is_same_origin(true) {
        return Err(Reject::new(403));
    }
    let accept = request.select_subprotocol(&["chat"]).map_or_else(Accept::new, |name| Accept::new().subprotocol(name));
    let (response, connection) =
        Connection::respond(&request, accept, Arc::clone(config)).map_err(|_| Reject::new(500))?;
    let fields = response.to_fields().ok_or(Reject::new(500))?;
    Ok((fields, connection))
}

fn echo(event: EventRef<'_>, outbox: &mut Outbox) {
    if let EventRef::Message(message) = event {
        // Fails only after a Close.
        let _ = outbox.send(message);
    }
}
