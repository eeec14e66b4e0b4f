//! The part that a connection shares with the drains that watch it.
//!
//! A drain cannot reach the connection, which is in use by its task. It leaves the Close here and wakes the task, and
//! the next poll of the connection sends it. The connection removes itself from its drains at its end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Waker};

use protocol_websocket::{Close, Ended};

use crate::drain::Shared;
use crate::{Sender, WebSocket};

/// A connection that a [`Drain`](crate::Drain) can watch: a [`WebSocket`] or a [`Sender`].
pub trait Watchable: sealed::Watchable {}

impl<S> Watchable for WebSocket<S> {}

impl Watchable for Sender {}

pub(crate) mod sealed {
    use std::sync::Arc;

    pub trait Watchable {
        fn watched(&self) -> Arc<super::Watched>;
    }
}

impl<S> sealed::Watchable for WebSocket<S> {
    fn watched(&self) -> Arc<Watched> {
        self.inner.driver.watch.watched()
    }
}

/// What a connection and its drains share.
#[derive(Default)]
pub struct Watched(Mutex<State>);

#[derive(Default)]
pub(crate) struct State {
    /// The Close that a drain requests.
    close: Option<Close>,
    /// The task that polls the connection.
    waker: Option<Waker>,
    /// The drains, and the number of the connection in each of them.
    pub(crate) drains: Vec<(Weak<Shared>, u64)>,
    /// The closing handshake is done.
    pub(crate) has_agreed: bool,
    pub(crate) is_finished: bool,
}

impl Watched {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests a Close.
    pub(crate) fn close(&self, close: Close) {
        let mut state = self.lock();
        state.close = Some(close);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The connection's end of a [`Watched`], which exists once a drain watches the connection.
#[derive(Default)]
pub(crate) struct Watch {
    watched: OnceLock<Arc<Watched>>,
    is_finished: AtomicBool,
}

impl Watch {
    pub(crate) fn watched(&self) -> Arc<Watched> {
        let watched = self.watched.get_or_init(Arc::default);
        if self.is_finished.load(Ordering::Acquire) {
            watched.lock().is_finished = true;
        }
        Arc::clone(watched)
    }

    /// Returns the Close that a drain requests. Registers the task to be woken otherwise.
    pub(crate) fn poll_close(&self, context: &Context<'_>) -> Option<Close> {
        let mut state = self.watched.get()?.lock();
        if let Some(close) = state.close.take() {
            return Some(close);
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(context.waker()),
            None => state.waker = Some(context.waker().clone()),
        }
        None
    }

    /// Notes how the connection ended. Its transport may not have ended yet.
    pub(crate) fn note_ended(&self, ended: Option<&Ended>) {
        if let Some(watched) = self.watched.get() {
            watched.lock().has_agreed = ended.is_some_and(|ended| ended.clean);
        }
    }

    /// Removes the connection from its drains.
    pub(crate) fn finish(&self) {
        self.is_finished.store(true, Ordering::Release);
        let Some(watched) = self.watched.get() else { return };
        let mut state = watched.lock();
        state.is_finished = true;
        state.waker = None;
        let (drains, has_agreed) = (std::mem::take(&mut state.drains), state.has_agreed);
        drop(state);
        for (drain, number) in drains {
            if let Some(drain) = drain.upgrade() {
                drain.remove(number, has_agreed);
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.finish();
    }
}
