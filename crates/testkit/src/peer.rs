//! The other end of a connection under test, which can send any bytes and reads frames.

use std::future::{Future as _, pending, poll_fn};
use std::io::{self, ErrorKind};
use std::iter;
use std::pin::pin;
use std::time::Duration;

use bytes::BytesMut;
use protocol_websocket::frame::MaskKey;
use protocol_websocket::{
    Accept, Close, CloseCode, Config, Decoder, Destination, Event, Frame, Limits, Offer, OpCode, Role, Session, Version,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, split};
use tokio::time::sleep;

use crate::misbehavior::{Script, Then, normal_close};
use crate::{Misbehavior, Transport};

/// The maximum length of a received frame.
const MAX_FRAME: u64 = 16 * 1024 * 1024;

/// The other end of a connection under test. It sends only the frames and bytes of the test, and no Pong and no response to a
/// Close by itself. It can break every rule of the protocol.
///
/// ```
/// use protocol_websocket_testkit::{Misbehavior, Peer, Transport, run};
/// use protocol_websocket_tokio::{Accept, CloseCode, Error, accept, config};
///
/// /// The program under test.
/// async fn echo(transport: Transport) -> Result<(), Error> {
///     let mut websocket = accept(transport, config()).await?.accept(Accept::new()).await?;
///     while let Some(message) = websocket.recv().await {
///         websocket.queue(message?)?;
///     }
///     Ok(())
/// }
///
/// # fn main() -> std::io::Result<()> {
/// run(async {
///     let (near, far) = Transport::pair(64 * 1024);
///     tokio::spawn(echo(near));
///     let mut peer = Peer::connect(far, "/").await?;
///     let code = peer.misbehave(Misbehavior::InvalidUtf8).await?;
///     assert_eq!(code, Some(CloseCode::INVALID_PAYLOAD_DATA));
///     Ok(())
/// })
/// # }
/// ```
#[derive(Debug)]
pub struct Peer {
    transport: Transport,
    role: Role,
    decoder: Decoder,
    input: BytesMut,
}

impl Peer {
    /// Connects to a server under test: requests `path`, such as `/chat?room=1`, without extensions.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ConnectionRefused`] if the server does not accept, and [`ErrorKind::InvalidInput`] if `path` is invalid.
    /// Otherwise an error of the transport.
    pub async fn connect(transport: Transport, path: &str) -> io::Result<Self> {
        let random = |bytes: &mut [u8]| bytes.fill(0);
        let session = Session::client(Destination::new("localhost", path), &Offer::new(), Config::new(), random);
        let session = session.map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
        Self::open(transport, Role::Client, session).await
    }

    /// Accepts the request of a client under test, without extensions.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ConnectionRefused`] if the request is invalid. Otherwise an error of the transport.
    pub async fn accept(transport: Transport) -> io::Result<Self> {
        Self::open(transport, Role::Server, Session::server(Config::new())).await
    }

    /// Creates a peer of this role on a transport whose opening handshake is complete or is not needed.
    #[must_use]
    pub fn new(transport: Transport, role: Role) -> Self {
        let decoder = Decoder::new(role).limits(Limits::new(MAX_FRAME));
        Self { transport, role, decoder, input: BytesMut::new() }
    }

    /// Makes the opening handshake.
    async fn open(mut transport: Transport, role: Role, mut session: Session) -> io::Result<Self> {
        let mut is_open = false;
        loop {
            while let Some(event) = session.poll_event() {
                match event {
                    Event::Upgrade(upgrade) => session.accept(upgrade, &Accept::new()).map_err(io::Error::other)?,
                    Event::Open(_) => is_open = true,
                    _ => {}
                }
            }
            let unsent = session.unsent_chunks().collect::<Vec<_>>().concat();
            transport.write_all(&unsent).await?;
            transport.flush().await?;
            session.written(unsent.len(), Duration::ZERO);
            if is_open {
                return Ok(Self { input: session.into_parts().input, ..Self::new(transport, role) });
            }
            if let Some(ended) = session.ended() {
                let error = format!("the opening handshake failed: {:?}", ended.error);
                return Err(io::Error::new(ErrorKind::ConnectionRefused, error));
            }
            match transport.read_buf(session.read_buffer()).await? {
                0 => session.received_eof(),
                _ => session.received(Duration::ZERO),
            }
        }
    }

    /// Sends a frame, masked at a client. The frame need not be in a valid order.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if the frame cannot be encoded, such as a long Ping: see [`write`](Self::write).
    /// Otherwise an error of the transport.
    pub async fn send(&mut self, frame: &Frame) -> io::Result<()> {
        let mask = (self.role == Role::Client).then_some(MaskKey([0; 4]));
        let mut bytes = BytesMut::new();
        let encoded = frame.encode(Version::Rfc6455, mask, &mut bytes);
        encoded.map_err(|error| io::Error::new(ErrorKind::InvalidInput, error))?;
        self.write(&bytes).await
    }

