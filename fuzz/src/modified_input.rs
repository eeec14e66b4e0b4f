//! One stream through several decoders with owned, lent and mixed input. The input buffers are overwritten after each
//! read.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use protocol_websocket_frame::{
    Assembler, DecodeError, Decoder, Delivery, Frame, LentMessage, Limits, Message, Role, Version,
};
use test_support::heap::{CountingAllocator, current};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// A step of the input.
enum Step<'a> {
    /// Reads these bytes.
    Read(&'a [u8]),
    /// Reads a byte that is repeated.
    Repeat(u8, usize),
    /// Sets the byte that overwrites the buffers.
    Overwrite(u8),
    /// Sets the kinds of input of the mixed decoder.
    Mix(u8),
    /// Sets the delivery: in parts of at least this length, or whole.
    Deliver(Option<u16>),
}

impl<'a> Step<'a> {
    /// Parses the next step: three bits of a byte are its kind, and the other five a number.
    fn parse(data: &mut &'a [u8]) -> Option<Self> {
        let mut next = || data.split_off_first().copied();
        let first = next()?;
        let number = usize::from(first >> 3);
        Some(match first & 7 {
            0..=2 => Self::Read(data.split_off(..number.min(data.len()))?),
            3 => Self::Repeat(next()?, 16 * number),
            4 => Self::Repeat(next()?, 4096 * number),
            5 => Self::Overwrite(next()?),
            6 => Self::Mix(first >> 3),
            _ => Self::Deliver((number % 2 == 1).then_some(1 << (number / 2))),
        })
    }

    /// Returns the bytes that arrive.
    fn bytes(&self) -> Vec<u8> {
        match *self {
            Self::Read(bytes) => bytes.to_vec(),
            Self::Repeat(byte, times) => vec![byte; times],
            _ => Vec::new(),
        }
    }

    fn set(&self, decoder: Decoder) -> Decoder {
        match *self {
            Self::Deliver(Some(min_part)) => decoder.delivery(Delivery::Parts).min_part(min_part),
            Self::Deliver(None) => decoder.delivery(Delivery::Whole),
            _ => decoder,
        }
    }
}

/// The frames and messages of a stream are the same for owned, lent and mixed input and with the fast path, and stay
/// the same when the caller overwrites its buffers. Text is valid UTF-8. The memory of a decoder is at most twice the
/// length of the received part of a payload, and 4 KiB.
pub fn modified_input(data: &[u8]) {
    let Some((&options, steps)) = data.split_first() else { return };
    let version = [Version::Rfc6455, Version::Rfc6455, Version::Hybi10, Version::Hybi00][usize::from(options & 3)];
    let decoder = Decoder::new(Role::Client).allow_any_mask().version(version).limits(Limits::NONE);
    check_frames(decoder.clone(), steps);
    check_messages(&decoder, steps);
    check_memory(decoder, steps);
}

/// Decoded frames and the error after them.
type Frames = (Vec<Frame>, Option<DecodeError>);

fn check_frames(decoder: Decoder, mut data: &[u8]) {
    let mut decoders = [decoder.clone(), decoder.clone(), decoder];
    let (mut buffer, mut overwrite, mut mix, mut in_parts) = (BytesMut::new(), 0xA5, 0, false);
    // Frames that are in use while the buffers are overwritten, and copies of them.
    let mut kept: Vec<(Frame, Frame)> = Vec::new();
    while let Some(step) = Step::parse(&mut data) {
        decoders = decoders.map(|decoder| step.set(decoder));
        match step {
            Step::Overwrite(byte) => overwrite = byte,
            Step::Mix(options) => mix = options,
            Step::Deliver(min_part) => in_parts = min_part.is_some(),
            _ => {}
        }
        let mut bytes = step.bytes();
        let [owned, lent, mixed] = &mut decoders;
        // Split input would be delivered in other parts.
        let mix = if in_parts { mix & !SPLIT } else { mix };
        let mixed = decode_mixed(mixed, &bytes, mix, overwrite);
        buffer.extend_from_slice(&bytes);
        let (frames, error) = decode_owned(owned, &mut buffer);
        let lent = decode_lent(lent, &mut bytes, overwrite);
        // The caller may write to the rest of the buffer's memory.
        buffer.clear();
        buffer.resize(buffer.capacity(), overwrite);
        buffer.clear();
        assert_eq!((&frames, error), (&lent.0, lent.1));
        assert_eq!((&frames, error), (&mixed.0, mixed.1));
        if error.is_some() {
            return;
        }
        for frame in frames {
            let payload = frame.payload();
            assert_eq!(frame.as_text().is_some(), core::str::from_utf8(payload).is_ok());
            let copy = frame.clone().with_payload(Bytes::copy_from_slice(payload));
            kept.push((frame, copy));
        }
        kept.drain(..kept.len().saturating_sub(8));
        kept.iter().for_each(|(frame, copy)| assert_eq!(frame, copy));
    }
}

