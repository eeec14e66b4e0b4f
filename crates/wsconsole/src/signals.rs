//! SIGINT and SIGTERM.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that close the connection. After the first signal, the next one ends the process.
#[derive(Debug)]
pub(crate) struct Signals([Signal; 2]);

impl Signals {
    /// Installs the signal handlers.
    pub(crate) fn new() -> io::Result<Self> {
        let first_signal = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // The order matters: the first handler ends the process if the flag is set, and the second sets the flag.
            flag::register_conditional_default(signal, Arc::clone(&first_signal))?;
            flag::register(signal, Arc::clone(&first_signal))?;
        }
        Ok(Self([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?]))
    }

    /// Waits for a signal.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let is_ready = self.0.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
        if is_ready { Poll::Ready(()) } else { Poll::Pending }
    }
}
