//! The protocol-websocket crates, at the level of frames and at the level of connections.

use std::hint::black_box;
use std::sync::{Arc, LazyLock};

use bytes::{Bytes, BytesMut};
use protocol_websocket_connection::{Config, Connection, Event, EventRef, Negotiated};
use protocol_websocket_core::{OsRandom, Random as _, Role, Version};
use protocol_websocket_frame::{Assembler, Decoder, Frame, Limits, MaskKey, Message};

use crate::contender::{Decode, Encode, Sink};
use crate::wire::{READ_BUFFER_SIZE, Source};

/// `frame`: a [`Decoder`] and an [`Assembler`].
pub struct Frames {
    source: Source,
    input: BytesMut,
    decoder: Decoder,
    assembler: Assembler,
}

impl Frames {
    /// Makes a reader of `role`.
    #[must_use]
    pub fn new(source: Source, role: Role, version: Version) -> Self {
        let (decoder, assembler) = (Decoder::new(role).version(version), Assembler::new(Limits::default()));
        Self { source, input: BytesMut::new(), decoder, assembler }
    }
}

impl Decode for Frames {
    #[inline]
    fn pass(&mut self, messages: usize, sink: &mut impl Sink) {
        let mut left = messages;
        while left > 0 {
            loop {
                while let Some(message) = self.decoder.decode_message(&mut self.input) {
                    sink.message(message.as_bytes());
                    left -= 1;
                }
                let Some(frame) = self.decoder.decode(&mut self.input).expect("the frames are valid") else { break };
                if let Some(message) = self.assembler.push(frame).expect("the messages are valid") {
                    sink.message(message.as_bytes());
                    left -= 1;
                }
            }
            if left > 0 {
                match self.decoder.payload_buffer() {
                    Some(mut payload) => self.source.read_to(&mut payload),
                    None => self.source.read_into(&mut self.input),
                }
            }
        }
    }
}

/// `frame, lent`: messages that are slices of the read buffer where possible.
pub struct FramesLent {
    source: Source,
    buffer: Vec<u8>,
    decoder: Decoder,
    assembler: Assembler,
}

impl FramesLent {
    /// Makes a reader of `role`.
    #[must_use]
    pub fn new(source: Source, role: Role, version: Version) -> Self {
        let (decoder, assembler) = (Decoder::new(role).version(version), Assembler::new(Limits::default()));
        Self { source, buffer: vec![0; READ_BUFFER_SIZE], decoder, assembler }
    }
}

impl Decode for FramesLent {
    #[inline]
    fn pass(&mut self, messages: usize, sink: &mut impl Sink) {
        let mut left = messages;
        while left > 0 {
            let mut input = match self.decoder.payload_buffer() {
                Some(mut payload) => {
                    self.source.read_to(&mut payload);
                    &mut []
                }
                None => self.source.read_slice(&mut self.buffer),
            };
            loop {
                while let Some(message) = self.decoder.decode_message_lent(&mut input) {
                    sink.message(message.as_bytes());
                    left -= 1;
                }
                let Some(frame) = self.decoder.decode_lent(&mut input).expect("the frames are valid") else { break };
                if let Some(message) = self.assembler.push_lent(frame).expect("the messages are valid") {
                    sink.message(message.as_bytes());
                    left -= 1;
                }
            }
        }
    }
}

/// `connection`: a [`Connection`], which also responds to pings and Close frames.
pub struct Receiving {
    source: Source,
    input: BytesMut,
    output: BytesMut,
    connection: Connection,
}

impl Receiving {
    /// Makes an open connection of `role`.
    #[must_use]
    pub fn new(source: Source, role: Role, version: Version) -> Self {
        let negotiated = Negotiated::default().version(version);
        Self { source, input: BytesMut::new(), output: BytesMut::new(), connection: connection(role, &negotiated) }
    }
}

impl Decode for Receiving {
    #[inline]
    fn pass(&mut self, messages: usize, sink: &mut impl Sink) {
        let mut left = messages;
        while left > 0 {
            while let Some(event) =
                self.connection.receive(&mut self.input, &mut self.output).expect("the input is valid")
            {
                if let Event::Message(message) = event {
                    sink.message(message.as_bytes());
                    left -= 1;
                }
            }
            if left > 0 {
                match self.connection.payload_buffer() {
                    Some(mut payload) => self.source.read_to(&mut payload),
                    None => self.source.read_into(&mut self.input),
                }
            }
        }
    }
}

/// `connection, lent`: a [`Connection`] whose events borrow from the read buffer where possible.
pub struct ReceivingLent {
    source: Source,
    buffer: Vec<u8>,
    output: BytesMut,
    connection: Connection,
}

