//! The page and its table of recent connections.

use std::collections::VecDeque;
use std::time::Instant;

use protocol_websocket::{Negotiated, Version};

const PAGE: &str = include_str!("page.html");
/// The placeholder of the rows in the page.
const ROWS: &str = "<!-- recent connections -->";
/// The number of connections in the table.
const MAX_RECENT: usize = 10;

/// The latest connections, the newest first.
#[derive(Default)]
pub(crate) struct Recent(VecDeque<RecentConnection>);

/// A row of the table.
struct RecentConnection {
    opened: Instant,
    version: Version,
    resource_name: String,
    subprotocol: String,
    extensions: String,
}

impl Recent {
    pub(crate) fn add(&mut self, resource_name: String, negotiated: &Negotiated) {
        self.0.push_front(RecentConnection {
            opened: Instant::now(),
            version: negotiated.version,
            resource_name,
            subprotocol: negotiated.subprotocol.clone().unwrap_or_default(),
            extensions: extensions(negotiated),
        });
        self.0.truncate(MAX_RECENT);
    }

    /// Renders the page.
    pub(crate) fn page(&self) -> String {
        let rows: String = self.0.iter().map(RecentConnection::row).collect();
        PAGE.replace(ROWS, &rows)
    }
}

impl RecentConnection {
    fn row(&self) -> String {
        let opened = match self.opened.elapsed().as_secs() {
            seconds @ 0..120 => format!("{seconds} s ago"),
            seconds @ 120..7200 => format!("{} min ago", seconds / 60),
            seconds => format!("{} h ago", seconds / 3600),
        };
        let Self { version, resource_name, subprotocol, extensions, .. } = self;
        let [path, subprotocol, extensions] = [resource_name, subprotocol, extensions].map(|text| escape(text));
        format!(
            "<tr><td>{opened}</td><td>{version}</td><td>{path}</td><td>{subprotocol}</td><td>{extensions}</td></tr>\n"
        )
    }
}

/// Formats the negotiated extensions as a list.
pub(crate) fn extensions(negotiated: &Negotiated) -> String {
    let extensions: Vec<String> = negotiated.extensions.iter().map(ToString::to_string).collect();
    extensions.join(", ")
}

/// Escapes text for HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
