//! Two connected endpoints, compared with a model of a connection.

use std::time::Duration;

use arbitrary::Unstructured;
use protocol_websocket_connection::{Close, Role, Version};

use crate::endpoint_model::Endpoint;
use crate::input::bit;

/// A client and a server execute the steps of the input: they send in all ways, ping, close, receive, wait, and
/// are suspended and resumed. The
/// transport splits, delays, corrupts and loses bytes, and disconnects. No message is lost, duplicated or reordered,
/// and none exceeds the limits. No data follows a Close. All input is consumed. Both endpoints return the same end of
/// the connection.
pub fn connection(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(mut simulation) = Simulation::new(&mut input) else { return };
    for _ in 0..500 {
        if input.is_empty() || simulation.step(&mut input).is_err() {
            break;
        }
        simulation.endpoints.iter().for_each(Endpoint::check);
    }
    simulation.finish();
}

struct Simulation {
    /// The client and the server.
    endpoints: [Endpoint; 2],
    now: Duration,
}

impl Simulation {
    fn new(input: &mut Unstructured<'_>) -> arbitrary::Result<Self> {
        let version = match input.arbitrary::<u8>()? % 8 {
            0 => Version::Hybi00,
            1 => Version::Hixie75,
            2 => Version::Hybi10,
            _ => Version::Rfc6455,
        };
        let endpoints = [Endpoint::new(Role::Client, version, input)?, Endpoint::new(Role::Server, version, input)?];
        Ok(Self { endpoints, now: Duration::ZERO })
    }

    fn step(&mut self, input: &mut Unstructured<'_>) -> arbitrary::Result<()> {
        let step = input.arbitrary::<u8>()?;
        let [client, server] = &mut self.endpoints;
        let (endpoint, peer) = if bit(step, 0) { (client, server) } else { (server, client) };
        match step >> 1 & 15 {
            0 | 1 => endpoint.write(usize::from(input.arbitrary::<u8>()?)),
            2 => endpoint.read_from(peer, usize::from(input.arbitrary::<u8>()?)),
            3 => endpoint.receive(1 + usize::from(input.arbitrary::<u8>()? % 4), peer),
            4 => endpoint.receive(usize::MAX, peer),
            5 | 6 => endpoint.send(input, bit(step, 5), peer)?,
            7 => endpoint.send_part(input, bit(step, 5), peer)?,
            8 => endpoint.send_frame(input, peer)?,
            9 => endpoint.ping_or_pong(input, bit(step, 5))?,
            10 => endpoint.close(input, bit(step, 5))?,
            11 => {
                self.now += Duration::from_millis(u64::from(input.arbitrary::<u8>()?) * 100);
                endpoint.advance_time(self.now);
            }
            12 => {
                // Delivers everything.
                endpoint.write(usize::MAX);
                peer.read_from(endpoint, usize::MAX);
                peer.receive(usize::MAX, endpoint);
            }
            13 => endpoint.flush(),
            14 => {
                if let Some(byte) = endpoint.in_flight.front_mut().filter(|_| bit(step, 5)) {
                    *byte ^= input.arbitrary::<u8>()? | 1;
                    peer.tampered = true;
                } else {
                    endpoint.connection.release_memory();
                }
            }
            _ if bit(step, 5) && bit(step, 6) => {
                // The transport disconnects and loses the bytes in flight.
                endpoint.in_flight.clear();
                endpoint.is_disconnected = true;
                peer.receive(usize::MAX, endpoint);
                peer.eof();
            }
            _ if bit(step, 5) => endpoint.connection.hand_over(),
            _ => {}
        }
        Ok(())
    }

    /// Delivers everything, closes both endpoints, and compares the results.
    fn finish(mut self) {
        self.settle();
        self.endpoints[0].check_delivered(&self.endpoints[1]);
        self.endpoints[1].check_delivered(&self.endpoints[0]);
        for endpoint in &mut self.endpoints {
            endpoint.send_close(Some(&Close::new(1000, "end")), false);
        }
        self.settle();
        self.endpoints.iter_mut().for_each(Endpoint::eof);
        self.endpoints.iter_mut().for_each(Endpoint::check_end);
        self.endpoints[0].check_agreement(&self.endpoints[1]);
        self.endpoints[1].check_agreement(&self.endpoints[0]);
    }

    fn settle(&mut self) {
        // A Close, its response, and pongs after pings take several rounds.
        for _ in 0..4 {
            let [client, server] = &mut self.endpoints;
            client.settle(server);
            server.settle(client);
        }
    }
}
