//! The wakers of the two tasks that may use one connection: one that reads and one that writes.
//!
//! A transport keeps one waker for reads and one for writes, of the last poll of each. A connection reads and writes in
//! any poll, so with two tasks (`futures::StreamExt::split`) one task could replace the waker of the other, which would
//! then never be woken. The transport and the timer therefore get a proxy, which wakes both tasks.
//!
//! A task that was woken is registered again when it polls. So a task that does not use the connection any more is woken
//! at most once, and is not kept in memory.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};

/// A task that uses a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Reader,
    Writer,
}

#[derive(Default)]
struct Tasks {
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Default)]
struct Proxy(Mutex<Tasks>);

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

pub(crate) struct Wakers {
    proxy: Arc<Proxy>,
    waker: Waker,
}

impl Wakers {
    pub(crate) fn new() -> Self {
        let proxy = Arc::<Proxy>::default();
        Self { waker: Waker::from(Arc::clone(&proxy)), proxy }
    }

    /// Registers the task of `context`, and returns the waker that wakes it and the other task.
    pub(crate) fn register(&self, side: Side, context: &Context<'_>) -> &Waker {
        let mut tasks = self.proxy.tasks();
        let task = if side == Side::Reader { &mut tasks.reader } else { &mut tasks.writer };
        match task {
            Some(waker) => waker.clone_from(context.waker()),
            None => *task = Some(context.waker().clone()),
        }
        drop(tasks);
        &self.waker
    }

    /// Wakes the task that reads.
    pub(crate) fn wake_reader(&self) {
        // The lock is released before the call.
        let reader = self.proxy.tasks().reader.take();
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}
