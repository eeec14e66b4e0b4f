//! Received messages on stdout.

use std::io::{self, Write};

use protocol_websocket::Message;

use crate::line::line;

pub(crate) struct Stdout {
    failed: bool,
}

impl Stdout {
    pub(crate) const fn new() -> Self {
        Self { failed: false }
    }

    /// Writes the message as one line and flushes it. After the first error, messages are dropped.
    pub(crate) fn print(&mut self, message: &Message) -> io::Result<()> {
        if self.failed {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        let result = stdout.write_all(line(message).as_bytes()).and_then(|()| stdout.flush());
        self.failed = result.is_err();
        result
    }
}
