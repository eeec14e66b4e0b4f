//! Deadlines, by times that the test chooses.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use core::time::Duration;

use bytes::BytesMut;
use common::{client, close_code, masked, receive_all, receive_valid, server, unmasked};
use protocol_websocket_connection::{CloseCode, Config, Connection, Error, State, Timeout, Timeouts};
use protocol_websocket_frame::Frame;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[test]
fn without_timeouts_no_deadline_runs() {
    let mut server = server(&Config::new());
    assert_eq!(server.poll_timeout(), None);
    assert_eq!(server.handle_timeout(secs(1_000_000), &mut BytesMut::new()), Ok(()));
}

#[test]
fn silent_peer_is_pinged_and_then_times_out() {
    let mut server = server(&Config::new().timeouts(Timeouts::RECOMMENDED));
    let mut output = BytesMut::new();
    server.handle_timeout(secs(0), &mut output).unwrap();
    assert_eq!((server.poll_timeout(), output.len()), (Some(secs(20)), 0));
    server.handle_timeout(secs(20), &mut output).unwrap();
    assert_eq!(output[..], *b"\x89\x00");
    output.clear();
    server.handle_timeout(secs(20), &mut output).unwrap();
    assert_eq!(server.handle_timeout(secs(40), &mut output), Err(Error::Timeout(Timeout::Pong)));
    assert_eq!(output[..], *b"\x88\x02\x03\xF3");
    assert_eq!((server.state(), close_code(&server)), (State::Closed, Some(CloseCode::ABNORMAL)));
    assert_eq!(server.poll_timeout(), None);
}

#[test]
fn any_frame_keeps_connection_alive() {
    for frame in [Frame::pong(""), Frame::text("x")] {
        let mut server = server(&Config::new().timeouts(Timeouts::RECOMMENDED));
        let mut output = BytesMut::new();
        server.handle_timeout(secs(0), &mut output).unwrap();
        server.handle_timeout(secs(20), &mut output).unwrap();
        let mut input = masked(frame);
        // One more byte, the beginning of a frame. It arrived with the first frame, so it is not a later arrival.
        input.extend_from_slice(b"\x81");
        assert!(server.receive(&mut input, &mut output).unwrap().is_some());
        server.handle_timeout(secs(40), &mut output).unwrap();
        assert!(server.receive(&mut input, &mut output).unwrap().is_none());
        server.handle_timeout(secs(41), &mut output).unwrap();
        assert_eq!((server.state(), server.poll_timeout()), (State::Open, Some(secs(60))));
    }
}

#[test]
fn bytes_are_an_arrival_only_once() {
    for len in [1, 7] {
        let mut server = server(&Config::new().timeouts(Timeouts::RECOMMENDED));
        let mut input = masked(Frame::text("split")).split_to(len);
        let mut output = BytesMut::new();
        server.handle_timeout(secs(0), &mut output).unwrap();
        let mut end = Ok(());
        for second in 0..60 {
            assert!(server.receive(&mut input, &mut output).unwrap().is_none());
            end = end.and_then(|()| server.handle_timeout(secs(second), &mut output));
            output.clear();
        }
        assert_eq!(end, Err(Error::Timeout(Timeout::Pong)), "{len} bytes of a frame");
    }
}

#[test]
fn handle_timeout_writes_pending_pong() {
    let mut server = server(&Config::new().high_water_mark(0).timeouts(Timeouts::RECOMMENDED));
    let mut output = BytesMut::from(&b"unsent"[..]);
    assert!(server.receive(&mut masked(Frame::ping("p")), &mut output).unwrap().is_some());
    output.clear();
    server.handle_timeout(secs(1), &mut output).unwrap();
    assert_eq!(output[..], *b"\x8a\x01p");
}

#[test]
fn idle_connection_is_closed() {
    let timeouts = Timeouts::NONE.idle(Some(secs(5)));
    let mut client = client(&Config::new().timeouts(timeouts));
    client.handle_timeout(secs(1), &mut BytesMut::new()).unwrap();
    let mut output = BytesMut::new();
    assert_eq!(client.handle_timeout(secs(6), &mut output), Err(Error::Timeout(Timeout::Idle)));
    assert_eq!(output[..], [0x88, 0x82, 7, 7, 7, 7, 0x03 ^ 7, 0xE9 ^ 7]);
}

