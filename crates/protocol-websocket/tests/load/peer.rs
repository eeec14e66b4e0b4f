//! The library's client on a tokio socket. It compares each echo with its message.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::Ipv4Addr;
use std::ops::AddAssign;
use std::sync::LazyLock;

use bytes::{Bytes, BytesMut};
use protocol_websocket::{Client, Close, CloseCode, Config, Event, Message, Offer, OsRandom, State, Url, Utf8Bytes};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::select;

/// Messages are slices of this pattern.
static PATTERN: LazyLock<Bytes> = LazyLock::new(|| {
    let mut state = 1_u32;
    let letters = (0..1 << 18).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b' ' + (state >> 26) as u8
    });
    letters.collect()
});

/// The smallest buffers of a socket.
const SMALL_BUFFER: u32 = 4096;
/// As over Ethernet. The kernel buffers at least ten segments, and those of the loopback device have 64 KiB.
const SEGMENT: u32 = 1460;

pub(crate) struct Peer {
    pub(crate) number: usize,
    client: Client,
    pub(crate) stream: TcpStream,
    input: BytesMut,
    /// Unsent bytes.
    pub(crate) output: BytesMut,
    /// Sent messages whose echo has not arrived.
    awaited: VecDeque<Message>,
    pub(crate) sent: Tally,
    pub(crate) echoed: Tally,
    pub(crate) pongs: usize,
}

/// The kernel's buffers for a socket. A client with small ones soon stops the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Buffers {
    Default,
    Small,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

impl Peer {
    /// Connects and completes the opening handshake.
    pub(crate) async fn open(port: u16, number: usize, buffers: Buffers) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if buffers == Buffers::Small {
            socket.set_recv_buffer_size(SMALL_BUFFER)?;
            socket.set_send_buffer_size(SMALL_BUFFER)?;
            SockRef::from(&socket).set_tcp_mss(SEGMENT)?;
        }
        let stream = socket.connect((Ipv4Addr::LOCALHOST, port).into()).await?;
        stream.set_nodelay(true)?;
        let url = Url::parse(&format!("ws://127.0.0.1:{port}/")).map_err(io::Error::other)?;
        let mut output = BytesMut::new();
        let client = Client::connect(&url, &Offer::new(), Config::new(), OsRandom::new(), &mut output);
        let mut peer = Self {
            number,
            client: client.map_err(io::Error::other)?,
            stream,
            input: BytesMut::new(),
            output,
            awaited: VecDeque::new(),
            sent: Tally::default(),
            echoed: Tally::default(),
            pongs: 0,
        };
        while peer.client.state() == State::Connecting {
            peer.write_or_read().await?;
        }
        Ok(peer)
    }

    /// Buffers a message that differs from those of other connections, alternately binary and text.
    pub(crate) fn send(&mut self, length: usize) {
        let from = (self.number * 61 + self.sent.messages * 7919) % (PATTERN.len() - length);
        let bytes = PATTERN.slice(from..from + length);
        let message = match self.sent.messages % 2 {
            0 => Message::from(bytes),
            _ => Utf8Bytes::try_from(bytes).unwrap().into(),
        };
        self.client.send(&message, &mut self.output).unwrap();
        self.sent += &message;
        self.awaited.push_back(message);
    }

    /// Buffers the last message again, in the same frame.
    pub(crate) fn repeat(&mut self, frame: &[u8]) {
        self.output.extend_from_slice(frame);
        let message = self.awaited.back().unwrap().clone();
        self.sent += &message;
        self.awaited.push_back(message);
    }

    pub(crate) fn ping(&mut self, payload: Bytes) {
        self.client.ping(payload, &mut self.output).unwrap();
    }

    pub(crate) async fn echo(&mut self, length: usize) -> io::Result<()> {
        self.send(length);
        self.receive_echoes().await
    }

    /// Waits for the echoes of all messages.
    pub(crate) async fn receive_echoes(&mut self) -> io::Result<()> {
        while !self.awaited.is_empty() {
            self.write_or_read().await?;
        }
        Ok(())
    }

    /// Completes the closing handshake, and waits for the server to end the stream.
    pub(crate) async fn close(mut self) -> io::Result<()> {
        self.client.close(Close::from(CloseCode::NORMAL), &mut self.output).map_err(io::Error::other)?;
        match self.receive_to_end().await {
            Ok(()) if self.client.ended().is_some_and(|ended| ended.clean && ended.code == CloseCode::NORMAL) => Ok(()),
            Ok(()) => Err(io::Error::other(format!("{:?}", self.client.ended()))),
            Err(error) => Err(error),
        }
    }

    /// Receives until the server ends the stream.
    pub(crate) async fn receive_to_end(&mut self) -> io::Result<()> {
        loop {
            match self.write_or_read().await {
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
                result => result?,
            }
        }
    }

    /// Writes or reads once, depending on which of them the socket allows first.
    pub(crate) async fn write_or_read(&mut self) -> io::Result<()> {
        let (mut reader, mut writer) = self.stream.split();
        select! {
            read = reader.read_buf(&mut self.input) => if read? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            },
            written = writer.write_buf(&mut self.output), if !self.output.is_empty() => {
                written?;
                self.client.flush(&mut self.output);
            }
        }
        self.receive()
    }

    /// Writes the output without reading.
    pub(crate) async fn write(&mut self) -> io::Result<()> {
        self.stream.write_all_buf(&mut self.output).await
    }

    fn receive(&mut self) -> io::Result<()> {
        while let Some(event) = self.client.receive(&mut self.input, &mut self.output).map_err(io::Error::other)? {
            match event {
                Event::Message(message) if self.awaited.front() == Some(&message) => {
                    self.awaited.pop_front();
                    self.echoed += &message;
                }
                Event::Open(_) | Event::Ping(_) | Event::Close(_) => {}
                Event::Pong(_) => self.pongs += 1,
                other => return Err(io::Error::other(format!("{other:?}"))),
            }
        }
        Ok(())
    }
}

impl AddAssign<&Message> for Tally {
    fn add_assign(&mut self, message: &Message) {
        *self += Self { messages: 1, bytes: message.as_bytes().len() };
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.messages += other.messages;
        self.bytes += other.bytes;
    }
}
