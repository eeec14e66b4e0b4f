//! A round of all connections: open, idle, under load, closed.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::faults::Fault;
use crate::peer::{Buffers, Peer, Tally};
use crate::process::{KIB, Process, Usage};

pub(crate) const CONNECTIONS: usize = 5_000;
/// The lengths of the messages that each correct connection sends at once.
const MESSAGES: [usize; 6] = [0, 1, 125, 126, 1_000, 4_000];
/// The lengths that every tenth of them also sends. Between them, the length field of a frame header grows to 64 bits.
const LONG_MESSAGES: [usize; 2] = [65_535, 65_536];
/// The number of concurrent handshakes. If all connections opened at once, the handshakes would fragment the server's
/// heap, and its memory would not show the cost of a connection.
const MAX_CONNECTING: usize = 100;
/// How long a step of all connections may take.
const STEP_TIMEOUT: Duration = Duration::from_secs(120);
/// The limit for a slow client: a message, its echo, and the start of the next message.
const MAX_SLOW_MEMORY: u64 = 512 * KIB;

pub(crate) struct Round {
    sent: Tally,
    echoed: Tally,
    /// The echoes that the faulty clients received.
    faulty: Tally,
    failures: Vec<String>,
    start: Usage,
    idle: Usage,
    /// While the slow clients do not read.
    loaded: Usage,
    /// When only the correct clients are connected, and idle again. Its peak is that of the round.
    idle_again: Usage,
    pub(crate) after: Usage,
}

impl Round {
    /// Runs a round. The permanent connection is open before, during and after it.
    pub(crate) async fn run(port: u16, process: &Process, start: &Usage, cost: Cost, permanent: &mut Peer) -> Self {
        let mut failures = Vec::new();
        let connecting = Arc::new(Semaphore::new(MAX_CONNECTING));
        let opened = (0..CONNECTIONS).map(|number| open(port, number, Arc::clone(&connecting))).collect();
        let peers = join(opened, &mut failures).await;
        let idle = process.usage();
        process.reset_peak();

        let (late, later) = watch::channel(false);
        let (mut quick, mut slow) = (JoinSet::new(), JoinSet::new());
        for (peer, fault) in peers {
            let set = if fault == Some(Fault::Slow) { &mut slow } else { &mut quick };
            set.spawn(run_client(peer, fault, later.clone()));
        }
        let mut outcomes = join(quick, &mut failures).await;
        let loaded = process.usage();
        failures
            .extend(permanent.echo(1000).await.err().map(|error| format!("permanent connection, under load: {error}")));

        late.send_replace(true);
        outcomes.extend(join(slow, &mut failures).await);
        let (mut correct, mut sent, mut echoed, mut faulty) = <(Vec<_>, Tally, Tally, Tally)>::default();
        for outcome in outcomes {
            failures.extend(outcome.failure);
            match outcome.peer {
                Some(peer) => {
                    sent += peer.sent;
                    echoed += peer.echoed;
                    correct.push(peer);
                }
                None => faulty += outcome.echoed,
            }
        }
        let (threads, descriptors) = (start.threads + correct.len() * cost.threads, start.descriptors + correct.len());
        let idle_again = process.settle(threads, descriptors).await;

        join(correct.into_iter().map(Peer::close).collect(), &mut failures).await;
        failures.extend(
            permanent.echo(1000).await.err().map(|error| format!("permanent connection, after the round: {error}")),
        );
        let after = process.settle(start.threads, start.descriptors).await;
        Self { sent, echoed, faulty, failures, start: start.clone(), idle, loaded, idle_again, after }
    }

