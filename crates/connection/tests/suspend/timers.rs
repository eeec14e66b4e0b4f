//! The timers continue with the clock of the other process, which may begin at any value. A deadline is never early.

use std::time::Duration;

use bytes::BytesMut;
use protocol_websocket_connection::{Config, Connection, Error, Event, Frame, Role, Timeout, Timeouts, Version};

use super::common::masked;
use super::{hand_over, open};

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// The times of the clock of the other process: at its start, after about the same time, and after a month.
const CLOCKS: [Duration; 3] = [secs(0), secs(1000), secs(2_600_000)];

fn server(timeouts: Timeouts) -> Connection {
    open(Role::Server, Version::Rfc6455, &Config::new().timeouts(timeouts))
}

/// Returns the number of seconds from the hand-over until an event loop handles a deadline.
fn run(connection: &mut Connection, clock: Duration) -> (u64, Error) {
    let mut output = BytesMut::new();
    for second in 0..10_000 {
        output.clear();
        connection.flush(&mut output);
        let now = clock + secs(second);
        while connection.poll_timeout().is_some_and(|at| at <= now) {
            if let Err(error) = connection.handle_timeout(now, &mut output) {
                return (second, error);
            }
            output.clear();
            connection.flush(&mut output);
        }
    }
    panic!("no deadline passed");
}

#[test]
fn silence_counts_across_a_hand_over() {
    for clock in CLOCKS {
        let (mut server, mut output) = (server(Timeouts::NONE.idle(Some(secs(300)))), BytesMut::new());
        server.handle_timeout(secs(1000), &mut output).unwrap();
        server.handle_timeout(secs(1100), &mut output).unwrap();
        let (second, error) = run(&mut hand_over(&mut server), clock);
        assert_eq!(error, Error::Timeout(Timeout::Idle));
        // A clock that begins at zero has no time before the hand-over.
        assert_eq!(second, if clock.is_zero() { 300 } else { 200 }, "{clock:?}");
    }
}

#[test]
fn pong_that_is_missing_is_missing_after_a_hand_over() {
    for clock in CLOCKS {
        let (mut server, mut output) = (server(Timeouts::RECOMMENDED), BytesMut::new());
        server.handle_timeout(secs(1000), &mut output).unwrap();
        server.handle_timeout(secs(1020), &mut output).unwrap();
        assert_eq!(output[..], *b"\x89\x00");
        output.clear();
        server.flush(&mut output);
        server.handle_timeout(secs(1025), &mut output).unwrap();
        server.handle_timeout(secs(1030), &mut output).unwrap();
        let (second, error) = run(&mut hand_over(&mut server), clock);
        assert_eq!(error, Error::Timeout(Timeout::Pong));
        assert!((15..=20).contains(&second), "{second} {clock:?}");
    }
}

#[test]
fn byte_that_arrived_counts_after_a_hand_over() {
    for clock in CLOCKS {
        let (mut server, mut output) = (server(Timeouts::NONE.idle(Some(secs(300)))), BytesMut::new());
        server.handle_timeout(secs(0), &mut output).unwrap();
        server.handle_timeout(secs(299), &mut output).unwrap();
        let event = server.receive(&mut masked(Frame::text("hi")), &mut output);
        assert_eq!(event, Ok(Some(Event::Message("hi".into()))));
        let (second, error) = run(&mut hand_over(&mut server), clock);
        assert_eq!((second, error), (300, Error::Timeout(Timeout::Idle)), "{clock:?}");
    }
}

#[test]
fn deadline_for_a_close_starts_again() {
    for clock in CLOCKS {
        let (mut server, mut output) = (server(Timeouts::RECOMMENDED), BytesMut::new());
        server.handle_timeout(secs(1000), &mut output).unwrap();
        server.close(None, &mut output).unwrap();
        output.clear();
        server.flush(&mut output);
        server.handle_timeout(secs(1000), &mut output).unwrap();
        server.handle_timeout(secs(1009), &mut output).unwrap();
        let (second, error) = run(&mut hand_over(&mut server), clock);
        assert_eq!((second, error), (10, Error::Timeout(Timeout::Close)), "{clock:?}");
    }
}

#[test]
fn timers_follow_the_configuration_that_resumes() {
    let (mut server, mut output) = (server(Timeouts::RECOMMENDED), BytesMut::new());
    server.handle_timeout(secs(0), &mut output).unwrap();
    server.close(None, &mut output).unwrap();
    let state = server.suspend().unwrap();
    let resumed = Connection::resume_server(state.as_bytes(), Config::new()).unwrap();
    assert_eq!(resumed.poll_timeout(), None);

    let mut without = open(Role::Server, Version::Rfc6455, &Config::new());
    let state = without.suspend().unwrap();
    let config = Config::new().timeouts(Timeouts::NONE.idle(Some(secs(5))));
    let mut resumed = Connection::resume_server(state.as_bytes(), config).unwrap();
    assert_eq!(run(&mut resumed, secs(7)), (5, Error::Timeout(Timeout::Idle)));
}