#[test]
fn missing_close_times_out() {
    let mut server = server(&Config::new().timeouts(Timeouts::RECOMMENDED));
    let mut output = BytesMut::new();
    server.handle_timeout(secs(0), &mut output).unwrap();
    server.close(None, &mut output).unwrap();
    assert_eq!(server.poll_timeout(), Some(secs(0)), "at once, because the state changed");
    output.clear();
    server.handle_timeout(secs(3), &mut output).unwrap();
    // Messages and pings do not move this deadline.
    receive_valid(&mut server, &mut masked(Frame::text("late")));
    assert_eq!(server.poll_timeout(), Some(secs(13)));
    assert_eq!(server.handle_timeout(secs(13), &mut output), Err(Error::Timeout(Timeout::Close)));
    assert_eq!((server.state(), output.len()), (State::Closed, 0));
}

/// An event loop with a connection that has short deadlines. A step takes one second.
struct Loop {
    connection: Connection,
    output: BytesMut,
    now: Duration,
    /// Whether the loop calls `flush` after a write, as the documentation requires.
    flushes: bool,
}

const PING: Duration = secs(3);
const PONG: Duration = secs(2);
const CLOSE: Duration = secs(3);

impl Loop {
    fn new(flushes: bool) -> Self {
        let timeouts = Timeouts::NONE.ping_interval(Some(PING)).pong_timeout(Some(PONG)).close(Some(CLOSE));
        let connection = server(&Config::new().timeouts(timeouts));
        let mut new = Self { connection, output: BytesMut::new(), now: secs(0), flushes };
        new.handle_timeouts().unwrap();
        new
    }

    /// Writes at most `most` bytes of the output. Returns how many were written.
    fn write(&mut self, most: usize) -> usize {
        let written = self.output.split_to(most.min(self.output.len())).len();
        if self.flushes {
            self.connection.flush(&mut self.output);
        }
        written
    }

