//! The halves of a connection, for several tasks.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::driver_task::{DriverTask, Shared};
use crate::timer::Timer;
use crate::websocket::Inner;
use crate::{Receiver, Sender, WebSocket};

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> WebSocket<S> {
    /// Splits the connection into halves for several tasks. The sender can be cloned, and the type of the transport is
    /// erased.
    ///
    /// A new task of the current runtime drives the connection: it reads and writes, replies to pings and enforces the
    /// deadlines, also while no half is polled. Messages that arrive are kept for the [`Receiver`]. Once they, or the bytes
    /// that were read since the first of them, are over the
    /// [high-water mark](protocol_websocket::Config::high_water_mark), the task only writes until the receiver takes
    /// them: it does not read, so it does not reply to pings or notice that the peer has gone, and the deadlines do not
    /// run. A program that needs no messages drops the receiver. After a Close of this end, see [`Receiver`].
    ///
    /// If all halves are dropped, the task sends a Close with 1001, waits for the peer's Close, and ends. If only the
    /// receiver is dropped, received messages are dropped. If only the senders are dropped, the receiver continues.
    ///
    /// ```
    /// use protocol_websocket_tokio::{Error, WebSocket};
    /// use tokio::net::TcpStream;
    ///
    /// async fn run(websocket: WebSocket<TcpStream>) -> Result<(), Error> {
    ///     let (sender, mut receiver) = websocket.split();
    ///     let ticks = sender.clone();
    ///     tokio::spawn(async move {
    ///         loop {
    ///             tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    ///             if ticks.send("tick").await.is_err() {
    ///                 break;
    ///             }
    ///         }
    ///     });
    ///     while let Some(message) = receiver.recv().await {
    ///         sender.queue(message?)?;
    ///     }
    ///     Ok(())
    /// }
    /// # let _ = run;
    /// ```
    ///
    /// # Panics
    ///
    /// Panics outside of a tokio runtime.
    #[must_use = "the connection ends once both halves are dropped"]
    #[track_caller]
    pub fn split(self) -> (Sender, Receiver) {
        let Inner { io, driver, next, has_returned_error, .. } = *self.inner;
        let shared = Arc::new(Shared::new(Box::new(io), driver, next.map(|event| *event)));
        tokio::spawn(DriverTask { shared: Arc::clone(&shared), timer: Timer::default(), abandoned_until: None });
        (Sender::new(Arc::clone(&shared)), Receiver::new(shared, has_returned_error))
    }
}
