//! Suspends and resumes the extensions of a direction. Each has a byte string of its own.

use protocol_websocket_frame::{Limits, ResumeError, StateReader, StateWriter, SuspendError};

use super::{Decoders, Encoders};

impl Decoders {
    pub(crate) fn suspend(&mut self, state: &mut StateWriter) -> Result<(), SuspendError> {
        write(self.slots().iter_mut(), state, |slot, state| slot.decoder.suspend(state))
    }

    /// Reads the states into new decoders.
    pub(crate) fn resume_from(&mut self, state: &mut StateReader<'_>, limits: &Limits) -> Result<(), ResumeError> {
        if let Some(decoders) = &mut self.0 {
            // A resumed decoder may have memory that can be released.
            decoders.idle.note_use();
        }
        read(self.slots().iter_mut(), state, |slot, state| slot.decoder.resume(state, limits))
    }
}

impl Encoders {
    pub(crate) fn suspend(&mut self, state: &mut StateWriter) -> Result<(), SuspendError> {
        write(self.slots().iter_mut(), state, |encoder, state| encoder.suspend(state))
    }

    /// Reads the states into new encoders.
    pub(crate) fn resume_from(&mut self, state: &mut StateReader<'_>) -> Result<(), ResumeError> {
        read(self.slots().iter_mut(), state, |encoder, state| encoder.resume(state))
    }

    /// Returns the number of extensions.
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |encoders| encoders.slots.len())
    }
}

fn write<T>(
    extensions: impl ExactSizeIterator<Item = T>,
    state: &mut StateWriter,
    suspend: impl Fn(T, &mut StateWriter) -> Result<(), SuspendError>,
) -> Result<(), SuspendError> {
    state.number(extensions.len() as u64);
    for extension in extensions {
        let mut own = StateWriter::new();
        suspend(extension, &mut own)?;
        state.bytes(&own.into_bytes());
    }
    Ok(())
}

fn read<T>(
    extensions: impl ExactSizeIterator<Item = T>,
    state: &mut StateReader<'_>,
    resume: impl Fn(T, &mut StateReader<'_>) -> Result<(), ResumeError>,
) -> Result<(), ResumeError> {
    if state.number(u64::MAX)? != extensions.len() as u64 {
        return Err(ResumeError::ExtensionMismatch);
    }
    for extension in extensions {
        // A slice of the input, so no memory is allocated here. The extension checks the lengths inside.
        let mut own = StateReader::new(state.bytes(u64::MAX)?);
        resume(extension, &mut own)?;
        own.finish()?;
    }
    Ok(())
}
