//! Connections that come faster than they are accepted wait, and are not retransmitted.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::process;
use crate::{ALONE, SERVERS};

/// More than the 128 of std and the 1,024 of tokio and mio.
const WAITING: usize = 2_000;

/// Each server is stopped, so that it accepts nothing, while clients connect.
#[tokio::test]
async fn servers_queue_as_many_connections_as_the_system_allows() {
    let _alone = ALONE.lock().await;
    process::allow_descriptors(WAITING + 500);
    let allowed: usize = fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap().trim().parse().unwrap();
    for &(example, arguments) in SERVERS {
        let (server, _) = process::start(example, arguments);
        server.signal("STOP");
        let address = SocketAddr::from(([127, 0, 0, 1], server.port));
        let mut waiting = Vec::new();
        for number in 0..allowed.min(WAITING) {
            let stream = TcpStream::connect_timeout(&address, Duration::from_secs(10));
            waiting.push(stream.unwrap_or_else(|error| panic!("{example}, connection {number}: {error}")));
        }
    }
}
