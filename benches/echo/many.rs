//! Many connections to one server: its memory and that of their sockets, the time to open them, the time until a message has
//! arrived at all of them, and the processor time of pings.

use std::ops::Range;
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};

use crate::clients::{Clients, Load, OFFERS};
use crate::contenders::{Contender, own};
use crate::process::Server;
use crate::report::quartiles;
use crate::requests::Requests;
use crate::servers::PING_INTERVAL;
use crate::{Options, kernel, openings};

/// The limit of open files is 20,000 on many machines.
const MAX_CONNECTIONS: usize = 19_000;
/// Other open files of a process.
const OTHER_FILES: u64 = 100;
/// The length of the message in bytes.
const LENGTH: usize = 125;
/// The number of opening handshakes at the same time. The backlog of Python's servers is 100.
const AT_ONCE: usize = 64;
/// After this time, the server has returned the memory that it returns.
const SETTLE_TIME: Duration = Duration::from_millis(700);
/// The number of pings a second while their processor time is measured, if the interval is not the longest or shortest.
const PINGS_PER_SECOND: usize = 4_750;

struct Library {
    title: &'static str,
    contender: Contender,
    has_deflate: bool,
    /// The default, or that of the documentation, in seconds. `None` if the library sends no pings.
    ping_interval: Option<u64>,
}

const LIBRARIES: &[Library] = &[
    library("protocol-websocket-tokio", own("many-tokio"), true, Some(20)),
    library("protocol-websocket-axum", own("many-axum"), true, Some(20)),
    #[cfg(feature = "peers")]
    library("tokio-tungstenite", own("many-tokio-tungstenite"), false, None),
    #[cfg(feature = "peers")]
    library("axum::extract::ws", own("many-axum-extract-ws"), false, None),
    #[cfg(feature = "peers")]
    library("fastwebsockets", own("many-fastwebsockets"), false, None),
    #[cfg(feature = "peers")]
    library("sockudo-ws", own("many-sockudo-ws"), true, Some(30)),
    #[cfg(feature = "peers")]
    library("websockets (Python)", crate::contenders::websockets("many-websockets", "all"), true, Some(20)),
    #[cfg(feature = "peers")]
    library("ws (node)", crate::contenders::ws("many-ws", "all"), true, Some(30)),
];

const fn library(title: &'static str, contender: Contender, has_deflate: bool, ping_interval: Option<u64>) -> Library {
    Library { title, contender, has_deflate, ping_interval }
}

/// Elapsed time, and processor time of the server, in seconds.
#[derive(Clone, Copy)]
struct Times {
    elapsed: f64,
    cpu: f64,
}

/// The results of connections with or without compression.
struct Measured {
    /// Bytes for each connection, before the first message and after some.
    fresh: f64,
    used: f64,
    kernel: Option<f64>,
    open: Times,
    broadcast: Times,
}

/// The results of one library.
struct Row {
    title: &'static str,
    plain: Measured,
    compressed: Option<Measured>,
    /// Processor time of one ping and its pong in nanoseconds, and the number of pings an hour of one connection.
    keep_alive: Option<(f64, f64)>,
}

pub(crate) fn run(options: &Options) {
    let limit = getrlimit(Resource::Nofile).current.map_or(usize::MAX, |limit| (limit - OTHER_FILES) as usize);
    let most = options.connections.unwrap_or(MAX_CONNECTIONS.min(limit));
    let load = Load::new(most, LENGTH, 1);
    let load = if options.is_quick { load.quick() } else { load };
    let is_chosen =
        |library: &&Library| library.contender.name.contains(&options.only) && library.contender.program.is_installed();
    let rows: Vec<Row> =
        LIBRARIES.iter().filter(is_chosen).map(|library| measure_library(library, load, options)).collect();
    if !options.is_quick {
        print(load.connections as f64, &rows);
    }
}

fn measure_library(library: &Library, load: Load, options: &Options) -> Row {
    let Library { title, contender, has_deflate, ping_interval } = *library;
    if !options.is_quick {
        eprintln!("{title}: {} connections", load.connections);
    }
    let plain = measure(contender, load, options);
    let compressed =
        (has_deflate && "compressed".contains(&options.load)).then(|| measure(contender, load.compressed(), options));
    let keep_alive = ping_interval.map(|interval| (keep_alive(contender, load, options), 3600.0 / interval as f64));
    if options.is_quick {
        println!("{title}: correct messages and pings at {} clients", load.connections);
    }
    Row { title, plain, compressed, keep_alive }
}

fn measure(contender: Contender, load: Load, options: &Options) -> Measured {
    let requests = Requests::new(&load, false);
    kernel::wait_for_closed_sockets();
    let server = Server::start(contender, &options.examples);
    let offer = if load.is_compressed { OFFERS[0] } else { "" };
    // The threads, the runtime and the first buffers exist once.
    let (first, _) = openings::open_many(0..1, 1, offer, &server);
    let mut clients = Clients::with(&load, &requests, first);
    let settle = || thread::sleep(if options.is_quick { Duration::ZERO } else { SETTLE_TIME });
    settle();
    let (memory, sockets, cpu) = (server.memory(), kernel::socket_memory(), server.cpu());
    let elapsed = open(&mut clients, 1..load.connections, offer, &server);
    let open = Times { elapsed: elapsed.as_secs_f64(), cpu: server.cpu_since(&cpu) as f64 / 1e9 };
    let per_connection = |before: u64, now: u64| now.saturating_sub(before) as f64 / (load.connections - 1) as f64;
    settle();
    let fresh = per_connection(memory, server.memory());
    // Both ends of each connection are on this machine.
    let kernel = sockets.zip(kernel::socket_memory()).map(|(before, now)| per_connection(before, now) / 2.0);
    let broadcast = broadcast(&mut clients, &server, if options.is_quick { 1 } else { 3 });
    settle();
    let used = per_connection(memory, server.memory());
    // The server ends first, so that it does not handle the end of each connection.
    drop(server);
    Measured { fresh, used, kernel, open, broadcast }
}