    /// Checks that no connection failed, that no echo is missing, and that the resources are within the limits.
    pub(crate) fn check(&self, cost: Cost) {
        let Self { start, idle, idle_again, after, .. } = self;
        assert!(self.failures.is_empty(), "{} failed, the first: {}", self.failures.len(), self.failures[0]);
        assert_eq!(self.sent, self.echoed);
        let added = |usage: &Usage| (usage.threads - start.threads, usage.descriptors - start.descriptors);
        assert_eq!(added(idle), (CONNECTIONS * cost.threads, CONNECTIONS));
        assert_eq!(added(idle_again), (CONNECTIONS / 2 * cost.threads, CONNECTIONS / 2), "faulty connections remain");
        assert_eq!(added(after), (0, 0), "connections remain");
        let (open, idle) = (CONNECTIONS as u64, idle.resident - start.resident);
        assert!(idle <= open * cost.memory, "{idle} bytes for {open} idle connections");
        let peak = idle_again.peak - start.resident;
        assert!(peak <= open * cost.memory + open / 20 * MAX_SLOW_MEMORY, "{peak} bytes for {open} connections");
    }
}

/// The limits for an idle connection.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) threads: usize,
    pub(crate) memory: u64,
}

/// The result of a connection.
struct Outcome {
    echoed: Tally,
    failure: Option<String>,
    /// A correct client is still connected.
    peer: Option<Peer>,
}

/// Opens a connection. Every other one is faulty.
async fn open(port: u16, number: usize, connecting: Arc<Semaphore>) -> io::Result<(Peer, Option<Fault>)> {
    let fault = (number % 2 == 1).then(|| Fault::of(number / 2));
    let _permit = connecting.acquire().await;
    let buffers = if fault == Some(Fault::Slow) { Buffers::Small } else { Buffers::Default };
    Ok((Peer::open(port, number, buffers).await?, fault))
}

async fn run_client(mut peer: Peer, fault: Option<Fault>, later: watch::Receiver<bool>) -> io::Result<Outcome> {
    let result = match fault {
        Some(fault) => fault.run(&mut peer, later).await,
        None => {
            let long = if peer.number.is_multiple_of(20) { &LONG_MESSAGES[..] } else { &[] };
            MESSAGES.iter().chain(long).for_each(|length| peer.send(*length));
            peer.receive_echoes().await
        }
    };
    let failure = result.err().map(|error| format!("{}, {fault:?}: {error}", peer.number));
    Ok(Outcome { echoed: peer.echoed, failure, peer: fault.is_none().then_some(peer) })
}

/// Waits for all tasks, and collects the results of those that succeeded.
async fn join<T: 'static>(mut set: JoinSet<io::Result<T>>, failures: &mut Vec<String>) -> Vec<T> {
    let mut results = Vec::with_capacity(set.len());
    while let Ok(Some(result)) = timeout(STEP_TIMEOUT, set.join_next()).await {
        match result.unwrap() {
            Ok(result) => results.push(result),
            Err(error) => failures.push(error.to_string()),
        }
    }
    if !set.is_empty() {
        failures.push(format!("{} did not end in time", set.len()));
    }
    results
}

/// Formats the figures.
impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, echoed, faulty, start, idle, loaded, idle_again, after, .. } = self;
        let each = |bytes: u64, connections: usize| bytes.saturating_sub(start.resident) / connections as u64;
        let (all, half, missing) = (CONNECTIONS, CONNECTIONS / 2, sent.bytes - echoed.bytes);
        writeln!(f, "{all} connections, {half} of them faulty")?;
        writeln!(f, "  correct: {} messages of {} bytes, {missing} bytes missing", sent.messages, sent.bytes)?;
        writeln!(f, "  faulty: {} messages of {} bytes echoed", faulty.messages, faulty.bytes)?;
        let [idle_each, peak_each] = [idle.resident, idle_again.peak].map(|bytes| each(bytes, all));
        let idle_again_each = each(idle_again.resident, half);
        writeln!(
            f,
            "  bytes for each connection: {idle_each} idle, {peak_each} at the peak, {idle_again_each} idle again"
        )?;
        for (when, usage) in
            [("start", start), ("idle", idle), ("load", loaded), ("again", idle_again), ("after", after)]
        {
            let Usage { resident, peak, threads, descriptors } = usage;
            let [resident, peak] = [resident, peak].map(|bytes| bytes / KIB);
            writeln!(f, "  {when:>5}: {resident} KiB, peak {peak} KiB, {threads} threads, {descriptors} descriptors")?;
        }
        Ok(())
    }
}
