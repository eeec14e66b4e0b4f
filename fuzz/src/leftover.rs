//! What a caller does to what waits in the input.

use bytes::BytesMut;
use protocol_websocket_frame::{Assembler, Decoder, Delivery, Frame, Limits, Message, Role};

enum Deed<'a> {
    Append(&'a [u8]),
    /// So many times.
    Repeat(u8, usize),
    Clear,
    Truncate(u8),
    Fill(u8),
    /// At this place, this byte.
    Write(u8, u8),
    InParts(bool),
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
            3 => Deed::Clear,
            4 => Deed::Truncate(first >> 3),
            5 => Deed::Fill(next()?),
            6 => Deed::Write(next()?, next()?),
            _ => Deed::InParts(much % 2 == 1),
        })
    }

    fn change(&self, input: &mut BytesMut) {
        match *self {
            Deed::Append(bytes) => input.extend_from_slice(bytes),
            Deed::Repeat(byte, times) => input.resize(input.len() + times, byte),
            Deed::Clear => input.clear(),
            Deed::Truncate(len) => input.truncate(len.into()),
            Deed::Fill(byte) => input.fill(byte),
            Deed::Write(at, byte) => input.iter_mut().skip(at.into()).take(1).for_each(|place| *place = byte),
            Deed::InParts(_) => {}
        }
    }
}

/// Nothing that is no UTF-8 becomes text, whatever the caller does to what waits, of which he was told to do nothing.
pub fn leftover(mut data: &[u8]) {
    let mut decoder = Decoder::new(Role::Client).any_mask();
    let (mut lending, mut assembler) = (decoder.lending(), Assembler::new(Limits::default()));
    let (mut input, mut left) = (BytesMut::new(), BytesMut::new());
    while let Some(deed) = Deed::read(&mut data) {
        if let Deed::InParts(in_parts) = deed {
            decoder = decoder.delivery(if in_parts { Delivery::Parts } else { Delivery::Whole });
        }
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

fn judge<P: AsRef<[u8]>>(frame: &Frame<P>) {
    let payload = frame.payload().as_ref();
    assert_eq!(frame.as_text().is_some(), core::str::from_utf8(payload).is_ok());
}
