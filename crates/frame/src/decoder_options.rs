//! The settings of a decoder, and the checks of a header that depend only on them.

use crate::{DecodeError, Delivery, FrameHeader, Limits, OpCode, Role, Rsv};

/// The settings of a decoder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DecoderOptions {
    pub(crate) mask_policy: MaskPolicy,
    /// Accepts lengths that are not in their shortest form.
    pub(crate) allow_non_minimal_length: bool,
    /// In hybi-00 and hixie-75, skips bytes between two frames up to the next `00`, except an `FF 00` right after a
    /// frame.
    pub(crate) skip_stray_bytes: bool,
    /// The reserved bits that may be set on the first frame of a message.
    pub(crate) allowed_rsv: Rsv,
    pub(crate) delivery: Delivery,
    /// The minimum length in bytes of a part that does not end its frame, at least 1.
    pub(crate) min_part: u16,
    pub(crate) limits: Limits,
}

/// Whether frames must be masked (RFC 6455 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MaskPolicy {
    /// Masked and unmasked frames are accepted.
    Any,
    /// Only unmasked frames are accepted, as at a client.
    Forbidden,
    /// Only masked frames are accepted, as at a server.
    Required,
}

impl MaskPolicy {
    #[inline]
    pub(crate) const fn allows(self, is_masked: bool) -> bool {
        match self {
            Self::Any => true,
            Self::Forbidden => !is_masked,
            Self::Required => is_masked,
        }
    }
}

impl DecoderOptions {
    /// The default of [`min_part`](Self::min_part).
    pub(crate) const MIN_PART: u16 = 4 * 1024;

    /// Returns the default settings of the end with this `role`.
    pub(crate) fn new(role: Role) -> Self {
        let mask_policy = match role {
            Role::Client => MaskPolicy::Forbidden,
            Role::Server => MaskPolicy::Required,
        };
        Self {
            mask_policy,
            allow_non_minimal_length: false,
            skip_stray_bytes: false,
            allowed_rsv: Rsv::NONE,
            delivery: Delivery::Whole,
            min_part: Self::MIN_PART,
            limits: Limits::default(),
        }
    }

    /// Sets the leniency of Perl's `Protocol::WebSocket` 0.26.
    pub(crate) fn perl_compat(self) -> Self {
        Self {
            mask_policy: MaskPolicy::Any,
            allow_non_minimal_length: true,
            skip_stray_bytes: true,
            allowed_rsv: Rsv::RSV1 | Rsv::RSV2 | Rsv::RSV3,
            limits: Limits::PERL,
            ..self
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-10.7
    //# Incoming data MUST always be validated by both clients and servers.
    /// Checks the mask, the reserved bits and the length in a header. These checks do not depend on earlier frames.
    pub(crate) fn check_header(&self, header: &FrameHeader) -> Result<(), DecodeError> {
        match (self.mask_policy, header.mask) {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.1
            //# The server MUST close the connection upon receiving a
            //# frame that is not masked.
            (MaskPolicy::Required, None) => return Err(DecodeError::MaskMissing),
            //= https://www.rfc-editor.org/rfc/rfc6455#section-5.1
            //# A client MUST close a connection if it detects a masked
            //# frame.
            (MaskPolicy::Forbidden, Some(_)) => return Err(DecodeError::MaskUnexpected),
            _ => {}
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
        //# If a nonzero value is received and none of
        //# the negotiated extensions defines the meaning of such a nonzero
        //# value, the receiving endpoint MUST _Fail the WebSocket
        //# Connection_.
        let allowed = match header.opcode {
            OpCode::Text | OpCode::Binary => self.allowed_rsv,
            //= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
            //# An endpoint receiving such a frame MUST _Fail the WebSocket Connection_.
            _ => Rsv::NONE,
        };
        if !allowed.contains(header.rsv) {
            return Err(DecodeError::ReservedBits);
        }
        if header.len > self.limits.max_frame && !header.opcode.is_control() {
            return Err(DecodeError::FrameTooLong);
        }
        Ok(())
    }
}
