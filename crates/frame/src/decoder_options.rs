use crate::{DecodeError, Decoder, Delivery, FrameHeader, Limits, OpCode, Role, Rsv};

/// The settings of a decoder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DecoderOptions {
    pub(crate) mask_policy: MaskPolicy,
    /// Accepts lengths that are not in their shortest form.
    pub(crate) allow_non_minimal_length: bool,
    /// In hybi-00 and hixie-75, skips to the next `00` or Close where no frame begins.
    pub(crate) skip_stray_bytes: bool,
    /// The reserved bits that may be set on the first frame of a message.
    pub(crate) allowed_rsv: Rsv,
    pub(crate) delivery: Delivery,
    /// The least length of a part that does not end its frame, at least 1.
    pub(crate) min_part: u16,
    pub(crate) limits: Limits,
}

/// Which frames are accepted, by their mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MaskPolicy {
    Any,
    Forbidden,
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
    /// The settings for what arrives at `role`.
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
            min_part: Decoder::MIN_PART,
            limits: Limits::default(),
        }
    }

    /// The leniency of Perl's `Protocol::WebSocket` 0.26, in one place.
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
    /// Checks a header as far as this does not depend on earlier frames.
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
