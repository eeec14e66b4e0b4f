//! Connections that arrive faster than the server accepts them wait in the backlog, without retransmissions.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::process;
use crate::{ONE_SERVER, SERVERS};

/// More than the default backlogs: 128 of std, 1,024 of tokio and mio.
const CONNECTIONS: usize = 2_000;

/// Each server process is stopped by a signal while clients connect, so that all connections stay in the backlog.
#[tokio::test]
async fn servers_use_the_longest_backlog_of_the_system() {
    let _guard = ONE_SERVER.lock().await;
    process::allow_descriptors(CONNECTIONS + 500);
    let max_backlog: usize = fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap().trim().parse().unwrap();
    for &(example, arguments) in SERVERS {
        let (server, _) = process::start(example, arguments);
        server.signal("STOP");
        let address = SocketAddr::from(([127, 0, 0, 1], server.port));
        let mut waiting = Vec::new();
        for number in 0..max_backlog.min(CONNECTIONS) {
            let stream = TcpStream::connect_timeout(&address, Duration::from_secs(10));
            waiting.push(stream.unwrap_or_else(|error| panic!("{example}, connection {number}: {error}")));
        }
    }
}
