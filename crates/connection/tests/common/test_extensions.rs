//! Two small extensions for tests. They share only the traits with `permessage-deflate`.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses only a part, and a failure should panic")]

use protocol_websocket_connection::{
    ExtensionDecoder, ExtensionEncoder, ExtensionPair, ExtensionParams, Frame, Negotiate, Payload, Role, Rsv,
};
use protocol_websocket_frame::{DecodeError, EncodeError, OpCode};

/// `runs; max=N`: run-length encoding. The payload consists of pairs of a count up to `N` and a byte. It uses RSV2.
#[derive(Clone, Debug)]
pub(crate) struct Runs {
    max: u8,
    rsv: Rsv,
    is_active: bool,
    /// A count whose byte has not arrived.
    count: Option<u8>,
    /// The byte of a run that did not fit the room, and how often it is still to be written.
    run: (u8, u8),
}

impl Runs {
    pub(crate) const fn new(max: u8) -> Self {
        Self { max, rsv: Rsv::RSV2, is_active: false, count: None, run: (0, 0) }
    }

    pub(crate) const fn with_rsv(self, rsv: Rsv) -> Self {
        Self { rsv, ..self }
    }

    pub(crate) fn pair(self) -> ExtensionPair {
        ExtensionPair::new(self.clone(), self)
    }
}

impl ExtensionDecoder for Runs {
    fn decode<'a>(
        &mut self,
        frame: Frame<Payload<'a>>,
        room: usize,
    ) -> Result<(Frame<Payload<'a>>, Option<Frame<Payload<'a>>>), DecodeError> {
        if frame.opcode() != OpCode::Continuation {
            self.is_active = frame.rsv().contains(self.rsv);
        }
        if !self.is_active {
            return Ok((frame, None));
        }
        let (mut out, mut used) = (Vec::new(), 0);
        loop {
            let (byte, count) = &mut self.run;
            let fits = (room - out.len()).min(usize::from(*count));
            out.resize(out.len() + fits, *byte);
            *count -= u8::try_from(fits).unwrap();
            if *count > 0 {
                let rest = Payload::from(frame.payload().get(used..).unwrap().to_vec());
                let rest = Frame::lent(OpCode::Continuation, rest).with_fin(frame.fin());
                let rsv = frame.rsv().without(self.rsv);
                return Ok((frame.with_payload(out).with_rsv(rsv).with_fin(false), Some(rest)));
            }
            let Some(&next) = frame.payload().get(used) else { break };
            used += 1;
            match self.count.take() {
                None if next > self.max => return Err(DecodeError::Extension),
                None => self.count = Some(next),
                Some(count) => self.run = (next, count),
            }
        }
        if frame.fin() && self.count.is_some() {
            return Err(DecodeError::Extension);
        }
        let rsv = frame.rsv().without(self.rsv);
        Ok((frame.with_payload(out).with_rsv(rsv), None))
    }
}

impl ExtensionEncoder for Runs {
    fn encode<'a>(&mut self, frame: Frame<Payload<'a>>) -> Result<Frame<Payload<'a>>, EncodeError> {
        let mut pairs = Vec::new();
        for run in frame.payload().chunk_by(|a, b| a == b) {
            for run in run.chunks(usize::from(self.max)) {
                pairs.extend([u8::try_from(run.len()).unwrap(), *run.first().unwrap()]);
            }
        }
        let is_first = frame.opcode() != OpCode::Continuation;
        let rsv = if is_first { frame.rsv() | self.rsv } else { frame.rsv() };
        Ok(frame.with_payload(pairs).with_rsv(rsv))
    }

    fn restart(&mut self) {}
}

impl Negotiate for Runs {
    fn name(&self) -> &str {
        "runs"
    }

    fn rsv(&self) -> Rsv {
        self.rsv
    }

    fn offers(&self) -> Vec<ExtensionParams> {
        vec![ExtensionParams::new("runs").param("max", self.max.to_string())]
    }

    fn respond(&self, offer: &ExtensionParams) -> Option<ExtensionParams> {
        let max = max(offer)?.min(self.max);
        Some(ExtensionParams::new("runs").param("max", max.to_string()))
    }

    fn agree(&self, _: Role, response: &ExtensionParams) -> Option<ExtensionPair> {
        let max = max(response).filter(|&max| max <= self.max)?;
        Some(Self { max, ..self.clone() }.pair())
    }
}

fn max(params: &ExtensionParams) -> Option<u8> {
    match params.params() {
        [(name, Some(value))] if name == "max" => value.parse().ok().filter(|&max| max > 0),
        _ => None,
    }
}

/// `flip`: all bits of a message are inverted. It uses RSV3.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flip {
    is_active: bool,
}

impl Flip {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn pair() -> ExtensionPair {
        ExtensionPair::new(Self::new(), Self::new())
    }
}

fn flip<'a>(frame: Frame<Payload<'a>>, rsv: Rsv) -> Frame<Payload<'a>> {
    let flipped: Vec<u8> = frame.payload().iter().map(|byte| !byte).collect();
    frame.with_payload(flipped).with_rsv(rsv)
}

impl ExtensionDecoder for Flip {
    fn decode<'a>(
        &mut self,
        frame: Frame<Payload<'a>>,
        _: usize,
    ) -> Result<(Frame<Payload<'a>>, Option<Frame<Payload<'a>>>), DecodeError> {
        if frame.opcode() != OpCode::Continuation {
            self.is_active = frame.rsv().contains(Rsv::RSV3);
        }
        if !self.is_active {
            return Ok((frame, None));
        }
        let rsv = frame.rsv().without(Rsv::RSV3);
        Ok((flip(frame, rsv), None))
    }
}

impl ExtensionEncoder for Flip {
    fn encode<'a>(&mut self, frame: Frame<Payload<'a>>) -> Result<Frame<Payload<'a>>, EncodeError> {
        let is_first = frame.opcode() != OpCode::Continuation;
        let rsv = if is_first { frame.rsv() | Rsv::RSV3 } else { frame.rsv() };
        Ok(flip(frame, rsv))
    }

    fn restart(&mut self) {}
}

impl Negotiate for Flip {
    fn name(&self) -> &str {
        "flip"
    }

    fn rsv(&self) -> Rsv {
        Rsv::RSV3
    }

    fn offers(&self) -> Vec<ExtensionParams> {
        vec![ExtensionParams::new("flip")]
    }

    fn respond(&self, offer: &ExtensionParams) -> Option<ExtensionParams> {
        offer.params().is_empty().then(|| ExtensionParams::new("flip"))
    }

    fn agree(&self, _: Role, response: &ExtensionParams) -> Option<ExtensionPair> {
        response.params().is_empty().then(Self::pair)
    }
}
