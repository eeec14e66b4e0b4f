//! The end of the stream after the last write.
//!
//! Closing a socket with unread bytes resets it, and the peer may then lose the last bytes that were written (RFC 9112
//! §9.6). So the output is shut down, and the input is read until it ends, for a limited time. After a clean closing
//! handshake, a client first waits until the server ends the stream (RFC 6455 §7.1.1), because the end that closes a TCP
//! connection first keeps its port for minutes.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use protocol_websocket::{Role, Timeout};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::driver::Driver;
use crate::transport::poll_read_with;

/// How long a peer may take to end the stream after the last write, if `Timeouts::close` is not set.
const LINGER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a server may take to end the stream before its client does. Browsers wait as long.
const SERVER_CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// The number of bytes that are read and dropped in this time. The kernels of both ends buffer less.
const MAX_LINGER_BYTES: usize = 16 * 1024 * 1024;

/// How far the stream has ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Ending {
    #[default]
    NotBegun,
    AwaitingServer {
        until: Duration,
        dropped: usize,
    },
    ShuttingDown {
        until: Duration,
    },
    Draining {
        until: Duration,
        dropped: usize,
    },
    Done,
}

impl Driver {
    /// Ends the stream.
    pub(crate) fn poll_end<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        io: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        loop {
            let linger = self.linger_timeout();
            match self.ending {
                _ if self.failure.is_some() => return Poll::Ready(()),
                Ending::NotBegun if self.awaits_server() => {
                    let until = self.after(linger.min(SERVER_CLOSE_TIMEOUT));
                    self.ending = Ending::AwaitingServer { until, dropped: 0 };
                }
                Ending::NotBegun => self.ending = Ending::ShuttingDown { until: self.after(linger) },
                Ending::AwaitingServer { until, dropped } => {
                    // A transport with a buffer, such as TLS, may still have our Close.
                    let _ = self.poll_write(io, context);
                    self.ending = match ready!(self.poll_drain(io, until, dropped, context)) {
                        Some(dropped) => Ending::AwaitingServer { until, dropped },
                        None => Ending::ShuttingDown { until: self.after(linger) },
                    };
                }
                // A transport with a buffer waits until the peer reads.
                Ending::ShuttingDown { until } => match self.poll_shutdown(io, context) {
                    Poll::Ready(()) => self.ending = Ending::Draining { until: self.after(linger), dropped: 0 },
                    Poll::Pending => {
                        ready!(self.poll_deadline(until, context));
                        self.has_discarded |= self.needs_flush;
                        self.ending = Ending::Done;
                    }
                },
                Ending::Draining { until, dropped } => {
                    self.ending = match ready!(self.poll_drain(io, until, dropped, context)) {
                        Some(dropped) => Ending::Draining { until, dropped },
                        None => Ending::Done,
                    };
                }
                Ending::Done => {
                    self.needs_flush = false;
                    return Poll::Ready(());
                }
            }
        }
    }

    fn linger_timeout(&self) -> Duration {
        let ended = self.session.connection().ended();
        if self.has_discarded || ended.is_some_and(|ended| ended.error == Some(Timeout::Close.into())) {
            // The peer has let this time pass: it did not read, or did not reply to our Close.
            return Duration::ZERO;
        }
        self.session.close_timeout().unwrap_or(LINGER_TIMEOUT)
    }

    fn awaits_server(&self) -> bool {
        let connection = self.session.connection();
        connection.role() == Role::Client && connection.ended().is_some_and(|ended| ended.clean)
    }

    /// Reads and drops input. Returns the number of bytes that were dropped so far, or `None` at the end of the input,
    /// after the deadline, and after too many bytes.
    fn poll_drain<S: AsyncRead + Unpin>(
        &mut self,
        io: &mut S,
        until: Duration,
        dropped: usize,
        context: &mut Context<'_>,
    ) -> Poll<Option<usize>> {
        match poll_read_with(io, context, |_| {}) {
            Poll::Ready(Ok((len, ()))) if len > 0 => {
                self.add_read(len);
                Poll::Ready((dropped < MAX_LINGER_BYTES).then(|| dropped + len))
            }
            Poll::Ready(_) => Poll::Ready(None),
            Poll::Pending => self.poll_deadline(until, context).map(|()| None),
        }
    }

    fn poll_shutdown<S>(&mut self, io: &mut S, context: &mut Context<'_>) -> Poll<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        ready!(self.poll_write(io, context));
        if self.failure.is_none() {
            // An error means that the peer has ended the stream.
            let _ = ready!(Pin::new(io).poll_shutdown(context));
        }
        Poll::Ready(())
    }

    fn after(&self, time: Duration) -> Duration {
        self.now().saturating_add(time)
    }
}
