//! The task that drives a connection whose halves are in use by other tasks.
//!
//! One lock protects the connection. A sender encodes its message under the lock and wakes the task, so the order of the
//! messages is the order in which the lock was taken, and an error is returned at once. The task holds the lock while it
//! polls, which does not wait. Wakers are called after the lock is released.
//!
//! The task ends with the connection. It then drops the transport, also if a half is still in use.

use std::collections::VecDeque;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use protocol_websocket::{CloseCode, Ended, Event, Negotiated, SendError, State as ConnectionState};
use tokio::time::Instant;

use crate::Error;
use crate::driver::Driver;
use crate::timer::Timer;
use crate::transport::BoxedTransport;
use crate::waiting::{Key, Until, Waiting};

/// How long a connection without halves may take to close, if `Timeouts::close` is not set.
const ABANDONED_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the receiver may take no event after our Close, if `Timeouts::close` is not set.
const TAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// The maximum number of pings and pongs that are kept for the receiver. They are not counted as received bytes, so that
/// a receiver that is not used for a long time does not stop the connection.
const MAX_CONTROL_EVENTS: usize = 16;

/// The connection, as its task and its halves share it.
pub(crate) struct Shared {
    pub(crate) negotiated: Negotiated,
    /// The number of senders.
    pub(crate) senders: AtomicUsize,
    /// The number of events that the receiver has returned.
    pub(crate) taken: AtomicUsize,
    state: Mutex<State>,
}

pub(crate) struct State {
    io: BoxedTransport,
    pub(crate) driver: Driver,
    /// The task, if it is to be woken.
    task: Option<Waker>,
    /// The result of [`queued`](Self::queued) after the last message of a sender, with bytes that were discarded since.
    max_queued: u64,
    pub(crate) has_senders: bool,
    pub(crate) has_receiver: bool,
    /// The task of the receiver, if it waits.
    pub(crate) receiver: Option<Waker>,
    received: VecDeque<Event>,
    received_bytes: usize,
    /// The number of bytes that had been read when the first of the received messages was kept.
    read_before: u64,
    control_events: usize,
    /// Until when the receiver may take no event after our Close, and the number of events that it had returned before.
    take_until: Option<(Instant, usize)>,
    /// Messages that arrive are dropped, because the receiver took no event for too long.
    drops_received: bool,
    waiting: Waiting,
    /// The task has ended.
    pub(crate) is_done: bool,
}

