//! The end of many connections at a restart.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Poll, Waker};
use std::time::Duration;

use protocol_websocket::{Close, CloseCode};

use crate::watched::{Watchable, Watched};

/// Closes many connections, for instance when a server restarts. A clone watches the same connections.
///
/// After the drain's Close, [`queue`](crate::WebSocket::queue) and [`send`](crate::WebSocket::send) return
/// [`SendError::Closed`](crate::SendError::Closed), and messages that the client sent before its Close still arrive: do
/// not return because of that error, but call [`recv`](crate::WebSocket::recv) until it returns `None`, so that the
/// closing handshake is finished. After [`split`](crate::WebSocket::split), the driver task finishes it.
///
/// A connection is watched once its opening handshake is done. [`guard`](Self::guard) lets [`shutdown`](Self::shutdown) wait
/// also for a connection in which it is still in progress.
///
/// ```
/// use std::time::Duration;
/// use protocol_websocket_tokio::{CloseCode, Drain, Error, WebSocket};
/// use tokio::net::TcpStream;
///
/// async fn serve(mut websocket: WebSocket<TcpStream>, drain: Drain) -> Result<(), Error> {
///     drain.watch(&websocket);
///     while let Some(message) = websocket.recv().await {
///         // After the Close of the drain, this fails, and `recv` continues until the client's Close.
///         let _ = websocket.queue(message?);
///     }
///     Ok(())
/// }
///
/// async fn stop(drain: Drain) {
///     let drained = drain.shutdown(CloseCode::GOING_AWAY, "restart", Duration::from_secs(10)).await;
///     println!("{} agreed, {} did not", drained.agreed, drained.others);
/// }
/// # let _ = (serve, stop);
/// ```
///
/// To know which connections did not agree, name them with [`watch_as`](Self::watch_as).
#[derive(Clone, Debug, Default)]
pub struct Drain {
    shared: Arc<Shared>,
}

/// The result of [`Drain::shutdown`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// The number of connections whose closing handshake was done in time.
    pub agreed: usize,
    /// The number of connections that failed, were dropped, or did not open or end in time.
    pub others: usize,
    /// The names of these others, as far as they have one: see [`Drain::watch_as`]. The order is not specified.
    pub other_names: Vec<String>,
}

impl Drain {
    /// Creates a drain that watches no connections.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Watches a [`WebSocket`](crate::WebSocket), also after it was split, or the connection of a
    /// [`Sender`](crate::Sender). It is watched until it has ended, is dropped, or is taken apart by
    /// [`into_parts`](crate::WebSocket::into_parts). After [`shutdown`](Self::shutdown) it is closed at once.
    pub fn watch(&self, connection: &impl Watchable) {
        self.watch_with(connection, None);
    }

    /// Watches a connection, as [`watch`](Self::watch), and names it, for instance by its peer's address or its user. If it
    /// has not agreed to close, its name is in [`Drained::other_names`]. Names need not be unique. If the connection is
    /// watched already, it gets the new name, for instance after a login.
    ///
    /// ```
    /// use std::time::Duration;
    /// use protocol_websocket_tokio::{CloseCode, Drain, Error, WebSocket};
    /// use tokio::net::TcpStream;
    ///
    /// async fn serve(mut websocket: WebSocket<TcpStream>, drain: Drain) -> Result<(), Error> {
    ///     drain.watch_as(&websocket, websocket.get_ref().peer_addr()?.to_string());
    ///     while let Some(message) = websocket.recv().await {
    ///         let _ = websocket.queue(message?);
    ///     }
    ///     Ok(())
    /// }
    ///
    /// async fn stop(drain: Drain) {
    ///     let drained = drain.shutdown(CloseCode::GOING_AWAY, "restart", Duration::from_secs(10)).await;
    ///     for name in drained.other_names {
    ///         println!("{name} did not agree");
    ///     }
    /// }
    /// # let _ = (serve, stop);
    /// ```
    pub fn watch_as(&self, connection: &impl Watchable, name: impl Into<String>) {
        self.watch_with(connection, Some(name.into().into()));
    }

    fn watch_with(&self, connection: &impl Watchable, name: Option<Box<str>>) {
        let watched = connection.watched();
        let mut connection = watched.lock();
        if connection.is_finished {
            return;
        }
        let mut state = self.shared.lock();
        let is_known = |(drain, _): &&(Weak<Shared>, u64)| drain.as_ptr() == Arc::as_ptr(&self.shared);
        if let Some((_, number)) = connection.drains.iter().find(is_known) {
            if let Some(entry) = state.watched.get_mut(number).filter(|_| name.is_some()) {
                entry.name = name;
            }
            return;
        }
        let number = state.next;
        state.next += 1;
        state.watched.insert(number, Entry { connection: Arc::clone(&watched), name });
        connection.drains.push((Arc::downgrade(&self.shared), number));
        let close = state.close.clone();
        drop((state, connection));
        if let Some(close) = close {
            watched.close(close);
        }
    }

