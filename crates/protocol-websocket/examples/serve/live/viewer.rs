//! The connection of a page to the live section.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use protocol_websocket::{Connection, LentMessage, State};
use serde_json::{Value, json};

use super::record::{Record, milliseconds};
use super::{Live, MAX_VIEWERS};
use crate::peer::Service;

/// The time between two updates.
const UPDATE_INTERVAL: Duration = Duration::from_millis(250);

/// Sends the changes of the records to a page, and the frames of the connection that the page has selected.
pub(crate) struct Viewer {
    live: Arc<Live>,
    next_update: Instant,
    /// The connections that the page has, with the revision of each.
    known: HashMap<usize, (usize, usize)>,
    /// The number of open connections that the page has.
    known_open: Option<usize>,
    selected: Option<usize>,
    /// The number of the selected connection's next frame.
    next_frame: u64,
}

impl Viewer {
    /// Returns a viewer, or `None` if there are too many.
    pub(super) fn new(live: &Arc<Live>) -> Option<Self> {
        let add = |viewers| (viewers < MAX_VIEWERS).then_some(viewers + 1);
        live.viewers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).ok()?;
        Some(Self {
            live: Arc::clone(live),
            next_update: Instant::now(),
            known: HashMap::new(),
            known_open: None,
            selected: None,
            next_frame: 0,
        })
    }

    /// Returns the changes since the last update, or `None` if nothing changed.
    fn update(&mut self) -> Option<Value> {
        let (records, open) = self.live.records(self.selected);
        let connections: Vec<Value> = records.iter().filter_map(|record| self.change(record)).collect();
        let shown: HashSet<usize> = records.iter().map(|record| record.id).collect();
        let gone: Vec<usize> = self.known.extract_if(|id, _| !shown.contains(id)).map(|(id, _)| id).collect();
        let selected = records.iter().find(|record| Some(record.id) == self.selected);
        let frames = selected.map_or_else(Vec::new, |record| {
            let (frames, next) = record.frames_from(self.next_frame);
            self.next_frame = next;
            frames
        });
        let is_same = self.known_open.replace(open) == Some(open);
        if is_same && connections.is_empty() && gone.is_empty() && frames.is_empty() {
            return None;
        }
        Some(json!({
            "now": milliseconds(self.live.start.elapsed()),
            "open": open,
            "connections": connections,
            "gone": gone,
            "selected": self.selected,
            "frames": frames,
        }))
    }

    /// Returns the values of a connection if they changed.
    fn change(&mut self, record: &Record) -> Option<Value> {
        let revision = record.revision();
        if self.known.get(&record.id) == Some(&revision) {
            return None;
        }
        let value = record.to_json(self.live.start)?;
        self.known.insert(record.id, revision);
        Some(value)
    }
}

impl Service for Viewer {
    /// Handles `{"select": NUMBER}` or `{"select": null}`. Other messages are ignored.
    fn on_message(&mut self, message: LentMessage<'_>, _: &mut Connection, _: &mut BytesMut) {
        let message: Value = serde_json::from_slice(message.as_bytes()).unwrap_or_default();
        let Some(selected) = message.get("select") else { return };
        self.selected = selected.as_u64().and_then(|id| id.try_into().ok());
        self.next_frame = 0;
        self.next_update = Instant::now();
    }

    fn poll(&mut self, connection: &mut Connection, output: &mut BytesMut) -> Duration {
        let now = Instant::now();
        if now >= self.next_update {
            self.next_update = now + UPDATE_INTERVAL;
            if connection.state() == State::Open
                && let Some(update) = self.update()
            {
                // An open connection sends every text.
                let _ = connection.send(update.to_string(), output);
            }
        }
        self.next_update - now
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.live.viewers.fetch_sub(1, Ordering::Relaxed);
    }
}
