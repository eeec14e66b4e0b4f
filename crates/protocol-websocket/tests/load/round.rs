//! All at once: open, idle, under load, gone.

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
/// What each good connection says at once.
const MESSAGES: [usize; 6] = [0, 1, 125, 126, 1_000, 4_000];
/// What every tenth of them says too: the lengths around which a frame's head grows again.
const LONG: [usize; 2] = [65_535, 65_536];
/// How many connect at a time. When all do, the handshakes leave gaps in the server's heap, and what it holds says less of
/// what a connection costs.
const CONNECTING: usize = 100;
/// For whatever must come to its end.
const PATIENCE: Duration = Duration::from_secs(120);
/// What a slow reader may cost: a message that came, its echo, and what there is of the next.
const SLOW: u64 = 512 * KIB;

pub(crate) struct Round {
    said: Tally,
    echoed: Tally,
    /// What those of the faulty ones got back who waited for it.
    faulty: Tally,
    failures: Vec<String>,
    start: Usage,
    idle: Usage,
    /// While those who do not read are held up.
    loaded: Usage,
    /// When only the good ones are left, and idle again; its peak is the round's.
    quiet: Usage,
    pub(crate) after: Usage,
}

impl Round {
    /// The witness is the one connection that was there before and is there afterwards.
    pub(crate) async fn run(port: u16, process: &Process, start: &Usage, cost: Cost, witness: &mut Peer) -> Self {
        let mut failures = Vec::new();
        let connecting = Arc::new(Semaphore::new(CONNECTING));
        let opened = (0..CONNECTIONS).map(|number| open(port, number, Arc::clone(&connecting))).collect();
        let peers = all(opened, &mut failures).await;
        let idle = process.usage();
        process.forget_peak();

        let (late, later) = watch::channel(false);
        let (mut quick, mut slow) = (JoinSet::new(), JoinSet::new());
        for (peer, fault) in peers {
            let set = if fault == Some(Fault::Slow) { &mut slow } else { &mut quick };
            set.spawn(act(peer, fault, later.clone()));
        }
        let mut ends = all(quick, &mut failures).await;
        let loaded = process.usage();
        failures.extend(witness.echo(1000).await.err().map(|error| format!("witness, under load: {error}")));

        late.send_replace(true);
        ends.extend(all(slow, &mut failures).await);
        let (mut good, mut said, mut echoed, mut faulty) = <(Vec<_>, Tally, Tally, Tally)>::default();
        for end in ends {
            failures.extend(end.failure);
            match end.peer {
                Some(peer) => {
                    said += peer.said;
                    echoed += peer.echoed;
                    good.push(peer);
                }
                None => faulty += end.echoed,
            }
        }
        let (threads, descriptors) = (start.threads + good.len() * cost.threads, start.descriptors + good.len());
        let quiet = process.settle(threads, descriptors).await;

        all(good.into_iter().map(Peer::close).collect(), &mut failures).await;
        failures.extend(witness.echo(1000).await.err().map(|error| format!("witness, afterwards: {error}")));
        let after = process.settle(start.threads, start.descriptors).await;
        Self { said, echoed, faulty, failures, start: start.clone(), idle, loaded, quiet, after }
    }

    /// Whether all went well.
    pub(crate) fn check(&self, cost: Cost) {
        let Self { start, idle, quiet, after, .. } = self;
        assert!(self.failures.is_empty(), "{} failed, the first: {}", self.failures.len(), self.failures[0]);
        assert_eq!(self.said, self.echoed);
        let beside = |usage: &Usage| (usage.threads - start.threads, usage.descriptors - start.descriptors);
        assert_eq!(beside(idle), (CONNECTIONS * cost.threads, CONNECTIONS));
        assert_eq!(beside(quiet), (CONNECTIONS / 2 * cost.threads, CONNECTIONS / 2), "faulty connections are left");
        assert_eq!(beside(after), (0, 0), "connections are left");
        let (open, idle) = (CONNECTIONS as u64, idle.resident - start.resident);
        assert!(idle <= open * cost.memory, "{idle} bytes of {open} idle connections");
        let peak = quiet.peak - start.resident;
        assert!(peak <= open * cost.memory + open / 20 * SLOW, "{peak} bytes of {open} connections");
    }
}

/// What a server may take for an idle connection.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) threads: usize,
    pub(crate) memory: u64,
}

/// What became of a connection.
struct End {
    echoed: Tally,
    failure: Option<String>,
    /// A good one is still there.
    peer: Option<Peer>,
}

/// Every other one is faulty, in its turn.
async fn open(port: u16, number: usize, connecting: Arc<Semaphore>) -> io::Result<(Peer, Option<Fault>)> {
    let fault = (number % 2 == 1).then(|| Fault::of(number / 2));
    let _turn = connecting.acquire().await;
    let buffers = if fault == Some(Fault::Slow) { Buffers::Small } else { Buffers::Usual };
    Ok((Peer::open(port, number, buffers).await?, fault))
}

async fn act(mut peer: Peer, fault: Option<Fault>, later: watch::Receiver<bool>) -> io::Result<End> {
    let ended = match fault {
        Some(fault) => fault.happen(&mut peer, later).await,
        None => {
            let long = if peer.number.is_multiple_of(20) { &LONG[..] } else { &[] };
            MESSAGES.iter().chain(long).for_each(|length| peer.say(*length));
            peer.hear().await
        }
    };
    let failure = ended.err().map(|error| format!("{}, {fault:?}: {error}", peer.number));
    Ok(End { echoed: peer.echoed, failure, peer: fault.is_none().then_some(peer) })
}

/// Waits for all of them.
async fn all<T: 'static>(mut set: JoinSet<io::Result<T>>, failures: &mut Vec<String>) -> Vec<T> {
    let mut ends = Vec::with_capacity(set.len());
    while let Ok(Some(end)) = timeout(PATIENCE, set.join_next()).await {
        match end.unwrap() {
            Ok(end) => ends.push(end),
            Err(error) => failures.push(error.to_string()),
        }
    }
    if !set.is_empty() {
        failures.push(format!("{} came to no end", set.len()));
    }
    ends
}

/// The figures.
impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { said, echoed, faulty, start, idle, loaded, quiet, after, .. } = self;
        let each = |bytes: u64, connections: usize| bytes.saturating_sub(start.resident) / connections as u64;
        let (all, half, lost) = (CONNECTIONS, CONNECTIONS / 2, said.bytes - echoed.bytes);
        writeln!(f, "{all} connections, {half} of them faulty")?;
        writeln!(f, "  good: {} messages of {} bytes, {lost} bytes lost", said.messages, said.bytes)?;
        writeln!(f, "  faulty: {} messages of {} bytes came back", faulty.messages, faulty.bytes)?;
        let [idle_each, peak_each] = [idle.resident, quiet.peak].map(|bytes| each(bytes, all));
        let quiet_each = each(quiet.resident, half);
        writeln!(f, "  bytes a connection: {idle_each} idle, {peak_each} at the peak, {quiet_each} idle again")?;
        for (when, usage) in [("start", start), ("idle", idle), ("load", loaded), ("quiet", quiet), ("after", after)] {
            let Usage { resident, peak, threads, descriptors } = usage;
            let [resident, peak] = [resident, peak].map(|bytes| bytes / KIB);
            writeln!(f, "  {when:>5}: {resident} KiB, peak {peak} KiB, {threads} threads, {descriptors} descriptors")?;
        }
        Ok(())
    }
}