    /// Returns a guard for a connection that is not open yet. [`shutdown`](Self::shutdown) waits until the guard is dropped,
    /// or until the connection that it [watches](DrainGuard::watch) has ended. Create the guard before the opening
    /// handshake.
    ///
    #[cfg_attr(feature = "server", doc = "```")]
    #[cfg_attr(not(feature = "server"), doc = "```ignore")]
    /// use protocol_websocket_tokio::{Accept, Drain, Error, accept, config};
    /// use tokio::net::TcpStream;
    ///
    /// async fn serve(stream: TcpStream, drain: Drain) -> Result<(), Error> {
    ///     let guard = drain.guard();
    ///     let mut websocket = accept(stream, config()).await?.accept(Accept::new()).await?;
    ///     guard.watch(&websocket);
    ///     while let Some(message) = websocket.recv().await {
    ///         let _ = websocket.queue(message?);
    ///     }
    ///     Ok(())
    /// }
    /// # let _ = serve;
    /// ```
    #[must_use = "dropping the guard ends its effect"]
    pub fn guard(&self) -> DrainGuard {
        self.shared.lock().guards += 1;
        DrainGuard { drain: self.clone() }
    }

    /// Returns the number of connections that are watched: those that have not ended.
    #[must_use]
    pub fn watched(&self) -> usize {
        self.shared.lock().watched.len()
    }

    /// Sends a Close with `code` and `reason` on all connections, and waits for at most `grace` until they have ended.
    /// The reason is truncated to 123 bytes.
    ///
    /// The Close is sent when the connection is polled: at once if it was split or its task is in
    /// [`recv`](crate::WebSocket::recv). A connection that has not ended in time stays as it is: its own deadline
    /// [`Timeouts::close`](crate::Timeouts::close) goes on.
    ///
    /// It does not stop new connections: stop accepting them before this call. A connection that is
    /// [watched](Self::watch) later is closed at once, but this call does not always wait for it. It does with a
    /// [`guard`](Self::guard), and another call of `shutdown` does.
    ///
    /// If the future is dropped, the connections are closed all the same.
    pub async fn shutdown(&self, code: impl Into<CloseCode>, reason: &str, grace: Duration) -> Drained {
        let close = Close::truncated(code, reason);
        let connections: Vec<_> = {
            let mut state = self.shared.lock();
            state.close = Some(close.clone());
            state.watched.values().map(|entry| Arc::clone(&entry.connection)).collect()
        };
        for connection in connections {
            connection.close(close.clone());
        }
        let all_ended = poll_fn(|context| {
            let mut state = self.shared.lock();
            if state.is_done() {
                return Poll::Ready(());
            }
            if !state.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                state.waiting.push(context.waker().clone());
            }
            Poll::Pending
        });
        // After the time, the connections that have not ended are counted.
        let _ = tokio::time::timeout(grace, all_ended).await;
        let (mut drained, left): (_, Vec<_>) = {
            let state = self.shared.lock();
            let mut drained = state.drained.clone();
            drained.others += state.guards;
            (drained, state.watched.values().cloned().collect())
        };
        for Entry { connection, name } in left {
            drained.add(connection.lock().has_agreed, name);
        }
        drained
    }
}

/// The guard of a connection that is not open yet: see [`Drain::guard`].
#[derive(Debug)]
pub struct DrainGuard {
    drain: Drain,
}

impl DrainGuard {
    /// Watches the connection, which is open now, as [`Drain::watch`].
    pub fn watch(self, connection: &impl Watchable) {
        self.drain.watch(connection);
    }
}

impl Drop for DrainGuard {
    fn drop(&mut self) {
        let mut state = self.drain.shared.lock();
        state.guards -= 1;
        let waiting = state.take_waiting();
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl Drained {
    fn add(&mut self, has_agreed: bool, name: Option<Box<str>>) {
        if has_agreed {
            self.agreed += 1;
        } else {
            self.others += 1;
            self.other_names.extend(name.map(String::from));
        }
    }
}

#[derive(Default)]
pub(crate) struct Shared(Mutex<State>);

/// A connection that is watched.
#[derive(Clone)]
struct Entry {
    connection: Arc<Watched>,
    name: Option<Box<str>>,
}

#[derive(Default)]
struct State {
    watched: HashMap<u64, Entry>,
    /// The number of connections that are not open yet.
    guards: usize,
    /// The number of the next connection.
    next: u64,
    /// The Close of a shutdown that has begun.
    close: Option<Close>,
    /// The connections that ended since then.
    drained: Drained,
    waiting: Vec<Waker>,
}

impl State {
    fn is_done(&self) -> bool {
        self.watched.is_empty() && self.guards == 0
    }

    /// Returns the tasks to wake: those that wait for the end, if it has been reached.
    fn take_waiting(&mut self) -> Vec<Waker> {
        if self.is_done() { std::mem::take(&mut self.waiting) } else { Vec::new() }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes a connection that has ended.
    pub(crate) fn remove(&self, number: u64, has_agreed: bool) {
        let mut state = self.lock();
        if let Some(entry) = state.watched.remove(&number)
            && state.close.is_some()
        {
            state.drained.add(has_agreed, entry.name);
        }
        // Free the memory after a peak.
        let len = state.watched.len();
        if state.watched.capacity() / 4 > len.max(16) {
            state.watched.shrink_to(len.saturating_mul(2));
        }
        let waiting = state.take_waiting();
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("watched", &self.lock().watched.len()).finish_non_exhaustive()
    }
}