    /// Writes bytes of any content.
    ///
    /// # Errors
    ///
    /// An error of the transport, such as [`ErrorKind::BrokenPipe`] if the other end has dropped it.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.transport.write_all(bytes).await?;
        self.transport.flush().await
    }

    /// Receives the next frame, also a Ping or a Close. Returns `None` at the end of the transport.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidData`] if the other end breaks a rule of the protocol, which includes frames of more than 16 MiB.
    /// Otherwise an error of the transport.
    pub async fn recv(&mut self) -> io::Result<Option<Frame>> {
        recv(&mut self.transport, &mut self.decoder, &mut self.input).await
    }

    /// Receives frames until the Close of the other end, and returns its code, or 1005 if it has no code. Returns `None` if the
    /// transport ends or fails without a Close.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidData`] as [`recv`](Self::recv).
    pub async fn recv_close(&mut self) -> io::Result<Option<CloseCode>> {
        recv_close(&mut self.transport, &mut self.decoder, &mut self.input).await
    }

    /// Misbehaves until the other end has sent its Close or ended the transport, and then ends the output. Returns the code of
    /// that Close, which is [`Misbehavior::close_code`] if the other end is correct.
    ///
    /// # Errors
    ///
    /// As [`recv_close`](Self::recv_close).
    pub async fn misbehave(&mut self, misbehavior: Misbehavior) -> io::Result<Option<CloseCode>> {
        let Script { bytes, then } = misbehavior.script(self.role);
        let code = match then {
            Then::Read => self.write_and_recv_close([bytes], Duration::ZERO, false).await?,
            Then::Flood(frame, times) => {
                let close = normal_close(self.role);
                let pieces = iter::once(bytes).chain(iter::repeat_n(frame, times)).chain([close]);
                self.write_and_recv_close(pieces, Duration::ZERO, false).await?
            }
            Then::Slow => {
                let pieces = bytes.into_iter().map(|byte| vec![byte]);
                self.write_and_recv_close(pieces, Duration::from_secs(1), false).await?
            }
            Then::Shutdown => self.write_and_recv_close([bytes], Duration::ZERO, true).await?,
            Then::Block => {
                while self.write(&bytes).await.is_ok() {}
                None
            }
            Then::IgnoreClose => self.ignore_close().await?,
            Then::Reset => {
                // So that the other end first reads the end of the opening handshake.
                sleep(Duration::from_millis(1)).await;
                self.transport.reset();
                None
            }
        };
        // This fails if the other end has dropped the transport.
        let _ = self.transport.shutdown().await;
        Ok(code)
    }

    /// Writes pieces while it receives, with a pause before each piece, and then ends the output if required. Returns the
    /// result of [`recv_close`](Self::recv_close).
    async fn write_and_recv_close(
        &mut self,
        pieces: impl IntoIterator<Item = Vec<u8>>,
        pause: Duration,
        shuts_down: bool,
    ) -> io::Result<Option<CloseCode>> {
        let (mut reader, mut writer) = split(&mut self.transport);
        let mut write = pin!(async {
            for piece in pieces {
                if !pause.is_zero() {
                    sleep(pause).await;
                }
                // This fails if the other end has dropped the transport. The read then returns the end, too.
                if writer.write_all(&piece).await.is_err() {
                    break;
                }
            }
            if shuts_down {
                let _ = writer.shutdown().await;
            }
            pending::<()>().await;
        });
        let mut read = pin!(recv_close(&mut reader, &mut self.decoder, &mut self.input));
        poll_fn(|context| {
            let _ = write.as_mut().poll(context);
            read.as_mut().poll(context)
        })
        .await
    }

    /// Replies to Pings and not to the Close, until the transport ends. Returns the result of [`recv_close`](Self::recv_close).
    async fn ignore_close(&mut self) -> io::Result<Option<CloseCode>> {
        let mut code = None;
        while let Some(frame) = end_if_closed(self.recv().await)? {
            match frame.opcode() {
                OpCode::Ping => drop(self.send(&Frame::pong(frame.into_payload())).await),
                OpCode::Close => code = Some(close_code(frame)?),
                _ => {}
            }
        }
        Ok(code)
    }

    /// Returns the transport, for instance to [reset](Transport::reset) it.
    #[must_use]
    pub const fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Returns the transport, to read and write any bytes. Bytes that were received after the last frame are lost.
    #[must_use]
    pub fn into_transport(self) -> Transport {
        self.transport
    }
}

async fn recv(
    transport: &mut (impl AsyncRead + Unpin),
    decoder: &mut Decoder,
    input: &mut BytesMut,
) -> io::Result<Option<Frame>> {
    loop {
        let frame = decoder.decode(input).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        if frame.is_some() || transport.read_buf(input).await? == 0 {
            return Ok(frame);
        }
    }
}

async fn recv_close(
    transport: &mut (impl AsyncRead + Unpin),
    decoder: &mut Decoder,
    input: &mut BytesMut,
) -> io::Result<Option<CloseCode>> {
    while let Some(frame) = end_if_closed(recv(transport, decoder, input).await)? {
        if frame.opcode() == OpCode::Close {
            return close_code(frame).map(Some);
        }
    }
    Ok(None)
}

/// Turns an error of the transport into its end.
fn end_if_closed(frame: io::Result<Option<Frame>>) -> io::Result<Option<Frame>> {
    match frame {
        Err(error) if error.kind() != ErrorKind::InvalidData => Ok(None),
        other => other,
    }
}

fn close_code(close: Frame) -> io::Result<CloseCode> {
    let close = Close::parse(&close.into_payload()).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
    Ok(close.map_or(CloseCode::NO_STATUS, |close| close.code))
}