/// Opens the connections with these numbers. Replies to pings now and then. Returns the time without these replies.
fn open(clients: &mut Clients<'_>, mut numbers: Range<usize>, offer: &str, server: &Server) -> Duration {
    let mut total = Duration::ZERO;
    while !numbers.is_empty() {
        let end = numbers.end.min(numbers.start + 1000);
        let (streams, elapsed) = openings::open_many(numbers.start..end, AT_ONCE, offer, server);
        clients.add(streams);
        clients.keep_alive(Duration::ZERO);
        total += elapsed;
        numbers.start = end;
    }
    total
}

/// Returns the medians of the times until all clients have a message of one of them.
fn broadcast(clients: &mut Clients<'_>, server: &Server, rounds: usize) -> Times {
    clients.broadcast(1, Duration::ZERO);
    let rounds: Vec<Times> = (0..rounds)
        .map(|_| {
            let before = server.cpu();
            let done = clients.broadcast(1, Duration::ZERO);
            Times { elapsed: done.elapsed.as_secs_f64(), cpu: server.cpu_since(&before) as f64 / 1e9 }
        })
        .collect();
    let median = |time: fn(&Times) -> f64| quartiles(rounds.iter().map(time).collect())[1];
    Times { elapsed: median(|times| times.elapsed), cpu: median(|times| times.cpu) }
}

/// Returns the processor time of the server for a ping and its pong in nanoseconds, with a short interval.
fn keep_alive(contender: Contender, load: Load, options: &Options) -> f64 {
    let interval = if options.is_quick { 1 } else { (load.connections / PINGS_PER_SECOND).clamp(4, 20) as u64 };
    let environment = [(PING_INTERVAL, interval.to_string())];
    let server = Server::start_with(contender, &options.examples, &environment);
    let requests = Requests::new(&load, false);
    let mut clients = Clients::with(&load, &requests, Vec::new());
    open(&mut clients, 0..load.connections, "", &server);
    if !options.is_quick {
        // Pings that are late because of the opening handshakes.
        clients.keep_alive(Duration::from_secs(interval));
    }
    let before = server.cpu();
    let pings = clients.keep_alive(Duration::from_secs(2 * interval));
    let cpu = server.cpu_since(&before) as f64;
    assert!(pings >= load.connections as u64, "{pings} pings in two intervals");
    drop(server);
    cpu / pings as f64
}

fn print(connections: f64, rows: &[Row]) {
    const MILLION: f64 = 1e6;
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "–".into());
    let gib = |bytes: f64| format!("{:.1}", bytes * MILLION / f64::from(1 << 30));
    println!("A million connections, computed from the measurements below:\n");
    println!(
        "| server | GiB, idle | GiB, compressed | cores for keepalive | one message to all, s of a core | compressed |"
    );
    println!("|---|---:|---:|---:|---:|---:|");
    for Row { title, plain, compressed, keep_alive } in rows {
        let kernel = plain.kernel.unwrap_or(0.0);
        let idle = gib(plain.fresh + kernel);
        let seconds = |times: Times| format!("{:.1}", times.cpu * MILLION / connections);
        let deflate = or_dash(compressed.as_ref().map(|measured| gib(measured.used + kernel)));
        let cores = or_dash(keep_alive.map(|(ping, pings)| format!("{:.2}", ping * pings * MILLION / 3600e9)));
        let to_all = or_dash(compressed.as_ref().map(|measured| seconds(measured.broadcast)));
        println!("| {title} | {idle} | {deflate} | {cores} | {} | {to_all} |", seconds(plain.broadcast));
    }
    println!("\nMemory of {connections} connections, in KiB for each: the process and, apart, the kernel:\n");
    println!("| server | idle | after messages | compressed, idle | compressed, after messages | kernel |");
    println!("|---|---:|---:|---:|---:|---:|");
    for Row { title, plain, compressed, .. } in rows {
        let kib = |bytes: f64| format!("{:.2}", bytes / 1024.0);
        let [fresh, used] = [|measured: &Measured| measured.fresh, |measured: &Measured| measured.used]
            .map(|bytes| or_dash(compressed.as_ref().map(|measured| kib(bytes(measured)))));
        let kernel = or_dash(plain.kernel.map(kib));
        println!("| {title} | {} | {} | {fresh} | {used} | {kernel} |", kib(plain.fresh), kib(plain.used));
    }
    println!(
        "\nTimes of {connections} connections: until all have it, and after `·` the processor time of the server:\n"
    );
    println!("| server | all open, s | one message to all, ms | compressed, ms | keepalive, processor s an hour |");
    println!("|---|---:|---:|---:|---:|");
    for Row { title, plain, compressed, keep_alive } in rows {
        let ms = |times: Times| format!("{:.0} · {:.0}", times.elapsed * 1e3, times.cpu * 1e3);
        let to_all = or_dash(compressed.as_ref().map(|measured| ms(measured.broadcast)));
        let hour = or_dash(keep_alive.map(|(ping, pings)| format!("{:.0}", ping * pings * connections / 1e9)));
        let (Times { elapsed, cpu }, broadcast) = (plain.open, ms(plain.broadcast));
        println!("| {title} | {elapsed:.1} · {cpu:.1} | {broadcast} | {to_all} | {hour} |");
    }
}
