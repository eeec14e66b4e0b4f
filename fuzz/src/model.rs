//! Simple parsers of the wire formats for a complete stream. The targets compare the library with them.

/// A frame header, valid or not.
#[derive(Clone, Debug)]
pub struct Header {
    pub fin: bool,
    pub rsv: u8,
    pub opcode: u8,
    pub mask: Option<[u8; 4]>,
    pub len: u64,
    pub used: usize,
    short: u8,
}

/// Parses the header at the start of `bytes`, if it is complete.
pub fn header(bytes: &[u8]) -> Option<Header> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let short = second & 0x7F;
    let wide = match short {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let long = bytes.get(2..2 + wide)?.iter().fold(0, |len, &byte| len << 8 | u64::from(byte));
    let len = if wide == 0 { u64::from(short) } else { long };
    let mut used = 2 + wide;
    let mut mask = None;
    if second & 0x80 != 0 {
        mask = Some(bytes.get(used..used + 4)?.try_into().unwrap());
        used += 4;
    }
    Some(Header { fin: first & 0x80 != 0, rsv: first & 0x70, opcode: first & 0x0F, mask, len, used, short })
}

impl Header {
    pub fn is_control(&self) -> bool {
        self.opcode & 8 != 0
    }

    /// Returns whether the length has its minimal encoding.
    pub fn is_minimal(&self) -> bool {
        match self.short {
            126 => self.len > 125,
            127 => self.len > 0xFFFF,
            _ => true,
        }
    }

    /// Returns whether the header is valid by itself.
    pub fn is_valid(&self) -> bool {
        let known = matches!(self.opcode, 0..=2 | 8..=10);
        known && self.is_minimal() && self.len >> 63 == 0 && (!self.is_control() || self.fin && self.short <= 125)
    }

    /// Returns whether the header is valid by itself, apart from a non-minimal length.
    pub fn is_valid_in_any_form(&self) -> bool {
        Self { short: if self.is_control() { self.short } else { 0 }, ..self.clone() }.is_valid()
    }
}

/// A frame with its unmasked payload.
#[derive(Clone, Debug)]
pub struct Frame {
    pub header: Header,
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn len(&self) -> usize {
        self.header.used + self.payload.len()
    }
}

/// Parses the frame at the start of `bytes`, if it is complete.
pub fn frame(bytes: &[u8]) -> Option<Frame> {
    let header = header(bytes)?;
    let payload = bytes[header.used..].get(..usize::try_from(header.len).ok()?)?;
    let key = header.mask.unwrap_or_default();
    let payload = payload.iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]).collect();
    Some(Frame { header, payload })
}

/// Returns whether `bytes` is a prefix of valid UTF-8.
pub fn is_utf8_prefix(bytes: &[u8]) -> bool {
    core::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true)
}

/// Returns whether `payload` is valid for a Close frame.
pub fn is_close_payload(payload: &[u8]) -> bool {
    let Some((code, reason)) = payload.split_first_chunk() else { return payload.is_empty() };
    let code = u16::from_be_bytes(*code);
    let is_sendable = (1000..=1014).contains(&code) && !(1004..=1006).contains(&code) || (3000..5000).contains(&code);
    is_sendable && core::str::from_utf8(reason).is_ok()
}

/// The frames of a stream by draft-ietf-hybi-00 §5.3.
#[derive(Debug, Default)]
pub struct Sentinels {
    /// The texts, and `None` for each Close.
    pub frames: Vec<Option<String>>,
    /// Whether the next frame must be rejected.
    pub is_rejected: bool,
    /// Number of bytes of the frames.
    pub used: usize,
}

/// Parses all complete frames in `bytes`, up to the first that a receiver with this limit rejects.
pub fn sentinels(bytes: &[u8], limit: u64) -> Sentinels {
    let mut read = Sentinels::default();
    while let Some((&kind, rest)) = bytes[read.used..].split_first() {
        if kind < 0x80 {
            let Some(len) = rest.iter().position(|&byte| byte == 0xFF) else { break };
            let text = String::from_utf8_lossy(&rest[..len]);
            read.is_rejected = len as u64 > limit || kind == 0 && text.len() as u64 > limit;
            if read.is_rejected {
                break;
            }
            if kind == 0 {
                read.frames.push(Some(text.into()));
            }
            read.used += len + 2;
            continue;
        }
        let mut len = 0_u64;
        let mut digits = 0;
        let complete = rest.iter().any(|&byte| {
            len = len << 7 | u64::from(byte & 0x7F);
            digits += 1;
            read.is_rejected |= len > limit || digits == 9 && byte & 0x80 != 0;
            read.is_rejected || byte & 0x80 == 0
        });
        if !complete || read.is_rejected || len > (rest.len() - digits) as u64 {
            break;
        }
        if kind == 0xFF && len == 0 {
            read.frames.push(None);
        }
        read.used += 1 + digits + len as usize;
    }
    read
}
