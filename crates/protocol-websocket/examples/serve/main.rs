//! A demonstration: a page at `GET /` and a WebSocket echo at every path, on one port, with a thread for each
//! connection.
//!
//! The server reads each request head itself, as an HTTP server does. The library then handles upgrade requests. The
//! page sends messages, shows their frames, and shows the connections of all clients live (`docs/live-page.md`). See
//! `echo` for the smallest server.
#![allow(clippy::indexing_slicing, reason = "an example")]

mod echo;
mod live;
mod page;
mod peer;
mod shared;
mod socket;

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use clap::Parser;
use protocol_websocket::{Config, Limits, Timeouts};
use protocol_websocket_permessage_deflate::PermessageDeflate;
use protocol_websocket_record::Recorder;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use live::Live;
use shared::Shared;

/// Serves a page and a WebSocket echo on one port.
#[derive(Parser)]
#[command(name = "serve")]
struct Options {
    /// The port; 0 selects a free one.
    #[arg(long, default_value_t = 3000, value_name = "N")]
    port: u16,
    /// The address to listen on.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "ADDRESS")]
    bind: IpAddr,
    /// A host name of this server besides localhost, 127.0.0.1 and [::1] (repeatable).
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// A supported subprotocol (repeatable, in order of preference).
    #[arg(long, value_name = "NAME")]
    subprotocol: Vec<String>,
    /// The limit for a message.
    #[arg(long, default_value_t = 16 * 1024 * 1024, value_name = "BYTES")]
    max_message: u64,
    /// The timeout of a handshake, of a pong and of a Close, and the time without input after which a client is pinged.
    #[arg(long, default_value_t = 20, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// The size of the read buffer of a client that sends much.
    #[arg(long, default_value_t = 64 * 1024, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..))]
    read_size: u32,
    /// Do not compress messages.
    #[arg(long)]
    no_deflate: bool,
    /// Do not observe connections, and do not show them on the page.
    #[arg(long)]
    no_live: bool,
    /// Record all connections in this file, which only its owner can read.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

/// The limit of the node package `ws`. The Autobahn|Testsuite sends up to 65,537 fragments.
const MAX_FRAGMENTS: u32 = 131_072;
/// The stack size of a connection's thread.
const STACK_SIZE: usize = 128 * 1024;

impl Options {
    fn config(&self) -> Config {
        let timeout = Duration::from_secs(self.timeout);
        let timeouts = Timeouts::NONE
            .handshake(Some(timeout))
            .ping_interval(Some(timeout))
            .pong_timeout(Some(timeout))
            // The two oldest versions have no pings.
            .idle(Some(3 * timeout))
            .close(Some(timeout));
        let limits = Limits::new(self.max_message).max_fragments(MAX_FRAGMENTS);
        let config = Config::new().limits(limits).timeouts(timeouts);
        if self.no_deflate { config } else { config.extension(PermessageDeflate::new()) }
    }
}

/// Creates or truncates a file that only its owner can read.
fn create_private(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    // A file that existed keeps its mode.
    if file.metadata()?.is_file() {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

fn main() -> io::Result<()> {
    let options = Options::parse();
    let listener = socket::listen(options.bind, options.port)?;
    let address = listener.local_addr()?;
    let recorder = options.record.as_deref().map(create_private).transpose()?.map(Recorder::new);
    let timeout = Duration::from_secs(options.timeout);
    let read_size = usize::try_from(options.read_size).map_err(io::Error::other)?;
    let live = Live::new(address.ip(), !options.no_live);
    let shared = Shared::new(options.config(), recorder, timeout, read_size, options.host, options.subprotocol, live);
    let shared = Arc::new(shared);
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    println!("open http://{address}/ in a browser, or connect to ws://{address}/");

    let acceptor = Arc::clone(&shared);
    thread::spawn(move || {
        for (id, stream) in listener.incoming().enumerate() {
            let Ok(stream) = stream else {
                // No file descriptor is free, or the client has disconnected. The next connection may succeed.
                thread::sleep(Duration::from_millis(10));
                continue;
            };
            let shared = Arc::clone(&acceptor);
            // If no thread can be started, the stream is dropped, which closes it.
            let _ = thread::Builder::new().stack_size(STACK_SIZE).spawn(move || {
                // I/O errors of a connection are not reported, because its client has disconnected or is too slow.
                let _ = shared.serve(id, stream);
                shared.remove(id);
            });
        }
    });
    signals.forever().next();
    shared.close_all();
    Ok(())
}
