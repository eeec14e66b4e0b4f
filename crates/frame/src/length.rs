//! The dialect of RFC 6455 and hybi-10: frames with their length in front.

use alloc::boxed::Box;

use bytes::BytesMut;

use crate::flags::{Flags, Text};
use crate::input::Input;
use crate::mask::xor;
use crate::rules::Rules;
use crate::sequence::{Fresh, Sequence};
use crate::whole::Whole;
use crate::{DecodeError, Delivery, Frame, FrameHeader, Message, OpCode, Rsv};

#[derive(Clone, Debug, Default)]
pub(crate) struct Length {
    state: State,
    sequence: Sequence,
    /// What has come of a data frame's payload and is not handed out yet. On the heap, where its bytes are too: most
    /// payloads never need it.
    partial: Option<Box<BytesMut>>,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// Before a head, or inside one: of a head nothing is taken before it is all there.
    #[default]
    Head,
    Payload(Payload),
    Failed(DecodeError),
}

/// A frame that can be taken from the input: its payload after its header, or after its bytes in a partial.
pub(crate) struct Found {
    pub(crate) head: usize,
    pub(crate) len: usize,
    pub(crate) flags: Flags,
}

/// A frame whose head was taken and whose payload is not all there.
#[derive(Clone, Copy, Debug)]
struct Payload {
    header: FrameHeader,
    /// How many of its bytes left the input: handed out in parts, or moved to a partial.
    taken: u64,
    /// How many of its bytes at the front of the input are unmasked and checked.
    ready: usize,
}

impl Length {
    #[inline]
    pub(crate) fn decode<I: Input>(
        &mut self,
        rules: &Rules,
        input: &mut I,
    ) -> Result<Option<Frame<I::Payload>>, DecodeError> {
        let found = match self.find_whole(rules, input.bytes()) {
            Some(whole) if whole.unmask(input.bytes()) => whole.found(),
            Some(_) => return Err(self.fail(DecodeError::InvalidUtf8)),
            None => match self.find_any(rules, input)? {
                Some(found) => found,
                None => return Ok(None),
            },
        };
        let payload = match self.partial.take() {
            None => input.take(found.head, found.len),
            Some(partial) => input.complete(*partial, found.len),
        };
        Ok(Some(Frame::decoded(found.flags, payload)))
    }

    /// As [`decode`](Self::decode), for a message that is all there; any other, and an error, are left for that.
    #[inline(always)]
    pub(crate) fn decode_message(&mut self, rules: &Rules, input: &mut BytesMut) -> Option<Message> {
        let whole = self.find_whole(rules, input)?;
        if whole.unmask(input) {
            return Some(whole.take_message(input));
        }
        self.fail(DecodeError::InvalidUtf8);
        None
    }

    #[inline]
    fn find_whole(&self, rules: &Rules, input: &[u8]) -> Option<Whole> {
        let is_between = matches!(self.state, State::Head) && self.sequence.is_between();
        if is_between { Whole::find(rules, input) } else { None }
    }

    #[cold]
    fn fail(&mut self, error: DecodeError) -> DecodeError {
        self.state = State::Failed(error);
        self.partial = None;
        error
    }

    #[inline(never)]
    fn find_any<I: Input>(&mut self, rules: &Rules, input: &mut I) -> Result<Option<Found>, DecodeError> {
        self.next(rules, input).map_err(|error| self.fail(error))
    }

    fn next<I: Input>(&mut self, rules: &Rules, input: &mut I) -> Result<Option<Found>, DecodeError> {
        let mut payload = match self.state {
            State::Payload(payload) => payload,
            State::Head => {
                let bytes = input.bytes();
                let parsed = FrameHeader::parse_to_key(bytes, rules.allow_non_minimal_length)?;
                let Some((mut header, key_at)) = parsed else { return Ok(None) };
                rules.admit(&header)?;
                let Some(used) = header.parse_key(bytes, key_at) else {
                    // What is wrong without the key is wrong with it.
                    return self.sequence.clone().admit(&header, &rules.limits).map(|()| None);
                };
                self.sequence.admit(&header, &rules.limits)?;
                input.skip(used);
                Payload { header, taken: 0, ready: 0 }
            }
            State::Failed(error) => return Err(error),
        };
        let text = self.advance(&mut payload, input.bytes())?;
        let in_partial = self.partial.as_ref().map_or(0, |partial| partial.len());
        let is_data = !payload.header.opcode.is_control();
        let is_part =
            is_data && rules.delivery == Delivery::Parts && in_partial + payload.ready >= rules.min_part.into();
        if payload.has_ended() || is_part {
            let found = payload.hand_out(text, in_partial);
            self.state = if payload.has_ended() { State::Head } else { State::Payload(payload) };
            return Ok(Some(found));
        }
        if I::IS_OWNED && is_data && payload.ready > 0 {
            payload.keep(self.partial.get_or_insert_default(), input);
        }
        self.state = State::Payload(payload);
        Ok(None)
    }

    /// Unmasks and checks, in place, what has come of the payload. Says what of it is known to be text.
    fn advance(&mut self, payload: &mut Payload, input: &mut [u8]) -> Result<Text, DecodeError> {
        let Payload { header, taken, ready } = *payload;
        let here = payload.available(input);
        let (at_hand, _) = input.split_at_mut(here);
        let (_, fresh) = at_hand.split_at_mut(ready.min(here));
        #[expect(clippy::cast_possible_truncation, reason = "only the two lowest bits matter")]
        //= https://www.rfc-editor.org/rfc/rfc6455#section-6.2
        //# A server MUST remove masking for data frames received from a client
        let is_ascii = header.mask.is_some_and(|key| xor(fresh, key.turned((taken as usize).wrapping_add(ready))));
        payload.ready = here;
        let fresh = Fresh { from: ready, is_first: ready == 0 && self.partial.is_none(), is_ascii };
        self.sequence.check(&header, at_hand, fresh, payload.has_ended())
    }
}

impl Payload {
    /// How many bytes at the front of the input are this payload's.
    fn available(&self, input: &[u8]) -> usize {
        let missing = self.header.len - self.taken;
        usize::try_from(missing).map_or(input.len(), |missing| missing.min(input.len()))
    }

    /// Whether all of it has come.
    fn has_ended(&self) -> bool {
        self.taken + self.ready as u64 == self.header.len
    }

    /// What is ready, after the bytes in a partial if there are any, as a frame to be taken from the input.
    fn hand_out(&mut self, text: Text, in_partial: usize) -> Found {
        let FrameHeader { fin, rsv, opcode, .. } = self.header;
        let is_first = self.taken == in_partial as u64;
        let (opcode, rsv) = if is_first { (opcode, rsv) } else { (OpCode::Continuation, Rsv::NONE) };
        let flags = Flags::new(opcode, fin && self.has_ended(), rsv, text);
        let found = Found { head: 0, len: self.ready, flags };
        self.taken += self.ready as u64;
        self.ready = 0;
        found
    }

    /// Moves what is ready from the input to `partial`.
    fn keep(&mut self, partial: &mut BytesMut, input: &mut impl Input) {
        let missing = self.header.len - self.taken - self.ready as u64;
        input.keep(partial, self.ready, usize::try_from(missing).unwrap_or(usize::MAX));
        self.taken += self.ready as u64;
        self.ready = 0;
    }
}
