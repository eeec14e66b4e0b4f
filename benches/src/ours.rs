//! The crates of this workspace, at the frames' level and at the connection's.

use std::cell::RefCell;
use std::io::Read as _;

use bytes::BytesMut;
use protocol_websocket_connection::{Config, Connection, Event, Negotiated};
use protocol_websocket_core::{OsRandom, Random as _, Role, Version};
use protocol_websocket_frame::{Assembler, Decoder, Frame, LendingDecoder, Limits, MaskKey, Message};

use crate::contender::Sink;
use crate::wire::{READ, Source};
use crate::workloads::{decode, encode};

/// `frame`: a [`Decoder`] and an [`Assembler`].
pub struct Frames {
    source: Source,
    input: BytesMut,
    decoder: Decoder,
    assembler: Assembler,
}

impl Frames {
    /// What arrives at `role`.
    #[must_use]
    pub fn new(source: Source, role: Role, version: Version) -> Self {
        let (decoder, assembler) = (Decoder::new(role).version(version), Assembler::new(Limits::default()));
        Self { source, input: BytesMut::new(), decoder, assembler }
    }
}

impl decode::Decode for Frames {
    #[inline]
    fn pass(&mut self, messages: usize, sink: &mut impl Sink) {
        let mut left = messages;
        while left > 0 {
            loop {
                while let Some(message) = self.decoder.decode_message(&mut self.input) {
                    sink.message(message.as_bytes());
                    left -= 1;
                }
                let Some(frame) = self.decoder.decode(&mut self.input).expect("these are frames") else { break };
                if let Some(message) = self.assembler.push(frame).expect("these are messages") {
                    sink.message(message.as_bytes());
                    left -= 1;
                }
            }
            if left > 0 {
                self.source.read_into(&mut self.input);
            }
        }
    }
}

/// `lent`: a [`LendingDecoder`], whose messages are slices of the one buffer.
pub struct Lending {
    source: Source,
    buffer: Vec<u8>,
    /// What is in the buffer: a frame that was cut, at its front.
    filled: usize,
    decoder: LendingDecoder,
}

impl Lending {
    /// What arrives at `role`, of frames that fit into a read, or in a buffer that takes one that does not.
    #[must_use]
    pub fn new(source: Source, role: Role, version: Version, len: usize) -> Self {
        let decoder = Decoder::new(role).version(version).lending();
        Self { source, buffer: vec![0; len + 2 * READ], filled: 0, decoder }
    }
}

impl decode::Decode for Lending {
    #[inline]
    fn pass(&mut self, messages: usize, sink: &mut impl Sink) {
        let mut left = messages;
        loop {
            let mut input = &mut self.buffer[..self.filled];
            while let Some(frame) = self.decoder.decode(&mut input).expect("these are frames") {
                sink.message(frame.payload());
                left -= 1;
            }
            let rest = input.len();
            self.buffer.copy_within(self.filled - rest..self.filled, 0);
            self.filled = rest;
            if left == 0 {
                return;
            }
            self.filled += self.source.read(&mut self.buffer[rest..]).expect("memory can be read");
        }
    }
}

/// `connection`: a [`Connection`], which answers pings and closes besides.
pub struct Connected {
    source: Source,
    input: BytesMut,
    output: BytesMut,
    connection: Connection,
}

impl Connected {
    /// At `role`, with its handshake behind it.
    #[must_use]
    pub fn new(source: Source, role: Role, version: Version) -> Self {
        let negotiated = Negotiated::default().version(version);
        Self { source, input: BytesMut::new(), output: BytesMut::new(), connection: connection(role, &negotiated) }
    }
}

/// A connection with its handshake behind it.
#[must_use]
pub fn connection(role: Role, negotiated: &Negotiated) -> Connection {
    match role {
        Role::Client => Connection::client(negotiated, &Config::new(), OsRandom::new()),
        Role::Server => Connection::server(negotiated, &Config::new()),
    }
}

