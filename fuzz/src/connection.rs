//! Two connections and the wire between them, against a model of what either may do.

use std::time::Duration;

use arbitrary::Unstructured;
use protocol_websocket_connection::{Close, Role, Version};

use crate::end::End;
use crate::input::bit;

/// A client and a server do what the input says: send in all ways there are, ping, close, receive, wait, lose bytes, end.
/// The wire cuts and delays as it says. No message is lost, doubled or out of order; nothing follows a Close; no more is
/// held than the limits allow; and both ends agree on how it ended.
pub fn connection(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(mut world) = World::new(&mut input) else { return };
    for _ in 0..500 {
        if input.is_empty() || world.step(&mut input).is_err() {
            break;
        }
        world.ends.iter().for_each(End::check);
    }
    world.finish();
}

struct World {
    /// The client and the server.
    ends: [End; 2],
    now: Duration,
}

impl World {
    fn new(input: &mut Unstructured<'_>) -> arbitrary::Result<Self> {
        let version = match input.arbitrary::<u8>()? % 8 {
            0 => Version::Hybi00,
            1 => Version::Hixie75,
            2 => Version::Hybi10,
            _ => Version::Rfc6455,
        };
        let ends = [End::new(Role::Client, version, input)?, End::new(Role::Server, version, input)?];
        Ok(Self { ends, now: Duration::ZERO })
    }

    fn step(&mut self, input: &mut Unstructured<'_>) -> arbitrary::Result<()> {
        let what = input.arbitrary::<u8>()?;
        let [client, server] = &mut self.ends;
        let (end, peer) = if bit(what, 0) { (client, server) } else { (server, client) };
        match what >> 1 & 15 {
            0 | 1 => end.write(usize::from(input.arbitrary::<u8>()?)),
            2 => end.arrive(peer, usize::from(input.arbitrary::<u8>()?)),
            3 => end.receive(1 + usize::from(input.arbitrary::<u8>()? % 4), peer),
            4 => end.receive(usize::MAX, peer),
            5 | 6 => end.send(input, bit(what, 5), peer)?,
            7 => end.send_part(input, bit(what, 5), peer)?,
            8 => end.send_frame(input, peer)?,
            9 => end.ping_or_pong(input, bit(what, 5))?,
            10 => end.close(input, bit(what, 5))?,
            11 => {
                self.now += Duration::from_millis(u64::from(input.arbitrary::<u8>()?) * 100);
                end.tell_time(self.now);
            }
            12 => {
                // All of it, as a plain network would.
                end.write(usize::MAX);
                peer.arrive(end, usize::MAX);
                peer.receive(usize::MAX, end);
            }
            13 => end.flush(),
            14 => {
                if let Some(byte) = end.flying.front_mut().filter(|_| bit(what, 5)) {
                    *byte ^= input.arbitrary::<u8>()? | 1;
                    peer.tampered = true;
                } else {
                    end.connection.release_memory();
                }
            }
            _ if bit(what, 5) && bit(what, 6) => {
                // The transport breaks: what is under way is lost.
                end.flying.clear();
                end.cut_off = true;
                peer.receive(usize::MAX, end);
                peer.eof();
            }
            _ => {}
        }
        Ok(())
    }

    /// Lets everything arrive, closes what is open, and looks at what came of it.
    fn finish(mut self) {
        self.settle();
        self.ends[0].check_delivered(&self.ends[1]);
        self.ends[1].check_delivered(&self.ends[0]);
        for end in &mut self.ends {
            end.say_close(Some(&Close::new(1000, "end")), false);
        }
        self.settle();
        self.ends.iter_mut().for_each(End::eof);
        self.ends.iter_mut().for_each(End::check_end);
        self.ends[0].check_agreement(&self.ends[1]);
        self.ends[1].check_agreement(&self.ends[0]);
    }

    fn settle(&mut self) {
        // A Close, its answer, and pongs behind pings.
        for _ in 0..4 {
            let [client, server] = &mut self.ends;
            client.settle(server);
            server.settle(client);
        }
    }
}