fn decode_owned(decoder: &mut Decoder, input: &mut BytesMut) -> Frames {
    let mut frames = Vec::new();
    loop {
        match decoder.decode(input) {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => {
                assert!(input.is_empty());
                return (frames, None);
            }
            Err(error) => return (frames, Some(error)),
        }
    }
}

fn decode_lent(decoder: &mut Decoder, buffer: &mut [u8], overwrite: u8) -> Frames {
    let (mut frames, mut input) = (Vec::new(), &mut *buffer);
    let error = loop {
        match decoder.decode_lent(&mut input) {
            Ok(Some(frame)) => frames.push(frame.into_owned()),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert!(error.is_some() || input.is_empty());
    buffer.fill(overwrite);
    (frames, error)
}

// The options of `Step::Mix`.
const START_LENT: u8 = 1;
const ALTERNATE: u8 = 2;
const DIRECT: u8 = 4;
const SPLIT: u8 = 8 | 16;

/// Decodes `bytes` with both kinds of input and with `payload_buffer`.
fn decode_mixed(decoder: &mut Decoder, mut bytes: &[u8], mix: u8, overwrite: u8) -> Frames {
    let (mut frames, mut lent) = (Vec::new(), mix & START_LENT != 0);
    let pieces = usize::from((mix & SPLIT) >> 3) + 1;
    let piece_len = bytes.len().div_ceil(pieces);
    loop {
        let mut len = piece_len.min(bytes.len());
        let mut input = Vec::new();
        match decoder.payload_buffer().filter(|_| mix & DIRECT != 0) {
            Some(mut payload) => {
                len = len.min(payload.remaining_mut());
                payload.put_slice(&bytes[..len]);
            }
            None => input.extend_from_slice(&bytes[..len]),
        }
        bytes.advance(len);
        let (more, error) = match lent {
            true => decode_lent(decoder, &mut input, overwrite),
            false => decode_owned(decoder, &mut BytesMut::from(&input[..])),
        };
        frames.extend(more);
        if error.is_some() {
            return (frames, error);
        }
        if bytes.is_empty() {
            return (frames, None);
        }
        lent ^= mix & ALTERNATE != 0;
    }
}

/// Compares the messages of the slow path and of the fast path, owned and lent.
fn check_messages(decoder: &Decoder, mut data: &[u8]) {
    let mut readers = [false, true].map(|lent| [false, true].map(|fast| Reader::new(decoder, lent, fast)));
    while let Some(step) = Step::parse(&mut data) {
        let bytes = step.bytes();
        let [[first, others @ ..], lent] = &mut readers;
        let expected = first.read(&bytes);
        for reader in others.iter_mut().chain(lent) {
            assert_eq!(reader.read(&bytes), expected);
        }
        let Ok(messages) = expected else { return };
        let mut texts = messages.iter().filter_map(Message::as_text);
        assert!(texts.all(|text| core::str::from_utf8(text.as_bytes()).is_ok()));
    }
}

struct Reader {
    decoder: Decoder,
    assembler: Assembler,
    lent: bool,
    fast: bool,
}

impl Reader {
    fn new(decoder: &Decoder, lent: bool, fast: bool) -> Self {
        Self { decoder: decoder.clone(), assembler: Assembler::new(Limits::default()), lent, fast }
    }

    fn read(&mut self, bytes: &[u8]) -> Result<Vec<Message>, DecodeError> {
        if self.lent { self.read_lent(&mut bytes.to_vec()) } else { self.read_owned(&mut bytes.into()) }
    }

    fn read_owned(&mut self, input: &mut BytesMut) -> Result<Vec<Message>, DecodeError> {
        let mut messages = Vec::new();
        loop {
            while self.fast
                && let Some(message) = self.decoder.decode_message(input)
            {
                messages.push(message);
            }
            let Some(frame) = self.decoder.decode(input)? else { return Ok(messages) };
            messages.extend(self.assembler.push(frame)?);
        }
    }

    fn read_lent(&mut self, mut input: &mut [u8]) -> Result<Vec<Message>, DecodeError> {
        let mut messages = Vec::new();
        loop {
            while self.fast
                && let Some(message) = self.decoder.decode_message_lent(&mut input)
            {
                messages.push(message.into_owned());
            }
            let Some(frame) = self.decoder.decode_lent(&mut input)? else { return Ok(messages) };
            messages.extend(self.assembler.push_lent(frame)?.map(LentMessage::into_owned));
        }
    }
}

fn check_memory(mut decoder: Decoder, mut data: &[u8]) {
    let before = current().live;
    let mut received = 0;
    while let Some(step) = Step::parse(&mut data) {
        decoder = step.set(decoder);
        let mut input = BytesMut::from(&step.bytes()[..]);
        received += input.len();
        loop {
            match decoder.decode(&mut input) {
                // The bytes before the rest of the input belong to complete frames.
                Ok(Some(_)) => received = input.len(),
                Ok(None) => break,
                Err(_) => return,
            }
        }
        drop(input);
        let used = current().live - before;
        assert!(used <= (2 * received + 4096) as i64, "{used} bytes for {received} received bytes");
    }
}
