//! Our client on a socket of tokio. It knows what must come back.

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

/// What messages are cut from.
static PATTERN: LazyLock<Bytes> = LazyLock::new(|| {
    let mut state = 1_u32;
    let letters = (0..1 << 18).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b' ' + (state >> 26) as u8
    });
    letters.collect()
});

const SMALL: u32 = 4096;
/// As over Ethernet. The kernel keeps buffers for ten segments and more, and those of the loopback have 64 KiB.
const SEGMENT: u32 = 1460;

pub(crate) struct Peer {
    pub(crate) number: usize,
    client: Client,
    pub(crate) stream: TcpStream,
    input: BytesMut,
    /// What is to be sent.
    pub(crate) output: BytesMut,
    /// What was said, and has not come back.
    awaited: VecDeque<Message>,
    pub(crate) said: Tally,
    pub(crate) echoed: Tally,
    pub(crate) pongs: usize,
}

/// How much the kernel keeps for a socket: `Small` ones are soon full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Buffers {
    Usual,
    Small,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

impl Peer {
    /// Connects.
    pub(crate) async fn open(port: u16, number: usize, buffers: Buffers) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if buffers == Buffers::Small {
            socket.set_recv_buffer_size(SMALL)?;
            socket.set_send_buffer_size(SMALL)?;
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
            said: Tally::default(),
            echoed: Tally::default(),
            pongs: 0,
        };
        while peer.client.state() == State::Connecting {
            peer.turn().await?;
        }
        Ok(peer)
    }

    /// Says something that nobody else says, in text and in binary by turns.
    pub(crate) fn say(&mut self, length: usize) {
        let from = (self.number * 61 + self.said.messages * 7919) % (PATTERN.len() - length);
        let bytes = PATTERN.slice(from..from + length);
        let message = match self.said.messages % 2 {
            0 => Message::from(bytes),
            _ => Utf8Bytes::try_from(bytes).unwrap().into(),
        };
        self.client.send(message.clone(), &mut self.output).unwrap();
        self.said += &message;
        self.awaited.push_back(message);
    }

    /// Says the last message again, with the frame that it was in.
    pub(crate) fn repeat(&mut self, frame: &[u8]) {
        self.output.extend_from_slice(frame);
        let message = self.awaited.back().unwrap().clone();
        self.said += &message;
        self.awaited.push_back(message);
    }

    pub(crate) fn ping(&mut self, payload: Bytes) {
        self.client.ping(payload, &mut self.output).unwrap();
    }

    pub(crate) async fn echo(&mut self, length: usize) -> io::Result<()> {
        self.say(length);
        self.hear().await
    }

    /// Waits until all that was said has come back.
    pub(crate) async fn hear(&mut self) -> io::Result<()> {
        while !self.awaited.is_empty() {
            self.turn().await?;
        }
        Ok(())
    }

    /// Makes the closing handshake, and waits for the server to end the transport.
    pub(crate) async fn close(mut self) -> io::Result<()> {
        self.client.close(Close::from(CloseCode::NORMAL), &mut self.output).map_err(io::Error::other)?;
        match self.last().await {
            Ok(()) if self.client.close_code() == Some(CloseCode::NORMAL) => Ok(()),
            Ok(()) => Err(io::Error::other(format!("closed with {:?}", self.client.close_code()))),
            Err(error) => Err(error),
        }
    }

    /// Takes what comes until the server ends the transport.
    pub(crate) async fn last(&mut self) -> io::Result<()> {
        loop {
            match self.turn().await {
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
                turned => turned?,
            }
        }
    }

    /// Writes what the socket takes, or reads what there is.
    pub(crate) async fn turn(&mut self) -> io::Result<()> {
        let (mut reader, mut writer) = self.stream.split();
        select! {
            read = reader.read_buf(&mut self.input) => if read? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            },
            wrote = writer.write_buf(&mut self.output), if !self.output.is_empty() => {
                wrote?;
                self.client.flush(&mut self.output);
            }
        }
        self.receive()
    }

    /// Writes and does not read.
    pub(crate) async fn push(&mut self) -> io::Result<()> {
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
