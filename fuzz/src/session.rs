//! Two connected sessions, compared with a model of a session.

use std::sync::Arc;
use std::time::Duration;

use arbitrary::Unstructured;
use protocol_websocket_connection::{
    CloseCode, Config, Connection, Delivery, Destination, ExtensionParams, Negotiated, Offer, Role, Session, Timeouts,
};
use protocol_websocket_permessage_deflate::PermessageDeflate;

use crate::input::bit;
use crate::session_model::Endpoint;

/// A client and a server execute the steps of the input: they send in all ways, ping, close, read, write, poll events
/// that are owned or lent, and wait. The transport splits and loses bytes, ends and fails. No message is lost,
/// duplicated or reordered, each end sends at most one Close, and only pongs follow it. Something wakes the caller in
/// every state. The end does not change. A silent peer times out.
pub fn session(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(mut simulation) = Simulation::new(&mut input) else { return };
    for _ in 0..500 {
        if input.is_empty() || simulation.step(&mut input).is_err() {
            break;
        }
        simulation.endpoints.iter_mut().for_each(Endpoint::check);
    }
    simulation.finish();
}

struct Simulation {
    /// The client and the server.
    endpoints: [Endpoint; 2],
    now: Duration,
    /// Whether the endpoints have deadlines, and whether both are silent at the end.
    has_timeouts: bool,
    is_silent: bool,
}

impl Simulation {
    fn new(input: &mut Unstructured<'_>) -> arbitrary::Result<Self> {
        let options = input.arbitrary::<[u8; 3]>()?;
        let [shared, _, _] = options;
        let (is_deflated, has_handshake, has_timeouts) = (bit(shared, 0), bit(shared, 1), bit(shared, 2));
        let config = |options: u8| {
            let mark = [16, 200, 5000, Config::HIGH_WATER_MARK][usize::from(options & 3)];
            let delivery = if bit(options, 2) { Delivery::Parts } else { Delivery::Whole };
            let mut config = Config::new().delivery(delivery).auto_pong(!bit(options, 3)).high_water_mark(mark);
            if is_deflated {
                config = config.extension(PermessageDeflate::new().threshold(if bit(options, 4) { 0 } else { 64 }));
            }
            if has_timeouts { config.timeouts(Timeouts::RECOMMENDED) } else { config }
        };
        let [client, server] = [Arc::new(config(options[1])), Arc::new(config(options[2]))];
        let key = |bytes: &mut [u8]| bytes.fill(7);
        let sessions = if has_handshake {
            let destination = Destination::new("example.com", "/");
            [
                Session::client(destination, &Offer::new(), Arc::clone(&client), key).unwrap(),
                Session::server(Arc::clone(&server)),
            ]
        } else {
            let mut negotiated = Negotiated::default();
            if is_deflated {
                negotiated = negotiated.extension(ExtensionParams::new("permessage-deflate"));
            }
            [
                Session::new(Connection::open_client(&negotiated, Arc::clone(&client), key)),
                Session::new(Connection::open_server(&negotiated, Arc::clone(&server))),
            ]
        };
        let [client_session, server_session] = sessions;
        let endpoints = [
            Endpoint::new(Role::Client, client_session, client, is_deflated),
            Endpoint::new(Role::Server, server_session, server, is_deflated),
        ];
        Ok(Self { endpoints, now: Duration::ZERO, has_timeouts, is_silent: bit(shared, 3) })
    }

    fn step(&mut self, input: &mut Unstructured<'_>) -> arbitrary::Result<()> {
        let step = input.arbitrary::<u8>()?;
        let now = self.now;
        let [client, server] = &mut self.endpoints;
        let (endpoint, peer) = if bit(step, 0) { (client, server) } else { (server, client) };
        let option = bit(step, 5);
        match step >> 1 & 15 {
            0 => endpoint.write(usize::from(input.arbitrary::<u8>()?), now),
            1 => endpoint.write(usize::MAX, now),
            2 => endpoint.read_from(peer, usize::from(input.arbitrary::<u8>()?), option, now),
            3 => endpoint.read_from(peer, usize::MAX, option, now),
            4 => drop(endpoint.poll(peer, option, bit(step, 6))),
            5 => endpoint.poll_all(peer, option),
            6 => endpoint.send(input, option)?,
            7 => endpoint.send_part(input, option)?,
            8 => endpoint.send_frame(input)?,
            9 if bit(step, 6) => endpoint.pong(option),
            9 => endpoint.ping(option),
            10 => endpoint.respond(option),
            11 => {
                self.now += Duration::from_millis(u64::from(input.arbitrary::<u8>()?) * 100);
                endpoint.poll_all(peer, option);
                endpoint.handle_timeout(self.now);
            }
            12 => endpoint.release_memory(),
            // The rest is rare, because it ends the connection.
            13 if input.ratio(1, 8)? => endpoint.close(CloseCode(if option { 1000 } else { 1001 })),
            14 if input.ratio(1, 16)? => endpoint.end_transport(peer, option),
            15 if input.ratio(1, 16)? => endpoint.hand_over(),
            _ => {
                // Delivers everything.
                endpoint.write(usize::MAX, now);
                peer.read_from(endpoint, usize::MAX, option, now);
                peer.poll_all(endpoint, option);
            }
        }
        Ok(())
    }

    /// Delivers everything, or leaves both endpoints alone until they time out.
    fn finish(mut self) {
        if self.is_silent && self.has_timeouts {
            for turn in [0, 1] {
                let [client, server] = &mut self.endpoints;
                let (endpoint, peer) = if turn == 0 { (client, server) } else { (server, client) };
                endpoint.time_out(peer, self.now);
            }
            return;
        }
        self.settle();
        let [client, server] = &mut self.endpoints;
        client.check_delivered(server);
        server.check_delivered(client);
        for endpoint in [client, server] {
            endpoint.close(CloseCode::NORMAL);
        }
        self.settle();
        let [client, server] = &mut self.endpoints;
        client.end_transport(server, false);
        server.end_transport(client, false);
        // The bytes in flight, then the end of the transport.
        self.settle();
        self.settle();
        let [client, server] = &mut self.endpoints;
        client.check_end(server);
        server.check_end(client);
    }

    fn settle(&mut self) {
        for _ in 0..8 {
            for turn in [0, 1] {
                let [client, server] = &mut self.endpoints;
                let (endpoint, peer) = if turn == 0 { (client, server) } else { (server, client) };
                endpoint.respond(true);
                endpoint.write(usize::MAX, self.now);
                // A pong that was kept may follow the write.
                endpoint.write(usize::MAX, self.now);
                peer.read_from(endpoint, usize::MAX, false, self.now);
                peer.poll_all(endpoint, false);
                endpoint.check();
                peer.check();
            }
            if self.endpoints.iter().all(Endpoint::is_quiet) {
                break;
            }
        }
    }
}