impl ReceivingLent {
    /// Makes an open connection of `role`.
    #[must_use]
    pub fn new(source: Source, role: Role, version: Version) -> Self {
        let connection = connection(role, &Negotiated::default().version(version));
        Self { source, buffer: vec![0; READ_BUFFER_SIZE], output: BytesMut::new(), connection }
    }
}

impl Decode for ReceivingLent {
    #[inline]
    fn pass(&mut self, messages: usize, sink: &mut impl Sink) {
        let mut left = messages;
        while left > 0 {
            let mut input = match self.connection.payload_buffer() {
                Some(mut payload) => {
                    self.source.read_to(&mut payload);
                    &mut []
                }
                None => self.source.read_slice(&mut self.buffer),
            };
            while let Some(event) =
                self.connection.receive_lent(&mut input, &mut self.output).expect("the input is valid")
            {
                if let EventRef::Message(message) = event {
                    sink.message(message.as_bytes());
                    left -= 1;
                }
            }
        }
    }
}

/// Returns the configuration that all connections share.
pub fn config() -> Arc<Config> {
    static CONFIG: LazyLock<Arc<Config>> = LazyLock::new(|| Arc::new(Config::new()));
    Arc::clone(&CONFIG)
}

/// Makes a connection whose opening handshake is complete.
#[must_use]
pub fn connection(role: Role, negotiated: &Negotiated) -> Connection {
    match role {
        Role::Client => Connection::open_client(negotiated, config(), OsRandom::new()),
        Role::Server => Connection::open_server(negotiated, config()),
    }
}

/// `frame`: [`Frame::encode`], with an unpredictable mask key for each frame of a client.
pub struct EncodeFrames {
    frame: Frame,
    random: Option<OsRandom>,
    output: BytesMut,
}

impl EncodeFrames {
    /// Makes a sender of `role`.
    #[must_use]
    pub fn new(frame: Frame, role: Role) -> Self {
        let random = (role == Role::Client).then(OsRandom::new);
        Self { frame, random, output: BytesMut::with_capacity(3 * READ_BUFFER_SIZE) }
    }
}

impl Encode for EncodeFrames {
    #[inline]
    fn pass(&mut self, count: usize) {
        for _ in 0..count {
            if self.output.len() >= READ_BUFFER_SIZE {
                self.output.clear();
            }
            let key = self.random.as_mut().map(|random| {
                let mut key = [0; 4];
                random.fill(&mut key);
                MaskKey(key)
            });
            self.frame.encode(Version::Rfc6455, key, &mut self.output).expect("the message can be sent");
        }
    }

    fn take(&mut self) -> Vec<u8> {
        self.output.split().to_vec()
    }
}

/// `connection`: [`Connection::send`], which copies the message to the output.
pub struct Sending {
    message: Message,
    connection: Connection,
    output: BytesMut,
}

impl Sending {
    /// Makes a sender of `role`.
    #[must_use]
    pub fn new(message: Message, role: Role) -> Self {
        let connection = connection(role, &Negotiated::default());
        Self { message, connection, output: BytesMut::with_capacity(3 * READ_BUFFER_SIZE) }
    }
}

impl Encode for Sending {
    #[inline]
    fn pass(&mut self, count: usize) {
        for _ in 0..count {
            if self.output.len() >= READ_BUFFER_SIZE {
                self.output.clear();
            }
            self.connection.send(black_box(&self.message), &mut self.output).expect("the message can be sent");
        }
    }

    fn take(&mut self) -> Vec<u8> {
        self.output.split().to_vec()
    }
}

/// `frame, vectored`: [`Frame::encode_shared`], which copies short payloads and returns long ones for a vectored write.
pub struct Vectored {
    message: Message,
    frame: Frame,
    output: BytesMut,
}

impl Vectored {
    /// Makes a sender of a server.
    #[must_use]
    pub fn new(message: Message) -> Self {
        let output = BytesMut::with_capacity(3 * READ_BUFFER_SIZE);
        Self { frame: message.clone().into(), message, output }
    }

    #[inline]
    fn encode(&mut self) -> Option<Bytes> {
        let rest = self.frame.encode_shared(Version::Rfc6455, None, &mut self.output).expect("the message can be sent");
        if rest.is_some() {
            self.frame = self.message.clone().into();
        }
        rest
    }
}

impl Encode for Vectored {
    #[inline]
    fn pass(&mut self, count: usize) {
        for _ in 0..count {
            if self.output.len() >= READ_BUFFER_SIZE {
                self.output.clear();
            }
            black_box(&self.encode());
        }
    }

    fn take(&mut self) -> Vec<u8> {
        self.output.clear();
        let rest = self.encode().unwrap_or_default();
        let is_long = self.message.len() >= Frame::MIN_SHARED;
        assert_eq!(rest.as_ptr() == self.message.as_bytes().as_ptr(), is_long, "long payloads are shared");
        [&self.output.split()[..], &rest].concat()
    }
}
