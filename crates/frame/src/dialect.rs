use protocol_websocket_core::Version;

use crate::input::Input;
use crate::length::Length;
use crate::rules::Rules;
use crate::sentinel::Sentinel;
use crate::{DecodeError, Frame};

/// The two ways in which the versions of the protocol mark where a frame ends.
#[derive(Clone, Debug)]
pub(crate) enum Dialect {
    Length(Length),
    Sentinel(Sentinel),
}

impl Dialect {
    pub(crate) fn of(version: Version) -> Self {
        if version.has_length_framing() { Self::Length(Length::default()) } else { Self::Sentinel(Sentinel::default()) }
    }

    /// The same, between two frames.
    pub(crate) fn anew(&self) -> Self {
        match self {
            Self::Length(_) => Self::Length(Length::default()),
            Self::Sentinel(_) => Self::Sentinel(Sentinel::default()),
        }
    }

    #[inline]
    pub(crate) fn decode<I: Input>(
        &mut self,
        rules: &Rules,
        input: &mut I,
    ) -> Result<Option<Frame<I::Payload>>, DecodeError> {
        match self {
            Self::Length(length) => length.decode(rules, input),
            Self::Sentinel(sentinel) => sentinel.decode(rules, input),
        }
    }
}
