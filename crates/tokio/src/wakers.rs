//! The wakers of the two tasks that may use one connection: one that reads and one that writes.
//!
//! A transport keeps one waker for reads and one for writes, of the last poll of each. A connection reads and writes in
//! any poll, so with two tasks (`futures::StreamExt::split`) one task could replace the waker of the other, which would
//! then never be woken. So once there are two tasks, the transport and the timer get a proxy, which wakes both of them.
//!
//! A task that was woken is registered again when it polls. So a task that does not use the connection any more is woken
//! at most once.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};

/// A task that uses a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Reader,
    Writer,
}

#[derive(Debug, Default)]
struct Tasks {
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Debug, Default)]
pub(crate) struct Proxy(Mutex<Tasks>);

impl Proxy {
    fn tasks(&self) -> MutexGuard<'_, Tasks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_all(&self) {
        // The lock is released before the calls.
        let Tasks { reader, writer } = mem::take(&mut *self.tasks());
        reader.into_iter().chain(writer).for_each(Waker::wake);
    }
}

impl Wake for Proxy {
    fn wake(self: Arc<Self>) {
        self.wake_all();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_all();
    }
}

#[derive(Debug)]
pub(crate) enum Wakers {
    /// One task uses the connection, or none. It needs no proxy.
    One { waker: Option<Waker>, reads: bool, writes: bool },
    /// Two tasks have used it at the same time.
    Two { proxy: Arc<Proxy>, waker: Waker },
}

impl Wakers {
    pub(crate) const fn new() -> Self {
        Self::One { waker: None, reads: false, writes: false }
    }

    /// Registers the task of `context`, and returns the waker that wakes it and, if there are two, the other task.
    pub(crate) fn register(&mut self, side: Side, context: &Context<'_>) -> &Waker {
        if let Self::One { waker, reads, writes } = self {
            let other_waits = if side == Side::Reader { *writes } else { *reads };
            let other = waker.take_if(|waker| other_waits && !waker.will_wake(context.waker()));
            if let Some(other) = other {
                let proxy = Arc::<Proxy>::default();
                *self = Self::Two { waker: Waker::from(Arc::clone(&proxy)), proxy };
                // The transport has its waker. When it polls, it registers with the proxy.
                other.wake();
            }
        }
        match self {
            Self::One { waker, reads, writes } => {
                *(if side == Side::Reader { reads } else { writes }) = true;
                match waker {
                    Some(waker) => {
                        waker.clone_from(context.waker());
                        waker
                    }
                    None => waker.insert(context.waker().clone()),
                }
            }
            Self::Two { proxy, waker } => {
                let mut tasks = proxy.tasks();
                let task = if side == Side::Reader { &mut tasks.reader } else { &mut tasks.writer };
                match task {
                    Some(waker) => waker.clone_from(context.waker()),
                    None => *task = Some(context.waker().clone()),
                }
                drop(tasks);
                waker
            }
        }
    }

    /// Notes that a task does not wait any more.
    pub(crate) const fn unregister(&mut self, side: Side) {
        if let Self::One { reads, writes, .. } = self {
            *(if matches!(side, Side::Reader) { reads } else { writes }) = false;
        }
    }

    /// Wakes the task that reads, if it waits, and at most once before it registers again. A task whose `recv` was dropped does
    /// not register again. If it is also the task that writes, it would otherwise wake itself at each poll.
    pub(crate) fn wake_reader(&mut self) {
        match self {
            Self::One { waker, reads, .. } => {
                if mem::take(reads) {
                    waker.iter().for_each(Waker::wake_by_ref);
                }
            }
            Self::Two { proxy, .. } => {
                // The lock is released before the call.
                let reader = proxy.tasks().reader.take();
                reader.into_iter().for_each(Waker::wake);
            }
        }
    }
}