/// One client of many, whose keys come from what all of a thread share.
#[must_use]
pub fn client_of_many(negotiated: &Negotiated) -> Connection {
    thread_local! {
        static KEYS: RefCell<OsRandom> = const { RefCell::new(OsRandom::new()) };
    }
    let shared = |bytes: &mut [u8]| KEYS.with_borrow_mut(|keys| keys.fill(bytes));
    Connection::client(negotiated, &Config::new(), shared)
}

impl decode::Decode for Connected {
    #[inline]
    fn pass(&mut self, messages: usize, sink: &mut impl Sink) {
        let mut left = messages;
        while left > 0 {
            while let Some(event) = self.connection.receive(&mut self.input, &mut self.output).expect("all is well") {
                if let Event::Message(message) = event {
                    sink.message(message.as_bytes());
                    left -= 1;
                }
            }
            if left > 0 {
                self.source.read_into(&mut self.input);
            }
        }
    }
}

/// `frame`: [`Frame::encode`], with a fresh key of the system's for each frame of a client's.
pub struct EncodeFrames {
    frame: Frame,
    random: Option<OsRandom>,
    output: BytesMut,
}

impl EncodeFrames {
    /// As `role` sends them.
    #[must_use]
    pub fn new(frame: Frame, role: Role) -> Self {
        let random = (role == Role::Client).then(OsRandom::new);
        Self { frame, random, output: BytesMut::with_capacity(3 * READ) }
    }
}

impl encode::Encode for EncodeFrames {
    #[inline]
    fn pass(&mut self, count: usize) {
        for _ in 0..count {
            if self.output.len() >= READ {
                self.output.clear();
            }
            let key = self.random.as_mut().map(|random| {
                let mut key = [0; 4];
                random.fill(&mut key);
                MaskKey(key)
            });
            self.frame.encode(Version::Rfc6455, key, &mut self.output).expect("this can be sent");
        }
    }

    fn take(&mut self) -> Vec<u8> {
        self.output.split().to_vec()
    }
}

/// `connection`: [`Connection::send`], of a message that others hold as well.
pub struct Sending {
    message: Message,
    connection: Connection,
    output: BytesMut,
}

impl Sending {
    /// As `role` sends it.
    #[must_use]
    pub fn new(message: Message, role: Role) -> Self {
        let connection = connection(role, &Negotiated::default());
        Self { message, connection, output: BytesMut::with_capacity(3 * READ) }
    }
}

impl encode::Encode for Sending {
    #[inline]
    fn pass(&mut self, count: usize) {
        for _ in 0..count {
            if self.output.len() >= READ {
                self.output.clear();
            }
            self.connection.send(self.message.clone(), &mut self.output).expect("this can be sent");
        }
    }

    fn take(&mut self) -> Vec<u8> {
        self.output.split().to_vec()
    }
}

/// `frame, vectored`: head and payload apart, as a vectored write takes them. Nothing is copied.
pub struct Vectored {
    frame: Frame,
    sent: Vec<u8>,
}

impl Vectored {
    /// As a server sends them.
    #[must_use]
    pub fn new(frame: Frame) -> Self {
        Self { frame, sent: Vec::new() }
    }
}

impl encode::Encode for Vectored {
    #[inline]
    fn pass(&mut self, count: usize) {
        for _ in 0..count {
            let sent = self.frame.clone().into_vectored(Version::Rfc6455, None).expect("this can be sent");
            std::hint::black_box(&sent);
        }
    }

    fn take(&mut self) -> Vec<u8> {
        let (head, payload) = self.frame.clone().into_vectored(Version::Rfc6455, None).expect("this can be sent");
        assert_eq!(payload.as_ptr(), self.frame.payload().as_ptr(), "it is the same payload");
        self.sent.clear();
        [&head[..], &payload[..]].concat()
    }
}
