//! Suspends and resumes an inflater.
//!
//! Between messages its state is the window. Inside a message the decompressor also has a position in a block and the codes of
//! that block, and cannot return them. So a [`Record`] keeps the window before the message and the compressed bytes of the
//! message. The resumed inflater decompresses these bytes again and discards the output, which was returned before.

use protocol_websocket_frame::{DecodeError, Limits, ResumeError, StateReader, StateWriter, SuspendError};

use super::{Inflater, MessageState};
use crate::stream::Stream;

/// The number of decompressed bytes that are discarded at a time.
const DISCARDED_PART: usize = 16 * 1024;

/// The bytes from which the message in progress can be decompressed again.
#[derive(Default)]
pub(super) struct Record {
    /// The window before the message.
    window: Vec<u8>,
    /// The compressed bytes of the message so far.
    compressed: Vec<u8>,
    /// The number of decompressed bytes that were returned.
    returned: u64,
}

impl Inflater {
    /// Begins a record of a message that arrives in several pieces.
    pub(super) fn begin_record(&mut self) -> Result<(), DecodeError> {
        if let Some(stream) = self.stream.take() {
            self.window = stream.into_window()?;
        }
        self.record = Some(Record { window: self.window.clone(), ..Record::default() });
        Ok(())
    }

    /// Adds the bytes that are decompressed next to the record. Drops the record if it becomes too long.
    pub(super) fn record_input(&mut self, input: &[u8]) {
        if let Some(record) = &mut self.record {
            if input.len() > self.max_record.saturating_sub(record.compressed.len()) {
                self.record = None;
            } else {
                record.compressed.extend_from_slice(input);
            }
        }
    }

    /// Notes the number of bytes that were returned, and how many bytes of the last input were not used.
    pub(super) fn record_output(&mut self, returned: usize, unused: usize) {
        if let Some(record) = &mut self.record {
            record.compressed.truncate(record.compressed.len().saturating_sub(unused));
            record.returned = record.returned.saturating_add(returned as u64);
        }
    }

    pub(super) fn write_state(&mut self, state: &mut StateWriter) -> Result<(), SuspendError> {
        if self.message == MessageState::Failed {
            return Err(SuspendError::Failed);
        }
        if self.carry.is_some() {
            return Err(SuspendError::EventsPending);
        }
        if self.message == MessageState::Plain {
            self.free_decompressor();
            if self.message == MessageState::Failed {
                return Err(SuspendError::Failed);
            }
            state.flag(false);
            state.bytes(&self.window);
            return Ok(());
        }
        let Some(record) = &self.record else { return Err(SuspendError::MessageInProgress) };
        state.flag(true);
        state.bytes(&record.window);
        state.bytes(&record.compressed);
        state.number(record.returned);
        Ok(())
    }

    pub(super) fn read_state(&mut self, state: &mut StateReader<'_>, limits: &Limits) -> Result<(), ResumeError> {
        let is_compressed = state.flag()?;
        let size = 1 << self.bits;
        let window = state.bytes(if self.takeover { size as u64 } else { 0 })?.to_vec();
        if !is_compressed {
            self.window = window;
            return Ok(());
        }
        let compressed = state.bytes(self.max_record as u64)?;
        let returned = state.number(limits.max_message)?;
        let mut stream = Stream::new(&window, size).map_err(|_| ResumeError::Invalid)?;
        if discard(&mut stream, compressed, returned)? != returned {
            return Err(ResumeError::Invalid);
        }
        self.stream = Some(stream);
        self.message = MessageState::Compressed;
        self.record = Some(Record { window, compressed: compressed.to_vec(), returned });
        Ok(())
    }
}

/// Decompresses `compressed`, and stops soon after `max` bytes of output. Returns the number of decompressed bytes.
fn discard(stream: &mut Stream, mut compressed: &[u8], max: u64) -> Result<u64, ResumeError> {
    let mut discarded = 0;
    loop {
        let mut output = Vec::with_capacity(DISCARDED_PART);
        stream.inflate(&mut compressed, &mut output, DISCARDED_PART).map_err(|_| ResumeError::Invalid)?;
        discarded += output.len() as u64;
        if output.len() < DISCARDED_PART || discarded > max {
            return Ok(discarded);
        }
    }
}
