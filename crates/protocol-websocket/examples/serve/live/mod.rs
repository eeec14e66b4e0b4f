//! The live section of the page, which shows the connections of all clients to a person at this machine.
//!
//! Each connection has a [`Record`], which observes it. A page opens a connection with the subprotocol
//! [`SUBPROTOCOL`]. Its [`Viewer`] sends the changes of the records as JSON a few times in a second.

mod record;
mod viewer;

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use protocol_websocket::{Reject, Request};

use crate::peer::lock;

pub(crate) use record::Record;
pub(crate) use viewer::Viewer;

/// The subprotocol of the connections that carry the changes.
pub(crate) const SUBPROTOCOL: &str = "live-connections";
/// The limit for a message of a page.
pub(crate) const MAX_MESSAGE: u64 = 1024;
/// The maximum number of open connections that a page shows, the newest first.
const MAX_OPEN: usize = 100;
/// The maximum number of ended connections that are kept.
const MAX_ENDED: usize = 20;
/// The maximum number of pages at a time.
const MAX_VIEWERS: usize = 8;

/// The records of all connections.
pub(crate) struct Live {
    start: Instant,
    records: Mutex<Records>,
    viewers: AtomicUsize,
}

#[derive(Default)]
struct Records {
    /// The records by the number of their connection, so the newest are the last. Some of the connections have just ended.
    open: BTreeMap<usize, Arc<Record>>,
    /// The newest are the last.
    ended: VecDeque<Arc<Record>>,
}

impl Live {
    /// Returns the records of a server that listens on this address, or the reason why it has none.
    pub(crate) fn new(address: IpAddr, is_enabled: bool) -> Result<Self, &'static str> {
        if !is_enabled {
            return Err("The server was started with --no-live.");
        }
        if !address.is_loopback() {
            return Err("The server listens on an address that other machines can reach.");
        }
        Ok(Self { start: Instant::now(), records: Mutex::default(), viewers: AtomicUsize::new(0) })
    }

    /// Creates the record of a connection.
    pub(crate) fn add(&self, id: usize, address: SocketAddr, request: &Request) -> Arc<Record> {
        let record = Arc::new(Record::new(id, address, request));
        lock(&self.records).open.insert(id, Arc::clone(&record));
        record
    }

    /// Keeps the record of a connection for a while after its end.
    pub(crate) fn remove(&self, id: usize) {
        let mut records = lock(&self.records);
        let Some(record) = records.open.remove(&id).filter(|record| record.has_opened()) else { return };
        if records.ended.len() == MAX_ENDED {
            records.ended.pop_front();
        }
        records.ended.push_back(record);
    }

    /// Returns a viewer for a page, or a refusal. Only the server's own pages get one: browsers send the origin of the page,
    /// and no page can change it. `is_local` is true if the request's host is a name of this machine.
    pub(crate) fn viewer(self: &Arc<Self>, request: &Request, is_local: bool) -> Result<Viewer, Reject> {
        if !is_local || !request.is_same_origin(false) {
            return Err(Reject::new(403).body("Only the page of this server may read its connections.\n"));
        }
        Viewer::new(self).ok_or_else(|| Reject::new(503).body("Too many pages read the connections.\n"))
    }

    /// Returns whether a page is open.
    pub(crate) fn is_viewed(&self) -> bool {
        self.viewers.load(Ordering::Relaxed) > 0
    }

    /// Returns the records that a page shows, the newest first, and the number of open connections.
    fn records(&self, selected: Option<usize>) -> (Vec<Arc<Record>>, usize) {
        let records = lock(&self.records);
        let open = records.open.values().filter(|record| record.is_open()).count();
        let newest = records.open.values().rev().enumerate();
        let shown = newest.filter(|(place, record)| *place < MAX_OPEN || Some(record.id) == selected);
        let ended = records.ended.iter().rev().cloned();
        (shown.map(|(_, record)| Arc::clone(record)).chain(ended).collect(), open)
    }
}
