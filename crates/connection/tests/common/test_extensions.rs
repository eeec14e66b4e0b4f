//! Two small extensions that have nothing in common with compression by deflate but the trait.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses its part, and a failure should be loud")]

use bytes::Bytes;
use protocol_websocket_connection::{Extension, Frame, Negotiate, Role};
use protocol_websocket_frame::{DecodeError, EncodeError, OpCode, Rsv};
use protocol_websocket_http as http;

/// `runs; max=N`: a message on the wire is pairs of a count up to `N` and a byte. RSV2.
#[derive(Clone, Debug)]
pub(crate) struct Runs {
    max: u8,
    rsv: Rsv,
    active: bool,
    /// A count whose byte is in the next fragment.
    half: Option<u8>,
    /// The byte that is not written as often as it should be, and how often it still is to be.
    run: (u8, u8),
}

impl Runs {
    pub(crate) fn new(max: u8) -> Self {
        Self { max, rsv: Rsv::RSV2, active: false, half: None, run: (0, 0) }
    }

    pub(crate) fn rsv(self, rsv: Rsv) -> Self {
        Self { rsv, ..self }
    }
}

impl Extension for Runs {
    fn rsv(&self) -> Rsv {
        self.rsv
    }

    fn decode(&mut self, frame: Frame, room: usize) -> Result<(Frame, Option<Frame>), DecodeError> {
        if frame.opcode() != OpCode::Continuation {
            self.active = frame.rsv().contains(self.rsv);
        }
        if !self.active {
            return Ok((frame, None));
        }
        let (mut out, mut used) = (Vec::new(), 0);
        loop {
            let (byte, count) = &mut self.run;
            let fits = (room - out.len()).min(usize::from(*count));
            out.resize(out.len() + fits, *byte);
            *count -= u8::try_from(fits).unwrap();
            if *count > 0 {
                let rest = Frame::continuation(frame.payload().slice(used..)).with_fin(frame.fin());
                let rsv = frame.rsv().without(self.rsv);
                return Ok((frame.with_payload(out).with_rsv(rsv).with_fin(false), Some(rest)));
            }
            let Some(&next) = frame.payload().get(used) else { break };
            used += 1;
            match self.half.take() {
                None if next > self.max => return Err(DecodeError::Extension),
                None => self.half = Some(next),
                Some(count) => self.run = (next, count),
            }
        }
        if frame.fin() && self.half.is_some() {
            return Err(DecodeError::Extension);
        }
        let rsv = frame.rsv().without(self.rsv);
        Ok((frame.with_payload(out).with_rsv(rsv), None))
    }

    fn encode(&mut self, frame: Frame) -> Result<Frame, EncodeError> {
        let mut pairs = Vec::new();
        for run in frame.payload().chunk_by(|a, b| a == b) {
            for run in run.chunks(usize::from(self.max)) {
                pairs.extend([u8::try_from(run.len()).unwrap(), run[0]]);
            }
        }
        let first = frame.opcode() != OpCode::Continuation;
        let rsv = if first { frame.rsv() | self.rsv } else { frame.rsv() };
        Ok(frame.with_payload(pairs).with_rsv(rsv))
    }
}

impl Negotiate for Runs {
    type Agreed = (Runs, Runs);

    fn name(&self) -> &str {
        "runs"
    }

    fn offers(&self) -> Vec<http::Extension> {
        vec![http::Extension::new("runs").param("max", self.max.to_string())]
    }

    fn answer(&self, offer: &http::Extension) -> Option<http::Extension> {
        let max = max(offer)?.min(self.max);
        Some(http::Extension::new("runs").param("max", max.to_string()))
    }

    fn agree(&self, _: Role, answer: &http::Extension) -> Option<(Runs, Runs)> {
        let max = max(answer).filter(|&max| max <= self.max)?;
        let half = Runs { max, ..self.clone() };
        Some((half.clone(), half))
    }
}

fn max(extension: &http::Extension) -> Option<u8> {
    match extension.params() {
        [(name, Some(value))] if name == "max" => value.parse().ok().filter(|&max| max > 0),
        _ => None,
    }
}

/// `flip`: the bits of a message are inverted. RSV3.
#[derive(Clone, Debug)]
pub(crate) struct Flip {
    active: bool,
}

impl Flip {
    pub(crate) fn new() -> Self {
        Self { active: false }
    }
}

fn flipped(frame: &Frame) -> Bytes {
    frame.payload().iter().map(|byte| !byte).collect()
}

impl Extension for Flip {
    fn rsv(&self) -> Rsv {
        Rsv::RSV3
    }

    fn decode(&mut self, frame: Frame, _: usize) -> Result<(Frame, Option<Frame>), DecodeError> {
        if frame.opcode() != OpCode::Continuation {
            self.active = frame.rsv().contains(Rsv::RSV3);
        }
        if !self.active {
            return Ok((frame, None));
        }
        let (payload, rsv) = (flipped(&frame), frame.rsv().without(Rsv::RSV3));
        Ok((frame.with_payload(payload).with_rsv(rsv), None))
    }

    fn encode(&mut self, frame: Frame) -> Result<Frame, EncodeError> {
        let first = frame.opcode() != OpCode::Continuation;
        let (payload, rsv) = (flipped(&frame), if first { frame.rsv() | Rsv::RSV3 } else { frame.rsv() });
        Ok(frame.with_payload(payload).with_rsv(rsv))
    }
}

impl Negotiate for Flip {
    type Agreed = (Flip, Flip);

    fn name(&self) -> &str {
        "flip"
    }

    fn offers(&self) -> Vec<http::Extension> {
        vec![http::Extension::new("flip")]
    }

    fn answer(&self, offer: &http::Extension) -> Option<http::Extension> {
        offer.params().is_empty().then(|| http::Extension::new("flip"))
    }

    fn agree(&self, _: Role, answer: &http::Extension) -> Option<(Flip, Flip)> {
        answer.params().is_empty().then(|| (Self::new(), Self::new()))
    }
}
