//! The wakers of the two tasks that may use one connection: one that reads and one that writes.
//!
//! A transport keeps one waker for reads and one for writes, of the last poll of each. A connection reads and writes in
//! any poll, so with two tasks (`futures::StreamExt::split`) one task could replace the waker of the other, which would
//! then never be woken. The transport and the timer therefore get a proxy, which wakes both tasks.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};

/// A task that uses a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Reader = 0,
    Writer = 1,
}

#[derive(Default)]
struct Tasks(Mutex<[Option<Waker>; 2]>);

impl Tasks {
    fn wake_all(&self) {
        let tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        tasks.into_iter().flatten().for_each(Waker::wake);
    }
}

impl Wake for Tasks {
    fn wake(self: Arc<Self>) {
        self.wake_all();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_all();
    }
}

pub(crate) struct Wakers {
    tasks: Arc<Tasks>,
    proxy: Waker,
}

impl Wakers {
    pub(crate) fn new() -> Self {
        let tasks = Arc::<Tasks>::default();
        Self { proxy: Waker::from(Arc::clone(&tasks)), tasks }
    }

    /// Registers the task of `context`, and returns the waker that wakes it and the other task.
    pub(crate) fn register(&self, side: Side, context: &Context<'_>) -> Waker {
        let mut tasks = self.tasks.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [reader, writer] = &mut *tasks;
        let task = if side == Side::Reader { reader } else { writer };
        match task {
            Some(waker) => waker.clone_from(context.waker()),
            None => *task = Some(context.waker().clone()),
        }
        self.proxy.clone()
    }
}
