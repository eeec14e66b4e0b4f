//! The opening handshake of the baselines and peers, which is not measured. The load generator sends no frame before it
//! has the response.

use std::io::{self, Error, ErrorKind, Read, Write};

use bytes::BytesMut;
use protocol_websocket_core::ExtensionParams;
use protocol_websocket_frame::Negotiate as _;
use protocol_websocket_handshake_server::ServerHandshake;
use protocol_websocket_http::Accept;
use protocol_websocket_permessage_deflate::PermessageDeflate;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(super) struct Opened {
    pub(super) stream: TcpStream,
    /// The parameters of permessage-deflate.
    pub(super) deflate: Option<ExtensionParams>,
}

impl Opened {
    /// Returns whether the server keeps its window between messages, if it compresses.
    pub(super) fn has_takeover(&self) -> Option<bool> {
        self.deflate.as_ref().map(|parameters| !parameters.to_string().contains("server_no_context_takeover"))
    }
}

pub(super) async fn open(mut stream: TcpStream, deflate: bool) -> io::Result<Opened> {
    let mut opening = Opening::new(deflate);
    let mut buffer = vec![0; 1024];
    loop {
        let len = stream.read(&mut buffer).await?;
        if opening.receive(&buffer[..len])? {
            stream.write_all(&opening.output).await?;
            return Ok(Opened { stream, deflate: opening.deflate });
        }
    }
}

pub(super) fn open_blocking(mut stream: std::net::TcpStream) -> io::Result<std::net::TcpStream> {
    stream.set_nodelay(true)?;
    let mut opening = Opening::new(false);
    let mut buffer = [0; 1024];
    loop {
        let len = stream.read(&mut buffer)?;
        if opening.receive(&buffer[..len])? {
            stream.write_all(&opening.output)?;
            return Ok(stream);
        }
    }
}

struct Opening {
    accepts_deflate: bool,
    handshake: ServerHandshake,
    input: BytesMut,
    output: BytesMut,
    deflate: Option<ExtensionParams>,
}

impl Opening {
    fn new(accepts_deflate: bool) -> Self {
        let (handshake, input, output) = (ServerHandshake::new(), BytesMut::new(), BytesMut::new());
        Self { accepts_deflate, handshake, input, output, deflate: None }
    }

    /// Returns whether the response is in the output.
    fn receive(&mut self, bytes: &[u8]) -> io::Result<bool> {
        if bytes.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.input.extend_from_slice(bytes);
        let Some(upgrade) = self.handshake.parse(&mut self.input).map_err(Error::other)? else { return Ok(false) };
        let mut accept = Accept::new();
        if self.accepts_deflate {
            let ours = PermessageDeflate::new();
            self.deflate = upgrade.request().extensions().iter().find_map(|offer| ours.respond(offer));
            accept = self.deflate.iter().cloned().fold(accept, Accept::extension);
        }
        upgrade.accept(&accept, &mut self.output).map(|_| true).map_err(Error::other)
    }
}
