//! The delays before reconnections, and the ends of a connection after which a reconnection is useful.
#![allow(clippy::unwrap_used)]

mod common;

use core::time::Duration;

use bytes::BytesMut;
use common::{client, receive_all, server, unmasked};
use proptest::prelude::*;
use protocol_websocket_connection::{Backoff, Close, CloseCode, Config, Ended, Frame, Timeouts};

const SECOND: Duration = Duration::from_secs(1);

fn smallest(bytes: &mut [u8]) {
    bytes.fill(0);
}

fn largest(bytes: &mut [u8]) {
    bytes.fill(0xff);
}

fn delays(backoff: &mut Backoff, mut random: impl FnMut(&mut [u8]) + Send + Sync, count: usize) -> Vec<Duration> {
    (0..count).map_while(|_| backoff.next_delay(&mut random)).collect()
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-7.2.3
#[test]
fn first_delay_is_between_zero_and_five_seconds() {
    assert_eq!(Backoff::new().next_delay(&mut smallest), Some(Duration::ZERO));
    assert_eq!(Backoff::new().next_delay(&mut largest), Some(5 * SECOND));
    assert_eq!(Backoff::default().next_delay(&mut |half: &mut [u8]| half.fill(0x80)).unwrap().as_millis(), 2509);
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-7.2.3
#[test]
fn limit_of_the_delays_doubles_up_to_the_maximum() {
    let seconds = [5, 10, 20, 40, 80, 120, 120, 120].map(Duration::from_secs);
    assert_eq!(delays(&mut Backoff::new(), largest, 8), seconds);
    // Jitter is full: the shortest delay is always zero.
    assert_eq!(delays(&mut Backoff::new(), smallest, 8), [Duration::ZERO; 8]);
}

#[test]
fn limits_can_be_set_in_any_order() {
    for mut backoff in [Backoff::new().first(SECOND).max(3 * SECOND), Backoff::new().max(3 * SECOND).first(SECOND)] {
        assert_eq!(delays(&mut backoff, largest, 4), [1, 2, 3, 3].map(Duration::from_secs));
    }
    assert_eq!(delays(&mut Backoff::new().max(SECOND), largest, 3), [SECOND; 3], "the first limit is over the maximum");
    assert_eq!(delays(&mut Backoff::new().first(Duration::ZERO), largest, 100), [Duration::ZERO; 100]);
    let mut unlimited = Backoff::new().first(Duration::from_nanos(1)).max(Duration::MAX);
    let last = delays(&mut unlimited, largest, 100).pop();
    assert_eq!(last, Some(Duration::from_nanos(u64::MAX)));
}

#[test]
fn attempts_are_counted_and_can_be_limited() {
    let mut backoff = Backoff::new().max_attempts(2);
    assert_eq!(backoff.attempts(), 0);
    assert_eq!(delays(&mut backoff, largest, 9).len(), 2);
    assert_eq!((backoff.attempts(), backoff.next_delay(&mut largest)), (2, None));
    assert_eq!(Backoff::new().max_attempts(0).next_delay(&mut largest), None);
    let mut unlimited = backoff.max_attempts(None);
    assert_eq!(delays(&mut unlimited, largest, 2), [20 * SECOND, 40 * SECOND]);
}

#[test]
fn reset_begins_again() {
    let mut backoff = Backoff::new().max_attempts(3);
    delays(&mut backoff, largest, 3);
    backoff.reset();
    assert_eq!((backoff.attempts(), delays(&mut backoff, largest, 9).len()), (0, 3));
    backoff.reset();
    assert_eq!(backoff.next_delay(&mut largest), Some(5 * SECOND));
}

proptest! {
    #[test]
    fn delay_is_the_share_of_the_limit_that_the_random_bytes_are(bytes: [u8; 8], millis in 0..100_000_u64) {
        let limit = Duration::from_millis(millis);
        let mut random = |target: &mut [u8]| target.copy_from_slice(&bytes);
        let delay = Backoff::new().first(limit).next_delay(&mut random).unwrap();
        let share = u64::from_le_bytes(bytes) as f64 / 2_f64.powi(64);
        prop_assert!(delay <= limit);
        prop_assert!((delay.as_secs_f64() - limit.as_secs_f64() * share).abs() < 1e-6);
    }
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-7.2.3
#[test]
fn close_codes_of_temporary_conditions_are_known() {
    let temporary: Vec<u16> = (0..=u16::MAX).filter(|&code| CloseCode(code).is_temporary()).collect();
    assert_eq!(temporary, [1001, 1006, 1011, 1012, 1013, 1014, 3008]);
}

fn closed_by_peer(close: impl Into<Option<Close>>) -> Ended {
    let mut client = client(&Config::new());
    receive_all(&mut client, &mut unmasked(Frame::close(close).unwrap())).1.unwrap();
    client.ended().unwrap().clone()
}

#[test]
fn peers_close_code_decides_whether_an_end_is_temporary() {
    for code in (0..=u16::MAX).map(CloseCode).filter(|code| code.is_sendable()) {
        assert_eq!(closed_by_peer(code).is_temporary(), code.is_temporary(), "{code}");
    }
    assert!(!closed_by_peer(None).is_temporary());
}

#[test]
fn own_close_is_not_temporary() {
    let mut client = client(&Config::new());
    client.close(CloseCode::GOING_AWAY, &mut BytesMut::new()).unwrap();
    receive_all(&mut client, &mut unmasked(Frame::close(Close::from(CloseCode::GOING_AWAY)).unwrap())).1.unwrap();
    assert!(!client.ended().unwrap().is_temporary());
}

#[test]
fn lost_connection_is_temporary() {
    let mut client = client(&Config::new());
    let _ = client.receive_eof();
    assert!(client.ended().unwrap().is_temporary());
}

#[test]
fn broken_rule_of_the_protocol_is_not_temporary() {
    let mut server = server(&Config::new());
    let _ = server.receive(&mut BytesMut::from(&b"\x81\x02hi"[..]), &mut BytesMut::new());
    assert!(!server.ended().unwrap().is_temporary());
}

#[test]
fn deadline_is_temporary_unless_it_is_that_of_the_own_close() {
    let mut output = BytesMut::new();
    for (timeouts, closes) in [(Timeouts::NONE.idle(Some(SECOND)), false), (Timeouts::NONE.close(Some(SECOND)), true)] {
        let mut client = client(&Config::new().timeouts(timeouts));
        client.handle_timeout(Duration::ZERO, &mut output).unwrap();
        if closes {
            client.close(None, &mut output).unwrap();
            output.clear();
            client.handle_timeout(Duration::ZERO, &mut output).unwrap();
        }
        client.handle_timeout(SECOND, &mut output).unwrap_err();
        assert_eq!(client.ended().unwrap().is_temporary(), !closes);
    }
}

#[cfg(feature = "client")]
#[test]
fn refused_handshake_is_not_temporary_without_its_status() {
    use protocol_websocket_connection::{Client, Destination, Offer};

    for response in ["HTTP/1.1 503 Service Unavailable\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "SSH-2.0-OpenSSH\r\n\r\n"] {
        let destination = Destination::new("example.com", "/");
        let mut client =
            Client::connect(destination, &Offer::new(), Config::new(), smallest, &mut BytesMut::new()).unwrap();
        let _ = client.receive(&mut BytesMut::from(response), &mut BytesMut::new());
        assert!(!client.ended().unwrap().is_temporary(), "{response}");
    }
}
