//! The dialect of RFC 6455 and hybi-10: frames with their length in front.

use bytes::{Buf, BytesMut};

use crate::rules::Rules;
use crate::sequence::Sequence;
use crate::{DecodeError, Delivery, Frame, FrameHeader, OpCode, Rsv, mask};

#[derive(Clone, Debug, Default)]
pub(crate) struct Length {
    sequence: Sequence,
    payload: Option<Payload>,
}

/// A frame whose head was taken and whose payload is not all there.
#[derive(Clone, Copy, Debug)]
struct Payload {
    header: FrameHeader,
    /// How many of its bytes were handed out: none unless in parts.
    taken: u64,
    /// How many of its bytes at the front of the input are unmasked and checked.
    ready: usize,
}

impl Length {
    #[inline]
    pub(crate) fn decode(&mut self, rules: &Rules, input: &mut BytesMut) -> Result<Option<Frame>, DecodeError> {
        self.sequence.check_failed()?;
        self.next(rules, input).inspect_err(|&error| self.sequence.fail(error))
    }

    #[inline]
    fn next(&mut self, rules: &Rules, input: &mut BytesMut) -> Result<Option<Frame>, DecodeError> {
        let mut payload = match self.payload.take() {
            Some(payload) => payload,
            None => {
                let parsed = FrameHeader::parse_to_key(input, rules.any_length)?;
                let Some((mut header, key_at)) = parsed else { return Ok(None) };
                rules.admit(&header)?;
                let Some(used) = header.parse_key(input, key_at) else {
                    // What is wrong without the key is wrong with it.
                    return self.sequence.clone().admit(&header, &rules.limits).map(|()| None);
                };
                self.sequence.admit(&header, &rules.limits)?;
                input.advance(used);
                Payload { header, taken: 0, ready: 0 }
            }
        };
        let checked = self.advance(&mut payload, input)?;
        let frame = payload.take(rules.delivery, checked, input);
        if !payload.is_done() {
            self.payload = Some(payload);
        }
        Ok(frame)
    }

    /// Unmasks and checks, in place, what has come of the payload. Says whether it was checked as text.
    #[inline]
    fn advance(&mut self, payload: &mut Payload, input: &mut BytesMut) -> Result<bool, DecodeError> {
        let Payload { header, taken, ready } = *payload;
        let here = payload.available(input);
        let at_hand = input.get_mut(..here).unwrap_or_default();
        if let (Some(key), Some(fresh)) = (header.mask, at_hand.get_mut(ready..)) {
            #[expect(clippy::cast_possible_truncation, reason = "only the two lowest bits matter")]
            //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
            //# A server MUST remove masking for data frames received from a client
            mask(fresh, key, (taken as usize).wrapping_add(ready));
        }
        payload.ready = here;
        let ends = taken + here as u64 == header.len;
        self.sequence.check(&header, at_hand, ready, ends)
    }
}

impl Payload {
    /// How many bytes at the front of the input are this payload's.
    fn available(&self, input: &BytesMut) -> usize {
        let missing = self.header.len - self.taken;
        usize::try_from(missing).map_or(input.len(), |missing| missing.min(input.len()))
    }

    /// Takes what can be handed out: the whole payload, or in parts whatever there is of it.
    fn take(&mut self, delivery: Delivery, checked: bool, input: &mut BytesMut) -> Option<Frame> {
        let FrameHeader { fin, rsv, opcode, len, .. } = self.header;
        let first = self.taken == 0;
        let ends = self.taken + self.ready as u64 == len;
        let part = delivery == Delivery::Parts && !opcode.is_control() && self.ready > 0;
        if !ends && !part {
            return None;
        }
        let bytes = input.split_to(self.ready).freeze();
        self.taken += self.ready as u64;
        self.ready = 0;
        let (opcode, rsv) = if first { (opcode, rsv) } else { (OpCode::Continuation, Rsv::NONE) };
        Some(Frame::decoded(opcode, fin && ends, rsv, checked, bytes))
    }

    fn is_done(&self) -> bool {
        self.ready == 0 && self.taken == self.header.len
    }
}
