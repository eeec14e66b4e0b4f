//! Times of a wall clock as text (RFC 3339).

use std::time::{Duration, SystemTime};

/// The last second of the year 9999, after which RFC 3339 has no text.
const MAX: Duration = Duration::from_secs(253_402_300_799);

/// Formats a time with microseconds. A time outside the years 1970 to 9999 is replaced by the nearest time inside them.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().min(MAX);
    humantime::format_rfc3339_micros(SystemTime::UNIX_EPOCH + since_epoch).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_every_time() {
        for (time, text) in [
            (SystemTime::UNIX_EPOCH - Duration::from_secs(1), "1970-01-01T00:00:00.000000Z"),
            (SystemTime::UNIX_EPOCH + Duration::from_micros(1_500_000), "1970-01-01T00:00:01.500000Z"),
            (SystemTime::UNIX_EPOCH + MAX * 2, "9999-12-31T23:59:59.000000Z"),
        ] {
            assert_eq!(rfc3339(time), text);
        }
    }
}