impl Shared {
    pub(crate) fn new(io: BoxedTransport, driver: Driver, next: Option<Event>) -> Self {
        Self {
            negotiated: driver.session.connection().negotiated().clone(),
            senders: AtomicUsize::new(1),
            taken: AtomicUsize::new(0),
            state: Mutex::new(State {
                io,
                task: None,
                max_queued: driver.bytes_written.saturating_add(driver.session.unsent() as u64),
                driver,
                has_senders: true,
                has_receiver: true,
                receiver: None,
                received: next.into_iter().collect(),
                received_bytes: 0,
                read_before: 0,
                control_events: 0,
                take_until: None,
                drops_received: false,
                waiting: Waiting::default(),
                is_done: false,
            }),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `f` with the connection, which queues something, and wakes the task. Returns the result, and, if something
    /// was queued, the number of bytes for which a task waits that waits until it was written.
    pub(crate) fn update<R>(&self, f: impl FnOnce(&mut Driver) -> R) -> (R, Option<u64>) {
        let mut state = self.lock();
        let before = state.queued();
        let result = f(&mut state.driver);
        let queued = (state.queued() > before).then(|| state.flush_target());
        state.max_queued = queued.unwrap_or(state.max_queued);
        self.wake_task(state);
        (result, queued)
    }

    /// Wakes the task after a change of the state.
    pub(crate) fn wake_task(&self, mut state: MutexGuard<'_, State>) {
        let task = state.task.take();
        drop(state);
        wake(task);
    }
}

fn wake(task: Option<Waker>) {
    if let Some(task) = task {
        task.wake();
    }
}

impl State {
    /// The number of bytes that were queued since the beginning of the connection, without those that were discarded.
    pub(crate) fn queued(&self) -> u64 {
        self.driver.bytes_written.saturating_add(self.driver.session.unsent() as u64)
    }

    /// Returns the number of bytes for which a task waits that waits until everything was written. If some of them were
    /// discarded, it is more than can be written.
    pub(crate) fn flush_target(&self) -> u64 {
        self.queued().max(self.max_queued)
    }

    pub(crate) fn ended(&self) -> Option<Ended> {
        self.driver.session.connection().ended().cloned()
    }

    /// Takes the received events.
    pub(crate) fn take_received(&mut self) -> VecDeque<Event> {
        (self.received_bytes, self.control_events, self.take_until) = (0, 0, None);
        mem::take(&mut self.received)
    }

    /// Returns whether more received messages are kept than the high-water mark allows. A short message may keep the
    /// memory of its read, so what was read since the first message counts, too.
    pub(crate) fn is_full(&self) -> bool {
        let read = if self.received_bytes > 0 { self.driver.bytes_read - self.read_before } else { 0 };
        read.max(self.received_bytes as u64) > self.driver.session.high_water_mark() as u64
    }

    fn push(&mut self, event: Event) {
        let len = match &event {
            Event::Message(message) => message.len(),
            Event::Part(part) => part.bytes.len(),
            Event::Ping(payload) => return self.push_control(Event::Ping(Bytes::copy_from_slice(payload))),
            Event::Pong(payload) => return self.push_control(Event::Pong(Bytes::copy_from_slice(payload))),
            _ => 0,
        };
        if self.has_receiver && !self.drops_received {
            if self.received_bytes == 0 {
                self.read_before = self.driver.bytes_read;
            }
            self.received_bytes = self.received_bytes.saturating_add(len).saturating_add(size_of::<Event>());
            self.received.push_back(event);
        }
    }

    /// Keeps a Ping or Pong, whose payload does not share the memory of its read.
    fn push_control(&mut self, event: Event) {
        if self.has_receiver && self.control_events < MAX_CONTROL_EVENTS {
            self.control_events += 1;
            self.received.push_back(event);
        }
    }

    /// Drives the connection until its end. `taken` is the number of events that the receiver has returned.
    fn poll(&mut self, timer: &mut Timer, taken: &AtomicUsize, context: &mut Context<'_>) -> Poll<()> {
        self.task = Some(context.waker().clone());
        if self.is_abandoned() && self.state() == ConnectionState::Open {
            self.driver.queue_close(CloseCode::GOING_AWAY.into());
        }
        loop {
            if self.is_full() && !self.drops_received {
                // Nothing is read until the receiver takes the messages. Before our Close, no deadline runs.
                if self.state() == ConnectionState::Open
                    && let Some(close) = self.driver.watch.poll_close(context)
                {
                    self.driver.queue_close(Some(close));
                }
                let _ = self.driver.poll_write(&mut self.io, context);
                match self.state() {
                    ConnectionState::Open => return Poll::Pending,
                    ConnectionState::Closing if self.poll_taken(timer, taken, context).is_pending() => {
                        ready!(self.driver.poll_timer(context));
                        continue;
                    }
                    // The peer's Close is behind messages that the receiver does not take.
                    ConnectionState::Closing => self.drops_received = true,
                    // No message follows.
                    _ => {}
                }
            }
            let event = ready!(self.driver.poll_event(&mut self.io, context));
            let Some(event) = event else { return Poll::Ready(()) };
            self.push(event);
        }
    }

    fn state(&self) -> ConnectionState {
        self.driver.session.connection().state()
    }

    /// Waits until the receiver has taken no event for too long.
    fn poll_taken(&mut self, timer: &mut Timer, taken: &AtomicUsize, context: &mut Context<'_>) -> Poll<()> {
        let timeout = self.driver.session.close_timeout().map_or(TAKE_TIMEOUT, |timeout| timeout / 2);
        loop {
            let taken = taken.load(Ordering::Relaxed);
            if self.take_until.is_none() {
                self.take_until = Instant::now().checked_add(timeout).map(|until| (until, taken));
            }
            let Some((until, before)) = self.take_until else { return Poll::Pending };
            ready!(timer.poll(until, context));
            if taken == before {
                return Poll::Ready(());
            }
            self.take_until = None;
        }
    }

    pub(crate) const fn is_abandoned(&self) -> bool {
        !self.has_senders && !self.has_receiver
    }

    /// Takes the wakers of the tasks that can continue. The last one is that of the driver task itself if other tasks
    /// may be able to continue after these.
    fn take_woken(&mut self) -> Vec<Waker> {
        let mut woken = Vec::new();
        if self.is_done || !self.received.is_empty() {
            woken.extend(self.receiver.take());
        }
        if self.is_done {
            self.waiting.take_all(&mut woken);
            return woken;
        }
        if !self.driver.is_flushing() {
            self.waiting.take_written(self.driver.bytes_written, self.queued(), &mut woken);
        }
        let session = &self.driver.session;
        if !session.is_over_high_water_mark() {
            let space = session.high_water_mark().saturating_sub(session.unsent());
            if self.waiting.take_ready(space, &mut woken) {
                // Those that were woken may not be polled, or not send.
                woken.extend(self.task.take());
            }
        }
        woken
    }

    /// Ends the connection. Returns the transport, to be dropped after the lock is released.
    fn finish(&mut self) -> BoxedTransport {
        if self.ended().is_none() {
            // The task ends before the connection, because the runtime is shut down or the peer does not reply.
            self.driver.session.transport_failed();
            while let Some(event) = self.driver.session.poll_event() {
                self.push(event);
            }
        }
        self.is_done = true;
        self.driver.session.release_memory();
        self.driver.watch.note_ended(self.driver.session.connection().ended());
        self.driver.watch.finish();
        mem::replace(&mut self.io, Box::new(tokio::io::empty()))
    }
}

/// The driver task.
pub(crate) struct DriverTask {
    pub(crate) shared: Arc<Shared>,
    pub(crate) timer: Timer,
    /// The deadline of a connection without halves, if `Timeouts::close` is not set.
    pub(crate) abandoned_until: Option<Instant>,
}

impl Future for DriverTask {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut state = this.shared.lock();
        let mut result = state.poll(&mut this.timer, &this.shared.taken, context);
        if result.is_pending() && state.is_abandoned() && state.driver.session.close_timeout().is_none() {
            let until = *this.abandoned_until.get_or_insert_with(|| Instant::now() + ABANDONED_TIMEOUT);
            result = this.timer.poll(until, context);
        }
        let woken = state.take_woken();
        drop(state);
        woken.into_iter().for_each(Waker::wake);
        result
    }
}

impl Drop for DriverTask {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let transport = state.finish();
        let woken = state.take_woken();
        drop(state);
        drop(transport);
        woken.into_iter().for_each(Waker::wake);
    }
}