    /// Calls `handle_timeout` while `poll_timeout` requests event_loop.
    fn handle_timeouts(&mut self) -> Result<(), Error> {
        for _ in 0..4 {
            if self.connection.poll_timeout().is_none_or(|at| at > self.now) {
                return Ok(());
            }
            self.connection.handle_timeout(self.now, &mut self.output)?;
        }
        panic!("poll_timeout requests a call at once again and again");
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Nothing,
    /// A frame of the peer arrives and is received.
    Arrive,
    /// The application sends.
    Send,
    /// Two bytes of the output are written.
    WriteTwo,
    /// All bytes of the output are written.
    Write,
}

/// Every sequence of `length` steps.
fn sequences(steps: [Step; 4], length: u32) -> impl Iterator<Item = Vec<Step>> {
    (0..4_usize.pow(length)).map(move |number| (0..length).map(|at| steps[number / 4_usize.pow(at) % 4]).collect())
}

const MESSAGES: [Step; 4] = [Step::Nothing, Step::Arrive, Step::Send, Step::Write];
const PINGS: [Step; 4] = [Step::Nothing, Step::Arrive, Step::WriteTwo, Step::Write];

/// A ping is sent exactly `PING` after the last byte of the peer. A missing pong times out exactly `PONG` after the ping was
/// written in a loop that calls `flush`, and after at most `2 * PONG` in a loop that does not. It does not time out while
/// the output has bytes.
#[test]
fn pings_are_on_time_and_deadlines_for_pongs_never_early() {
    for (flushes, steps) in [true, false].into_iter().flat_map(|f| sequences(MESSAGES, 8).map(move |steps| (f, steps)))
    {
        let mut event_loop = Loop::new(flushes);
        let (mut heard, mut pinged, mut written, mut empty_since) = (secs(0), None, None, secs(0));
        for (at, step) in steps.iter().enumerate() {
            event_loop.now += secs(1);
            match step {
                Step::Nothing => {}
                Step::Arrive => {
                    event_loop
                        .connection
                        .receive(&mut masked(Frame::text("")), &mut event_loop.output)
                        .unwrap()
                        .unwrap();
                    (heard, pinged, written) = (event_loop.now, None, None);
                }
                Step::Send => event_loop.connection.send("x", &mut event_loop.output).unwrap(),
                Step::WriteTwo | Step::Write => {
                    event_loop.write(usize::MAX);
                    written = written.or(pinged.and(Some(event_loop.now)));
                }
            }
            let before = event_loop.output.len();
            let handled = event_loop.handle_timeouts();
            let steps_so_far = &steps[..=at];
            if handled == Ok(()) && event_loop.output.len() > before {
                assert_eq!(event_loop.now, heard + PING, "ping of {steps_so_far:?}");
                assert_eq!(pinged.replace(event_loop.now), None, "a second ping of {steps_so_far:?}");
            }
            if !event_loop.output.is_empty() {
                empty_since = event_loop.now + secs(1);
            }
            match handled {
                Ok(()) => {
                    assert!(pinged.is_some() || event_loop.now < heard + PING, "no ping of {steps_so_far:?}");
                    let since = written.map(|written: Duration| written.max(empty_since));
                    assert!(
                        since.is_none_or(|since| event_loop.now < since + PONG * if flushes { 1 } else { 2 }),
                        "no timeout: {steps_so_far:?}"
                    );
                }
                Err(error) => {
                    assert_eq!(error, Error::Timeout(Timeout::Pong));
                    let written = written.unwrap_or_else(|| panic!("the ping was not written: {steps_so_far:?}"));
                    assert!(event_loop.now >= written + PONG, "early: {steps_so_far:?}");
                    assert_eq!(before, 0, "timed out with unsent bytes: {steps_so_far:?}");
                    break;
                }
            }
        }
    }
}

/// The deadline for the peer's Close starts when our Close was written. Pings of the peer do not move event_loop.
#[test]
fn close_deadline_runs_from_when_the_close_was_written() {
    for (flushes, steps) in [true, false].into_iter().flat_map(|f| sequences(PINGS, 7).map(move |steps| (f, steps))) {
        let mut event_loop = Loop::new(flushes);
        let mut written = None;
        event_loop.connection.send("x", &mut event_loop.output).unwrap();
        event_loop.connection.close(None, &mut event_loop.output).unwrap();
        let mut unsent = event_loop.output.len();
        event_loop.handle_timeouts().unwrap();
        for (at, step) in steps.iter().enumerate() {
            event_loop.now += secs(1);
            match step {
                Step::Nothing => {}
                // Each ping is answered, so that the output has bytes again.
                Step::Arrive | Step::Send => {
                    event_loop
                        .connection
                        .receive(&mut masked(Frame::ping("x")), &mut event_loop.output)
                        .unwrap()
                        .unwrap();
                }
                Step::WriteTwo | Step::Write => {
                    let most = if *step == Step::Write { usize::MAX } else { 2 };
                    unsent = unsent.saturating_sub(event_loop.write(most));
                    written = written.or((unsent == 0).then_some(event_loop.now));
                }
            }
            let handled = event_loop.handle_timeouts();
            let steps_so_far = &steps[..=at];
            match handled {
                Ok(()) => {
                    let most = CLOSE * if flushes { 1 } else { 2 };
                    assert!(
                        written.is_none_or(|written| event_loop.now < written + most),
                        "no timeout: {steps_so_far:?}"
                    );
                }
                Err(error) => {
                    assert_eq!(error, Error::Timeout(Timeout::Close));
                    let written: Duration = written.unwrap_or_else(|| panic!("not written: {steps_so_far:?}"));
                    assert!(event_loop.now >= written + CLOSE, "early: {steps_so_far:?}");
                    break;
                }
            }
        }
    }
}

/// Closes a connection whose peer reads 1 KiB per second and sends ten pings per second. Returns the time when the Close was
/// written, and the time when the deadline passed. A step takes a tenth of a second. `close` queues the Close.
fn close_to_slow_reader(
    flushes: bool,
    mut connection: Connection,
    close: impl FnOnce(&mut Connection, &mut BytesMut),
) -> (Duration, Result<Duration, State>) {
    let mut output = BytesMut::new();
    connection.handle_timeout(secs(0), &mut output).unwrap();
    connection.send(vec![0; 20_000], &mut output).unwrap();
    close(&mut connection, &mut output);
    let (mut unsent, mut written, mut now) = (output.len(), None, secs(0));
    while now < secs(120) {
        now += Duration::from_millis(100);
        let taken = output.split_to(output.len().min(102)).len();
        if flushes {
            connection.flush(&mut output);
        }
        unsent = unsent.saturating_sub(taken);
        written = written.or((unsent == 0).then_some(now));
        let mut input = masked(Frame::ping(vec![0; 100]));
        while connection.receive(&mut input, &mut output).unwrap().is_some() {}
        assert!(!output.is_empty());
        while connection.poll_timeout().is_some_and(|at| at <= now) {
            if let Err(error) = connection.handle_timeout(now, &mut output) {
                assert_eq!(error, Error::Timeout(Timeout::Close));
                let written = written.unwrap_or_else(|| panic!("timed out before our Close was written"));
                return (written, Ok(now));
            }
        }
    }
    (written.unwrap(), Err(connection.state()))
}

#[test]
fn slow_reader_that_pings_times_out_after_our_close() {
    let close = Frame::close(CloseCode::NORMAL).unwrap();
    for flushes in [true, false] {
        // With the lower high-water marks, pongs are kept while the output is long.
        for high_water_mark in [Config::HIGH_WATER_MARK, 1_000, 0] {
            let new = || server(&Config::new().high_water_mark(high_water_mark).timeouts(Timeouts::RECOMMENDED));
            let ends = [
                close_to_slow_reader(flushes, new(), |server, output| server.close(None, output).unwrap()),
                close_to_slow_reader(flushes, new(), |server, output| server.send_frame(&close, output).unwrap()),
                close_to_slow_reader(flushes, new(), |server, output| {
                    server.close(None, output).unwrap();
                    server.pong("unsolicited", output).unwrap();
                    server.send_frame(&Frame::pong("another one"), output).unwrap();
                }),
            ];
            for (written, end) in ends {
                assert!(written > secs(19), "the message is written before the Close");
                assert_eq!(end, Ok(written + secs(10)), "flush: {flushes}, high-water mark: {high_water_mark}");
            }
        }
    }
}

/// The caller may move the output to a queue, or use another buffer for each call.
#[test]
fn output_that_was_moved_away_counts_as_written() {
    for calls in 0..3 {
        let mut server = server(&Config::new().timeouts(Timeouts::RECOMMENDED));
        server.handle_timeout(secs(0), &mut BytesMut::new()).unwrap();
        server.close(None, &mut BytesMut::from(&b"unsent"[..])).unwrap();
        for _ in 0..calls {
            server.receive(&mut masked(Frame::ping("x")), &mut BytesMut::new()).unwrap();
        }
        server.handle_timeout(secs(1), &mut BytesMut::new()).unwrap();
        // Bytes of another connection in the same output do not move the deadline.
        server.handle_timeout(secs(2), &mut BytesMut::from(&[0; 100][..])).unwrap();
        assert_eq!(server.poll_timeout(), Some(secs(11)));
    }
}

#[test]
fn receive_notes_written_close_before_it_appends_pong() {
    for arrived in [BytesMut::new(), masked(Frame::text("x")), masked(Frame::ping("x"))] {
        let mut server = server(&Config::new().high_water_mark(0).timeouts(Timeouts::RECOMMENDED));
        let mut output = BytesMut::from(&b"unsent"[..]);
        server.handle_timeout(secs(0), &mut output).unwrap();
        server.close(None, &mut output).unwrap();
        server.receive(&mut masked(Frame::ping("kept")), &mut output).unwrap();
        server.handle_timeout(secs(1), &mut output).unwrap();
        assert_eq!(
            server.poll_timeout(),
            Some(secs(11)),
            "the deadline starts again, because the Close is not written"
        );
        output.clear();
        server.receive(&mut { arrived }, &mut output).unwrap();
        assert!(output.starts_with(b"\x8a\x04kept"));
        assert_eq!(server.poll_timeout(), Some(secs(1)), "at once");
        server.handle_timeout(secs(2), &mut output).unwrap();
        assert_eq!(server.poll_timeout(), Some(secs(12)));
    }
}

#[test]
fn slow_peer_does_not_time_out_while_caller_does_not_read() {
    let mut server = server(&Config::new().timeouts(Timeouts::RECOMMENDED));
    let mut output = BytesMut::new();
    server.handle_timeout(secs(0), &mut output).unwrap();
    server.send(vec![0; 100_000], &mut output).unwrap();
    // Each second 1,000 bytes are written. The caller does not read under backpressure.
    let mut second = 0;
    while output.len() > 1_000 {
        second += 1;
        let _ = output.split_to(1_000);
        if server.poll_timeout().unwrap() <= secs(second) {
            server.handle_timeout(secs(second), &mut output).unwrap();
        }
    }
    assert!(second > 40);
    // The rest is written. The pong arrived before, but is read later.
    output.clear();
    server.flush(&mut output);
    server.handle_timeout(secs(second + 19), &mut output).unwrap();
    server.receive(&mut masked(Frame::pong("")), &mut output).unwrap();
    server.handle_timeout(secs(second + 40), &mut output).unwrap();
    assert_eq!(server.state(), State::Open);
}

#[test]
fn arrival_makes_poll_timeout_request_a_call_at_once() {
    let mut server = server(&Config::new().timeouts(Timeouts::RECOMMENDED));
    let mut output = BytesMut::new();
    server.handle_timeout(secs(0), &mut output).unwrap();
    assert_eq!(server.poll_timeout(), Some(secs(20)));
    server.receive(&mut masked(Frame::text("x")), &mut output).unwrap();
    assert!(server.poll_timeout().unwrap() <= secs(1));
    server.handle_timeout(secs(1), &mut output).unwrap();
    assert_eq!(server.poll_timeout(), Some(secs(21)));
    // The beginning of a frame is an arrival without an event.
    server.receive(&mut BytesMut::from(&b"\x81"[..]), &mut output).unwrap();
    server.handle_timeout(secs(2), &mut output).unwrap();
    assert_eq!((server.poll_timeout(), output.len()), (Some(secs(22)), 0));
}

/// The order that the documentation of `handle_timeout` permits, and the case in which it warns of it.
#[test]
fn call_before_the_write_delays_deadline_for_pong() {
    for sends in [false, true] {
        let mut server = server(&Config::new().timeouts(Timeouts::RECOMMENDED));
        let mut output = BytesMut::new();
        let end = (0..200).find_map(|second| {
            if sends {
                server.send("x", &mut output).unwrap();
            }
            let handled = server.handle_timeout(secs(second), &mut output);
            output.clear();
            server.flush(&mut output);
            handled.err().map(|error| (second, error))
        });
        // The ping is written after the call at 20 seconds, and the next call starts the deadline.
        let late = (41, Error::Timeout(Timeout::Pong));
        assert_eq!(end, (!sends).then_some(late), "a program that sends before every call: {sends}");
    }
}

#[test]
fn pings_repeat_without_pong_timeout() {
    for flushes in [true, false] {
        let mut server = server(&Config::new().timeouts(Timeouts::RECOMMENDED.pong_timeout(None)));
        let mut output = BytesMut::new();
        server.handle_timeout(secs(0), &mut output).unwrap();
        for ping in 1..10 {
            let at = secs(20 * ping);
            assert_eq!(server.poll_timeout(), Some(at));
            server.handle_timeout(at, &mut output).unwrap();
            assert_eq!(output[..], *b"\x89\x00");
            output.clear();
            if flushes {
                server.flush(&mut output);
            }
        }
        server.receive(&mut masked(Frame::pong("")), &mut output).unwrap();
        assert!(server.poll_timeout().unwrap() <= secs(181));
        server.handle_timeout(secs(181), &mut output).unwrap();
        assert_eq!(server.poll_timeout(), Some(secs(201)));
    }
}

#[test]
fn pings_are_not_repeated_while_there_are_unsent_bytes() {
    let mut server = server(&Config::new().timeouts(Timeouts::RECOMMENDED.pong_timeout(None)));
    let mut output = BytesMut::new();
    for second in 0..=200 {
        server.handle_timeout(secs(second), &mut output).unwrap();
    }
    assert_eq!(output[..], *b"\x89\x00");
    output.clear();
    server.handle_timeout(secs(220), &mut output).unwrap();
    assert_eq!(output[..], *b"\x89\x00");
}

#[test]
fn missing_end_of_transport_times_out_at_client() {
    let close = Frame::close(CloseCode::NORMAL).unwrap();
    let mut client = client(&Config::new().timeouts(Timeouts::RECOMMENDED));
    let mut output = BytesMut::new();
    client.handle_timeout(secs(0), &mut output).unwrap();
    client.receive(&mut unmasked(close), &mut output).unwrap();
    assert_eq!(client.state(), State::Closed);
    // Our Close is not written yet.
    client.handle_timeout(secs(1), &mut output).unwrap();
    client.handle_timeout(secs(11), &mut output).unwrap();
    output.clear();
    client.flush(&mut output);
    assert!(client.poll_timeout().unwrap() <= secs(12));
    client.handle_timeout(secs(12), &mut output).unwrap();
    assert_eq!(client.poll_timeout(), Some(secs(22)));
    let late = client.handle_timeout(secs(22), &mut output).unwrap_err();
    assert_eq!(late, Error::Timeout(Timeout::Eof));
    assert_eq!(late.to_string(), "timed out waiting for the server to close the transport");
    assert_eq!((client.state(), close_code(&client)), (State::Closed, Some(CloseCode::NORMAL)));
    assert_eq!((client.poll_timeout(), output.len()), (None, 0));
    assert_eq!(client.handle_timeout(secs(99), &mut output), Ok(()), "the error is returned once");
}

#[test]
fn end_of_transport_stops_its_deadline() {
    let mut client = client(&Config::new().timeouts(Timeouts::RECOMMENDED));
    let mut output = BytesMut::new();
    client.receive(&mut unmasked(Frame::close(None).unwrap()), &mut output).unwrap();
    assert!(client.poll_timeout().is_some());
    assert_eq!(client.receive_eof(), Ok(()));
    assert_eq!(client.poll_timeout(), None);
    assert_eq!(client.handle_timeout(secs(99), &mut output), Ok(()));
}

/// A server closes the transport itself, as does a client whose connection failed.
#[test]
fn only_client_after_closing_handshake_awaits_end_of_transport() {
    let config = Config::new().timeouts(Timeouts::RECOMMENDED);
    let mut server = server(&config);
    receive_valid(&mut server, &mut masked(Frame::close(None).unwrap()));
    assert_eq!((server.state(), server.poll_timeout()), (State::Closed, None));

    let mut failed = client(&config);
    assert!(receive_all(&mut failed, &mut masked(Frame::text(""))).1.is_err());
    assert_eq!((failed.state(), failed.poll_timeout()), (State::Closed, None));

    let mut silent = client(&config);
    let mut output = BytesMut::new();
    silent.close(None, &mut output).unwrap();
    output.clear();
    silent.handle_timeout(secs(0), &mut output).unwrap();
    assert_eq!(silent.handle_timeout(secs(10), &mut output), Err(Error::Timeout(Timeout::Close)));
    assert_eq!((silent.state(), silent.poll_timeout()), (State::Closed, None));
}

#[cfg(feature = "server")]
#[test]
fn trickling_handshake_times_out_with_408() {
    let mut server = protocol_websocket_connection::Server::new(Config::new().timeouts(Timeouts::RECOMMENDED));
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    assert_eq!(server.poll_timeout(), Some(secs(0)));
    for second in 0..10 {
        server.handle_timeout(secs(second), &mut output).unwrap();
        input.extend_from_slice(b"G");
        assert!(server.receive(&mut input, &mut output).unwrap().is_none());
    }
    assert_eq!(server.handle_timeout(secs(10), &mut output), Err(Error::Timeout(Timeout::Handshake)));
    assert!(output.starts_with(b"HTTP/1.1 408 "));
    assert_eq!(server.state(), State::Closed);
}
