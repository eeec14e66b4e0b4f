//! SIGINT and SIGTERM.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use mio::Waker;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;

/// A flag that is set when a signal arrives. A second signal ends the process.
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Installs the signal handlers. Each signal wakes the waker.
    pub(crate) fn new(waker: Arc<Waker>) -> io::Result<Self> {
        let first_signal = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // The order matters: the first handler ends the process if the flag is set, and the second sets the flag.
            flag::register_conditional_default(signal, Arc::clone(&first_signal))?;
            flag::register(signal, Arc::clone(&first_signal))?;
        }
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let interrupt = Self(Arc::new(AtomicBool::new(false)));
        let raised = Arc::clone(&interrupt.0);
        thread::Builder::new().name("signals".into()).spawn(move || {
            for _ in signals.forever() {
                raised.store(true, Ordering::Relaxed);
                let _ = waker.wake();
            }
        })?;
        Ok(interrupt)
    }

    /// Returns whether a signal has arrived since the last call, and clears the flag.
    pub(crate) fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}