/// A task that waits. It is not woken any more once this is dropped.
pub(crate) struct Wait {
    shared: Arc<Shared>,
    key: Key,
}

impl Wait {
    /// Returns the number of bytes for which the task waits.
    pub(crate) const fn target(&self) -> Option<u64> {
        match self.key.0 {
            Until::Written(target) => Some(target),
            Until::End | Until::Ready => None,
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.waiting.remove(self.key);
    }
}

/// Waits. `wait` is `None` at first. Reset it after the result.
pub(crate) fn poll_wait(
    shared: &Arc<Shared>,
    wait: &mut Option<Wait>,
    until: Until,
    context: &Context<'_>,
) -> Poll<Result<(), Error>> {
    let mut state = shared.lock();
    let is_met = match until {
        Until::Written(target) => state.driver.bytes_written >= target && !state.driver.is_flushing(),
        Until::End => state.is_done,
        Until::Ready => !state.is_done && !state.driver.session.is_over_high_water_mark(),
    };
    if is_met {
        return Poll::Ready(Ok(()));
    }
    let is_discarded = matches!(until, Until::Written(target) if state.queued() < target);
    if state.is_done || is_discarded {
        let error = state.driver.write_error().or_else(|| state.driver.error());
        return Poll::Ready(Err(error.unwrap_or(Error::Send(SendError::Closed))));
    }
    let key = wait.as_ref().map(|wait| wait.key);
    let key = state.waiting.register(until, key, context.waker());
    drop(state);
    wait.get_or_insert_with(|| Wait { shared: Arc::clone(shared), key });
    Poll::Pending
}
