//! The transport with its buffers and the dump of its bytes.

use std::io::{self, ErrorKind, Read, Write};

use bytes::{Buf, BytesMut};

use crate::hex::HexDump;
use crate::note::highlight;
use crate::transport::Transport;

const READ_BUFFER_SIZE: usize = 64 * 1024;

pub(crate) struct Stream {
    transport: Transport,
    read_buffer: Vec<u8>,
    /// Bytes that were received and are not decoded yet.
    pub(crate) input: BytesMut,
    /// Bytes to write.
    pub(crate) output: BytesMut,
    dumps: Option<Dumps>,
    is_writable: bool,
}

struct Dumps {
    written: HexDump,
    read: HexDump,
}

/// The result of one read.
pub(crate) enum Received {
    /// The socket has nothing to read at the moment.
    Nothing,
    /// Bytes were appended to the input.
    Bytes,
    /// The end of the stream, or the error that ended it.
    End(Option<io::Error>),
}

impl Stream {
    /// Creates a stream with this output to write. If `dump` is true, it dumps all bytes.
    pub(crate) fn new(transport: Transport, output: BytesMut, dump: bool) -> Self {
        let dumps = || Dumps { written: HexDump::new(highlight(">")), read: HexDump::new(highlight("<")) };
        Self {
            transport,
            read_buffer: vec![0; READ_BUFFER_SIZE],
            input: BytesMut::new(),
            output,
            dumps: dump.then(dumps),
            is_writable: true,
        }
    }

    /// Reads once, and appends the bytes to the input.
    pub(crate) fn read(&mut self) -> Received {
        loop {
            match self.transport.read(&mut self.read_buffer) {
                Ok(0) => return Received::End(None),
                Ok(n) => {
                    let bytes = self.read_buffer.get(..n).unwrap_or_default();
                    if let Some(dumps) = &mut self.dumps {
                        dumps.read.print(bytes);
                    }
                    self.input.extend_from_slice(bytes);
                    return Received::Bytes;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Received::Nothing,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Received::End(Some(error)),
            }
        }
    }

    /// Writes as much output as the socket accepts. Returns whether it wrote anything.
    pub(crate) fn write(&mut self) -> bool {
        let mut written = false;
        let result = loop {
            if !self.is_writable || self.output.is_empty() {
                break self.transport.flush();
            }
            match self.transport.write(&self.output) {
                Ok(0) => break Err(ErrorKind::WriteZero.into()),
                Ok(n) => {
                    if let Some(dumps) = &mut self.dumps {
                        dumps.written.print(self.output.get(..n).unwrap_or_default());
                    }
                    self.output.advance(n);
                    written = true;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        if result.is_err_and(|error| error.kind() != ErrorKind::WouldBlock) {
            self.is_writable = false;
        }
        if !self.is_writable {
            self.output.clear();
        }
        written
    }

    /// Whether all writes have succeeded. After a failed write, all output is dropped.
    pub(crate) const fn is_writable(&self) -> bool {
        self.is_writable
    }

    /// Ends the sending side of TLS.
    pub(crate) fn finish(&mut self) {
        self.transport.finish();
    }
}
