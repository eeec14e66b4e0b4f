//! The extensions of one direction of a connection, in the order in which they were negotiated (RFC 6455 §9.1).
//!
//! The first extension is applied first to sent frames, and last to received frames. If the decoded payload of a frame
//! is longer than the room for it, a decoder also returns the rest of the frame. The rest is kept here, and decoded
//! before any other frame.

mod suspend;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use protocol_websocket_frame::{DecodeError, EncodeError, ExtensionDecoder, ExtensionEncoder, Frame, Payload};

use crate::idle_timer::IdleTimer;

/// The decoders of received frames. Boxed, because most connections have none.
#[derive(Default)]
pub(crate) struct Decoders(Option<Box<DecoderSlots>>);

#[derive(Default)]
struct DecoderSlots {
    slots: Vec<DecoderSlot>,
    idle: IdleTimer,
}

struct DecoderSlot {
    decoder: Box<dyn ExtensionDecoder>,
    /// The rest of a frame whose decoded payload did not fit the room. It owns its payload, because it is decoded after
    /// the input was given back to the caller.
    rest: Option<Frame>,
}

impl Decoders {
    pub(crate) fn push(&mut self, decoder: Box<dyn ExtensionDecoder>) {
        self.0.get_or_insert_default().slots.push(DecoderSlot { decoder, rest: None });
    }

    fn slots(&mut self) -> &mut [DecoderSlot] {
        self.0.as_mut().map_or(&mut [], |decoders| &mut decoders.slots)
    }

    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Decodes a frame that arrived.
    pub(crate) fn decode<'a>(
        &mut self,
        frame: Frame<Payload<'a>>,
        room: usize,
    ) -> Result<Frame<Payload<'a>>, DecodeError> {
        if let Some(decoders) = &mut self.0 {
            decoders.idle.note_use();
        }
        decode(self.slots(), frame, room)
    }

    /// Decodes more of a frame that arrived before. Until this returns `None`, no other frame may be decoded.
    pub(crate) fn resume(&mut self, room: usize) -> Result<Option<Frame<Payload<'static>>>, DecodeError> {
        // The slot that is applied last has the oldest bytes.
        let slots = self.slots();
        for at in 0..slots.len() {
            let (slots, _) = slots.split_at_mut(at + 1);
            if let Some(rest) = slots.last_mut().and_then(|slot| slot.rest.take()) {
                return decode(slots, rest.into(), room).map(Some);
            }
        }
        Ok(None)
    }

    /// Returns whether [`resume`](Self::resume) has a frame.
    #[inline]
    pub(crate) fn has_rest(&self) -> bool {
        self.0.as_ref().is_some_and(|decoders| decoders.slots.iter().any(|slot| slot.rest.is_some()))
    }

    pub(crate) fn release_memory(&mut self) {
        self.slots().iter_mut().for_each(|slot| slot.decoder.release_memory());
    }

    /// Returns the time of the next [`handle_idle`](Self::handle_idle).
    pub(crate) fn poll_idle(&self, timeout: Option<Duration>) -> Option<Duration> {
        self.0.as_ref().filter(|_| timeout.is_some())?.idle.poll()
    }

    /// Releases memory if no frame was decoded for the time `timeout`.
    pub(crate) fn handle_idle(&mut self, now: Duration, timeout: Option<Duration>) {
        if let (Some(decoders), Some(timeout)) = (&mut self.0, timeout)
            && decoders.idle.handle(now, timeout)
        {
            self.release_memory();
        }
    }
}

fn decode<'a>(
    slots: &mut [DecoderSlot],
    frame: Frame<Payload<'a>>,
    room: usize,
) -> Result<Frame<Payload<'a>>, DecodeError> {
    slots.iter_mut().rev().try_fold(frame, |frame, slot| {
        let (frame, rest) = slot.decoder.decode(frame, room)?;
        slot.rest = rest.map(Frame::into_owned);
        Ok(frame)
    })
}

/// The encoders of sent frames. Boxed, because most connections have none.
#[derive(Default)]
pub(crate) struct Encoders(Option<Box<EncoderSlots>>);

#[derive(Default)]
struct EncoderSlots {
    slots: Vec<Box<dyn ExtensionEncoder>>,
    idle: IdleTimer,
}

impl Encoders {
    pub(crate) fn push(&mut self, encoder: Box<dyn ExtensionEncoder>) {
        self.0.get_or_insert_default().slots.push(encoder);
    }

    fn slots(&mut self) -> &mut [Box<dyn ExtensionEncoder>] {
        self.0.as_mut().map_or(&mut [], |encoders| &mut encoders.slots)
    }

    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns the [`encoding_key`](ExtensionEncoder::encoding_key) of each encoder.
    pub(crate) fn encoding_keys(&self) -> impl Iterator<Item = Option<u64>> {
        self.0.iter().flat_map(|encoders| &encoders.slots).map(|encoder| encoder.encoding_key())
    }

    /// Encodes a frame with all encoders. If one fails, the frame is not sent, but the encoders before it have encoded it.
    /// So all of them restart.
    pub(crate) fn encode<'a>(&mut self, frame: Frame<Payload<'a>>) -> Result<Frame<Payload<'a>>, EncodeError> {
        if let Some(encoders) = &mut self.0 {
            encoders.idle.note_use();
        }
        let encoded = self.slots().iter_mut().try_fold(frame, |frame, encoder| encoder.encode(frame));
        if encoded.is_err() {
            self.restart();
        }
        encoded
    }

    /// Restarts all encoders, because the frames that the peer receives are not those that they encoded.
    pub(crate) fn restart(&mut self) {
        self.slots().iter_mut().for_each(|encoder| encoder.restart());
    }

    pub(crate) fn release_memory(&mut self) {
        self.slots().iter_mut().for_each(|encoder| encoder.release_memory());
    }

    /// Returns the time of the next [`handle_idle`](Self::handle_idle).
    pub(crate) fn poll_idle(&self, timeout: Option<Duration>) -> Option<Duration> {
        self.0.as_ref().filter(|_| timeout.is_some())?.idle.poll()
    }

    /// Releases memory if no frame was encoded for the time `timeout`.
    pub(crate) fn handle_idle(&mut self, now: Duration, timeout: Option<Duration>) {
        if let (Some(encoders), Some(timeout)) = (&mut self.0, timeout)
            && encoders.idle.handle(now, timeout)
        {
            self.release_memory();
        }
    }
}
