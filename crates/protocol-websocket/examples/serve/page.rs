//! The page, its table of recent connections, and its live section.

use std::collections::VecDeque;
use std::time::Instant;

use protocol_websocket::{Negotiated, Version};

const PAGE: &str = include_str!("page.html");
/// The parts of the live section: a placeholder in the page, and the content.
const LIVE: [(&str, &str); 3] = [
    ("/* live.css */", include_str!("live/live.css")),
    ("<!-- live.html -->", include_str!("live/live.html")),
    ("// live.js", include_str!("live/live.js")),
];
/// The section that replaces the live one if that is off.
const OFF: &str = r#"<section class="panel off" id="live" data-live="off" aria-labelledby="live-title">
  <h2 id="live-title">Live connections</h2>
  <p class="note">Off. <!-- reason --> This section is on only if the server listens on a loopback address and the page is
    opened as localhost, 127.0.0.1 or [::1].</p>
</section>
"#;
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
    path: String,
    subprotocol: String,
    extensions: String,
}

impl Recent {
    /// Adds a connection. The path has no query.
    pub(crate) fn add(&mut self, path: String, negotiated: &Negotiated) {
        self.0.push_front(RecentConnection {
            opened: Instant::now(),
            version: negotiated.version,
            path,
            subprotocol: negotiated.subprotocol.clone().unwrap_or_default(),
            extensions: extensions(negotiated),
        });
        self.0.truncate(MAX_RECENT);
    }

    /// Renders the page, with the live section or with the reason why it is off.
    pub(crate) fn page(&self, live: Result<(), &str>) -> String {
        let page = match live {
            Ok(()) => LIVE.iter().fold(PAGE.to_owned(), |page, (place, content)| page.replacen(place, content, 1)),
            Err(reason) => PAGE.replace("<!-- live.html -->", &OFF.replace("<!-- reason -->", reason)),
        };
        let rows: String = self.0.iter().map(RecentConnection::row).collect();
        page.replace(ROWS, &rows)
    }
}

impl RecentConnection {
    fn row(&self) -> String {
        let opened = match self.opened.elapsed().as_secs() {
            seconds @ 0..120 => format!("{seconds} s ago"),
            seconds @ 120..7200 => format!("{} min ago", seconds / 60),
            seconds => format!("{} h ago", seconds / 3600),
        };
        let Self { version, path, subprotocol, extensions, .. } = self;
        let [path, subprotocol, extensions] = [path, subprotocol, extensions].map(|text| escape(text));
        format!(
            "<tr><td>{opened}</td><td>{version}</td><td>{path}</td><td>{subprotocol}</td><td>{extensions}</td></tr>\n"
        )
    }
}

/// Returns the path of a resource name. A query may contain secrets, so an ellipsis replaces it.
pub(crate) fn path(resource_name: &str) -> String {
    match resource_name.split_once('?') {
        Some((path, _)) => format!("{path}?…"),
        None => resource_name.to_owned(),
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
