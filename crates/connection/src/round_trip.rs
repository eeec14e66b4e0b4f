use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

/// The time between our last measured Ping and its Pong. Boxed, because many connections send no Ping.
#[derive(Debug)]
pub(crate) struct RoundTrip(Option<Box<LastPing>>);

#[derive(Debug, Default)]
struct LastPing {
    /// The payload, which its Pong repeats. At most 125 bytes.
    payload: Vec<u8>,
    /// The number of unsent bytes up to the end of the Ping.
    unsent: usize,
    /// The time at which the Ping was written. `None` before, and after its Pong.
    written_at: Option<Duration>,
    round_trip: Option<Duration>,
}

impl RoundTrip {
    pub(crate) const fn new() -> Self {
        Self(None)
    }

    /// Notes that a Ping was queued. Its last byte is the last of the `unsent` bytes.
    ///
    /// A Ping is not measured while another one with the same payload has no Pong, because the Pongs cannot be told apart.
    pub(crate) fn note_ping(&mut self, payload: &[u8], unsent: usize) {
        let ping = self.0.get_or_insert_default();
        if (ping.unsent > 0 || ping.written_at.is_some()) && ping.payload == payload {
            return;
        }
        ping.payload.clear();
        ping.payload.extend_from_slice(payload);
        (ping.unsent, ping.written_at) = (unsent, None);
    }

    /// Notes that `len` bytes were written at the time `now`.
    #[inline]
    pub(crate) fn note_written(&mut self, len: usize, now: Duration) {
        if let Some(ping) = &mut self.0
            && ping.unsent > 0
        {
            ping.unsent = ping.unsent.saturating_sub(len);
            if ping.unsent == 0 {
                ping.written_at = Some(now);
            }
        }
    }

    /// Notes a Pong that arrived at the time `now`. A Pong with another payload belongs to an earlier Ping, or is unsolicited.
    pub(crate) fn note_pong(&mut self, payload: &[u8], now: Duration) {
        if let Some(ping) = &mut self.0
            && ping.payload == payload
            && let Some(written_at) = ping.written_at.take()
        {
            ping.round_trip = Some(now.saturating_sub(written_at));
        }
    }

    pub(crate) fn last(&self) -> Option<Duration> {
        self.0.as_ref()?.round_trip
    }
}
