//! What a caller does to its input, and what that costs.

use bytes::BytesMut;
use protocol_websocket_frame::{Assembler, Decoder, Delivery, Frame, Limits, Message, Role};

use crate::heap::allocated;

enum Deed<'a> {
    Append(&'a [u8]),
    /// So many times.
    Repeat(u8, usize),
    Clear,
    Reserve(usize),
    Truncate(u8),
    Fill(u8),
    /// At this place, this byte.
    Write(u8, u8),
    /// Parts of so many bytes.
    InParts(u16),
    Whole,
}

impl<'a> Deed<'a> {
    /// The next deed: three bits of a byte say which, the others how much.
    fn read(data: &mut &'a [u8]) -> Option<Self> {
        let mut next = || data.split_off_first().copied();
        let first = next()?;
        let much = usize::from(first >> 3);
        Some(match first & 7 {
            0 | 1 => Deed::Append(data.split_off(..much.min(data.len()))?),
            2 => Deed::Repeat(next()?, 16 * much),
            3 if much == 0 => Deed::Clear,
            3 => Deed::Reserve(512 * much),
            4 => Deed::Truncate(first >> 3),
            5 => Deed::Fill(next()?),
            6 => Deed::Write(next()?, next()?),
            _ if much % 2 == 1 => Deed::InParts(1 << (much / 2)),
            _ => Deed::Whole,
        })
    }

    fn change(&self, input: &mut BytesMut) {
        match *self {
            Deed::Append(bytes) => input.extend_from_slice(bytes),
            Deed::Repeat(byte, times) => input.resize(input.len() + times, byte),
            Deed::Clear => input.clear(),
            Deed::Reserve(len) => input.reserve(len),
            Deed::Truncate(len) => input.truncate(len.into()),
            Deed::Fill(byte) => input.fill(byte),
            Deed::Write(at, byte) => input.iter_mut().skip(at.into()).take(1).for_each(|place| *place = byte),
            Deed::InParts(_) | Deed::Whole => {}
        }
    }

    fn set(&self, decoder: Decoder) -> Decoder {
        match *self {
            Deed::InParts(len) => decoder.delivery(Delivery::Parts).min_part(len),
            Deed::Whole => decoder.delivery(Delivery::Whole),
            _ => decoder,
        }
    }
}

/// Nothing that is not UTF-8 becomes text, whatever the caller does to what is left in the input, of which it was told to
/// do nothing. And the memory of a decoder and its input is at most twice what has come of a frame, two reads and 4 KiB.
pub fn leftover(data: &[u8]) {
    check_text(data);
    check_memory(data);
}

fn check_text(mut data: &[u8]) {
    let mut decoder = Decoder::new(Role::Client).allow_any_mask();
    let (mut lending, mut assembler) = (decoder.lending(), Assembler::new(Limits::default()));
    let (mut input, mut left) = (BytesMut::new(), BytesMut::new());
    while let Some(deed) = Deed::read(&mut data) {
        decoder = deed.set(decoder);
        deed.change(&mut input);
        while let Ok(Some(frame)) = decoder.decode(&mut input) {
            judge(&frame);
            if let Ok(Some(Message::Text(text))) = assembler.push(frame) {
                assert!(core::str::from_utf8(text.as_bytes()).is_ok());
            }
        }
        deed.change(&mut left);
        let mut rest = &mut left[..];
        while let Ok(Some(frame)) = lending.decode(&mut rest) {
            judge(&frame);
        }
        left = BytesMut::from(&*rest);
    }
}

fn check_memory(mut data: &[u8]) {
    let before = allocated();
    let mut decoder = Decoder::new(Role::Client).allow_any_mask().limits(Limits::NONE);
    let (mut input, mut came, mut longest_read) = (BytesMut::new(), 0, 0);
    while let Some(deed) = Deed::read(&mut data) {
        decoder = deed.set(decoder);
        let len = input.len();
        deed.change(&mut input);
        let read = input.len().saturating_sub(len);
        came += read;
        longest_read = longest_read.max(read);
        if let Deed::Reserve(len) = deed {
            longest_read = longest_read.max(len);
        }
        loop {
            match decoder.decode(&mut input) {
                // What came before is the frame's, and goes with it.
                Ok(Some(_)) => came = input.len(),
                Ok(None) => break,
                Err(_) => return,
            }
        }
        let used = allocated() - before;
        let most = 2 * came + 2 * longest_read + 4096;
        assert!(used <= most as isize, "{used} bytes when {came} had come in reads of up to {longest_read}");
    }
}

fn judge<P: AsRef<[u8]>>(frame: &Frame<P>) {
    let payload = frame.payload().as_ref();
    assert_eq!(frame.as_text().is_some(), core::str::from_utf8(payload).is_ok());
}
