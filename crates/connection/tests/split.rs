//! A connection that was split into two halves: replies, deadlines, state and end.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;
#[path = "common/counted.rs"]
mod counted;

use core::time::Duration;

use bytes::BytesMut;
use common::{client, masked, server, text_part, unmasked};
use counted::Counted;
use protocol_websocket_connection::{
    Close, CloseCode, Config, Connection, Ended, EndedBy, Error, Event, ExtensionPair, Frame, Negotiated, ReceiveHalf,
    Reply, Rsv, SendError, SendHalf, State, Timeout, Timeouts, Version,
};
use protocol_websocket_frame::DecodeError;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Receives the next event, and passes its reply to the sending half.
fn receive(
    receiver: &mut ReceiveHalf,
    sender: &mut SendHalf,
    input: &mut BytesMut,
    output: &mut BytesMut,
) -> Result<Option<Event>, Error> {
    let received = receiver.receive(input);
    let reply = match &received {
        Ok(event) => event.as_ref().and_then(Event::reply),
        Err(error) => error.reply(),
    };
    if let Some(reply) = reply {
        sender.reply(reply, output);
    }
    received
}

#[test]
fn sending_half_of_client_masks_pong() {
    let (mut receiver, mut sender) = client(&Config::new()).split();
    let mut output = BytesMut::new();
    sender.flush(&mut output);
    assert!(output.is_empty());
    let event = receive(&mut receiver, &mut sender, &mut unmasked(Frame::ping("1")), &mut output).unwrap();
    assert_eq!(event, Some(Event::Ping("1".into())));
    assert_eq!(output, masked(Frame::pong("1")));
}

#[test]
fn pong_is_written_between_two_parts_of_a_message() {
    let (mut receiver, mut sender) = server(&Config::new()).split();
    let mut output = BytesMut::new();
    sender.send_part(text_part("x", true, false), &mut output).unwrap();
    receive(&mut receiver, &mut sender, &mut masked(Frame::ping("p")), &mut output).unwrap();
    sender.send_part(text_part("x", false, true), &mut output).unwrap();
    assert_eq!(output[..], *b"\x01\x01x\x8a\x01p\x80\x01x");
}

#[test]
fn reply_to_peers_close_ends_sending() {
    let (mut receiver, mut sender) = server(&Config::new()).split();
    let close = Close::new(4000, "bye");
    let mut output = BytesMut::new();
    let wire = || masked(Frame::close(&close).unwrap());
    let event = receiver.receive(&mut wire()).unwrap().unwrap();
    assert_eq!(event, Event::Close(Some(close.clone())));
    assert!(!sender.is_closed(), "the reply is not written yet");
    assert_eq!(State::of(&receiver, &sender), State::Closing);
    sender.reply(event.reply().unwrap(), &mut output);
    assert_eq!(output, unmasked(Frame::close(&close).unwrap()));
    assert!(sender.is_closed());
    assert_eq!(State::of(&receiver, &sender), State::Closed);
    assert_eq!(sender.send("too late", &mut output), Err(SendError::Closed));
    assert_eq!(sender.pong("too late", &mut output), Err(SendError::Closed));
    let ended = Ended::of(&receiver, &sender).unwrap();
    assert_eq!((ended.by, ended.code, ended.reason.as_str(), ended.clean), (EndedBy::Peer, close.code, "bye", true));
    assert_eq!(receiver.receive_eof(sender.is_closed()).map(drop), Ok(()));
}

#[test]
fn ended_records_that_our_close_was_first() {
    let (mut receiver, mut sender) = server(&Config::new()).split();
    let mut output = BytesMut::new();
    sender.close(Close::new(1000, ""), &mut output).unwrap();
    assert_eq!((State::of(&receiver, &sender), Ended::of(&receiver, &sender)), (State::Closing, None));
    receive(&mut receiver, &mut sender, &mut masked(Frame::ping("p")), &mut output).unwrap();
    receive(&mut receiver, &mut sender, &mut masked(Frame::close(None).unwrap()), &mut output).unwrap();
    assert_eq!(output[..], *b"\x88\x02\x03\xe8\x8a\x01p", "one Close");
    assert_eq!(State::of(&receiver, &sender), State::Closed);
    let ended = Ended::of(&receiver, &sender).unwrap();
    assert_eq!((ended.by, ended.code, ended.clean), (EndedBy::Us, CloseCode::NO_STATUS, true));
}

/// A function of an application that returns early with `?`. The reply is computed from the error, so it is not lost.
fn read_all(receiver: &mut ReceiveHalf, input: &mut BytesMut) -> Result<usize, Error> {
    let mut count = 0;
    while receiver.receive(input)?.is_some() {
        count += 1;
    }
    Ok(count)
}

#[test]
fn reply_is_computed_from_error_after_early_return() {
    let (mut receiver, mut sender) = server(&Config::new()).split();
    let mut input = masked(Frame::text("valid"));
    input.unsplit(unmasked(Frame::text("not masked")));
    let error = read_all(&mut receiver, &mut input).unwrap_err();
    assert_eq!(error, Error::Decode(DecodeError::MaskMissing));
    let mut output = BytesMut::new();
    sender.reply(error.reply().unwrap(), &mut output);
    assert_eq!(output[..], *b"\x88\x02\x03\xEA");
    assert_eq!(Ended::of(&receiver, &sender).unwrap().error, Some(error));
    // The error is returned again, and its Close is written once.
    assert_eq!(receive(&mut receiver, &mut sender, &mut BytesMut::new(), &mut output), Err(error));
    assert_eq!(output.len(), 4);
}

#[test]
fn lent_events_have_the_same_replies() {
    let (mut receiver, mut sender) = server(&Config::new()).split();
    let mut wire = masked(Frame::ping("p"));
    wire.unsplit(masked(Frame::text("hi")));
    wire.unsplit(masked(Frame::close(Close::new(1001, "x")).unwrap()));
    let (mut input, mut output) = (&mut wire[..], BytesMut::new());
    let mut replies = 0;
    while let Some(event) = receiver.receive_lent(&mut input).unwrap() {
        if let Some(reply) = event.reply() {
            replies += 1;
            sender.reply(reply, &mut output);
        }
    }
    assert_eq!((replies, &output[..]), (2, &b"\x8a\x01p\x88\x03\x03\xe9x"[..]));
    assert!(input.is_empty());
}

#[test]
fn messages_and_pongs_have_no_reply() {
    let (mut receiver, _) = server(&Config::new()).split();
    for frame in [Frame::text("hi"), Frame::pong("p")] {
        let event = receiver.receive(&mut masked(frame)).unwrap().unwrap();
        assert_eq!(event.reply(), None);
    }
}

#[test]
fn latest_pong_is_kept_over_the_high_water_mark() {
    let (mut receiver, mut sender) = server(&Config::new().high_water_mark(0)).split();
    let mut output = BytesMut::from(&b"unsent"[..]);
    for payload in ["1", "2"] {
        receive(&mut receiver, &mut sender, &mut masked(Frame::ping(payload)), &mut output).unwrap();
    }
    assert_eq!(output[..], *b"unsent");
    output.clear();
    sender.flush(&mut output);
    sender.flush(&mut output);
    assert_eq!(output[..], *b"\x8a\x012", "the latest, once");
}

#[test]
fn every_method_writes_the_pending_pong_first() {
    type Send = fn(&mut SendHalf, &mut BytesMut);
    let sends: [Send; 6] = [
        |sender, output| sender.send("x", output).unwrap(),
        |sender, output| drop(sender.send_shared("x", output).unwrap()),
        |sender, output| sender.send_part(text_part("x", true, true), output).unwrap(),
        |sender, output| sender.send_frame(&Frame::binary("x"), output).unwrap(),
        |sender, output| sender.ping("x", output).unwrap(),
        |sender, output| sender.close(None, output).unwrap(),
    ];
    for send in sends {
        // The pong is kept before the split.
        let mut server = server(&Config::new().high_water_mark(0));
        let mut output = BytesMut::from(&b"unsent"[..]);
        server.receive(&mut masked(Frame::ping("p")), &mut output).unwrap();
        let (_, mut sender) = server.split();
        output.clear();
        send(&mut sender, &mut output);
        assert!(output.starts_with(b"\x8a\x01p") && output.len() > 3, "{output:02x?}");
    }
}

#[test]
fn end_of_transport_ends_both_halves() {
    let (mut receiver, mut sender) = server(&Config::new()).split();
    let error = receiver.receive_eof(sender.is_closed()).unwrap_err();
    assert_eq!(error, Error::UnexpectedEof);
    let mut output = BytesMut::new();
    sender.reply(error.reply().unwrap(), &mut output);
    let reply = receiver.receive_eof(sender.is_closed()).unwrap();
    sender.reply(reply, &mut output);
    assert_eq!(sender.send("x", &mut output), Err(SendError::Closed));
    assert!(sender.is_closed() && output.is_empty());
    assert_eq!(State::of(&receiver, &sender), State::Closed);
    let ended = Ended::of(&receiver, &sender).unwrap();
    assert_eq!((ended.by, ended.code, ended.clean), (EndedBy::Transport, CloseCode::ABNORMAL, false));
}

/// Servers of hybi-00 close the transport instead of sending a Close.
#[test]
fn end_of_stream_after_our_close_is_clean_in_the_oldest_versions() {
    for (version, is_clean) in [(Version::Hixie75, true), (Version::Hybi00, true), (Version::Hybi10, false)] {
        let new = || Connection::open_server(&Negotiated::default().version(version), Config::new());
        let mut closed_before = new();
        closed_before.close(None, &mut BytesMut::new()).unwrap();
        let mut closed_after = new().split();
        closed_after.1.close(None, &mut BytesMut::new()).unwrap();
        for (mut receiver, sender) in [closed_before.split(), closed_after] {
            let end = receiver.receive_eof(sender.is_closed());
            assert_eq!(end.is_ok(), is_clean, "{version}");
            let ended = Ended::of(&receiver, &sender).unwrap();
            let (by, code) =
                if is_clean { (EndedBy::Us, CloseCode::NO_STATUS) } else { (EndedBy::Transport, CloseCode::ABNORMAL) };
            assert_eq!((ended.by, ended.code, ended.clean), (by, code, is_clean), "{version}");
        }
        let (mut receiver, sender) = new().split();
        assert_eq!(receiver.receive_eof(sender.is_closed()), Err(Error::UnexpectedEof), "before our Close");
    }
}

#[test]
fn receiver_sends_pings_and_times_out() {
    let config = Config::new().timeouts(Timeouts::RECOMMENDED);
    let (mut receiver, mut sender) = server(&config).split();
    let mut output = BytesMut::new();
    assert_eq!((receiver.poll_timeout(), sender.poll_timeout()), (Some(secs(0)), None));
    assert_eq!(receiver.handle_timeout(secs(0), 0), Ok(None));
    receive(&mut receiver, &mut sender, &mut masked(Frame::text("x")), &mut output).unwrap();
    assert_eq!(receiver.handle_timeout(secs(5), 0), Ok(None));
    assert_eq!(receiver.poll_timeout(), Some(secs(25)));
    let ping = receiver.handle_timeout(secs(25), 0).unwrap().unwrap();
    sender.reply(ping, &mut output);
    assert_eq!(output[..], *b"\x89\x00");
    // The deadline for the pong starts when the ping was written.
    assert_eq!(receiver.handle_timeout(secs(30), output.len()), Ok(None));
    output.clear();
    assert_eq!(receiver.handle_timeout(secs(31), output.len()), Ok(None));
    assert_eq!(receiver.poll_timeout(), Some(secs(51)));
    let error = receiver.handle_timeout(secs(51), output.len()).unwrap_err();
    assert_eq!(error, Error::Timeout(Timeout::Pong));
    sender.reply(error.reply().unwrap(), &mut output);
    assert_eq!(output[..], *b"\x88\x02\x03\xF3");
    assert_eq!((State::of(&receiver, &sender), receiver.poll_timeout()), (State::Closed, None));
    let ended = Ended::of(&receiver, &sender).unwrap();
    assert_eq!((ended.by, ended.error, ended.clean), (EndedBy::Timeout, Some(error), false));
    assert_eq!(receiver.handle_timeout(secs(99), 0), Ok(None), "the error is returned once");
}

#[test]
fn idle_peer_gets_going_away() {
    let (mut receiver, mut sender) = server(&Config::new().timeouts(Timeouts::NONE.idle(Some(secs(5))))).split();
    assert_eq!(receiver.handle_timeout(secs(0), 0), Ok(None));
    let error = receiver.handle_timeout(secs(5), 0).unwrap_err();
    let mut output = BytesMut::new();
    sender.reply(error.reply().unwrap(), &mut output);
    assert_eq!((error, &output[..]), (Error::Timeout(Timeout::Idle), &b"\x88\x02\x03\xE9"[..]));
}

#[test]
fn sender_times_out_without_the_peers_close() {
    let (receiver, mut sender) = server(&Config::new().timeouts(Timeouts::RECOMMENDED)).split();
    let mut output = BytesMut::from(&b"unsent"[..]);
    sender.close(None, &mut output).unwrap();
    assert_eq!(sender.handle_timeout(secs(0), &mut output), Ok(()));
    assert_eq!(sender.handle_timeout(secs(5), &mut output), Ok(()));
    output.clear();
    sender.flush(&mut output);
    assert_eq!(sender.poll_timeout(), Some(secs(5)), "at once");
    assert_eq!(sender.handle_timeout(secs(6), &mut output), Ok(()));
    assert_eq!((sender.poll_timeout(), State::of(&receiver, &sender)), (Some(secs(16)), State::Closing));
    let late = Error::Timeout(Timeout::Close);
    assert_eq!(sender.handle_timeout(secs(16), &mut output), Err(late));
    assert!(output.is_empty());
    assert_eq!((late.reply(), sender.poll_timeout(), State::of(&receiver, &sender)), (None, None, State::Closed));
    let ended = Ended::of(&receiver, &sender).unwrap();
    assert_eq!((ended.by, ended.error, ended.clean), (EndedBy::Timeout, Some(late), false));
}

const LATE: Error = Error::Timeout(Timeout::Close);

/// Returns the halves of a server whose Close was written, and whose peer's Close did not arrive in time.
fn timed_out_close() -> (ReceiveHalf, SendHalf, BytesMut) {
    let (receiver, mut sender) = server(&Config::new().timeouts(Timeouts::RECOMMENDED)).split();
    let mut output = BytesMut::new();
    sender.close(None, &mut output).unwrap();
    output.clear();
    assert_eq!(sender.handle_timeout(secs(0), &mut output), Ok(()));
    assert_eq!(sender.handle_timeout(secs(10), &mut output), Err(LATE));
    (receiver, sender, output)
}

/// The caller closes the transport after the timeout, and passes that on, too.
#[test]
fn end_of_transport_does_not_replace_the_timeout_of_the_sender() {
    let (receiver, mut sender, mut output) = timed_out_close();
    sender.reply(Error::UnexpectedEof.reply().unwrap(), &mut output);
    let ended = Ended::of(&receiver, &sender).unwrap();
    assert_eq!((ended.by, ended.error, output.len()), (EndedBy::Timeout, Some(LATE), 0));
}

#[test]
fn late_end_of_the_stream_replaces_the_timeout_of_the_sender() {
    for (version, by, error) in [
        (Version::Rfc6455, EndedBy::Transport, Some(Error::UnexpectedEof)),
        (Version::Hybi00, EndedBy::Us, None),
        (Version::Hixie75, EndedBy::Us, None),
    ] {
        let negotiated = Negotiated::new().version(version);
        let config = Config::new().timeouts(Timeouts::RECOMMENDED);
        let (mut receiver, mut sender) = Connection::open_server(&negotiated, config).split();
        let mut output = BytesMut::new();
        sender.close(None, &mut output).unwrap();
        output.clear();
        assert_eq!(sender.handle_timeout(secs(0), &mut output), Ok(()));
        assert_eq!(sender.handle_timeout(secs(10), &mut output), Err(LATE));
        assert_eq!(receiver.receive_eof(sender.is_closed()).err(), error);
        let ended = Ended::of(&receiver, &sender).unwrap();
        assert_eq!((ended.by, ended.error, ended.clean), (by, error, error.is_none()), "{version}");
    }
}

#[test]
fn late_close_replaces_the_timeout_of_the_sender() {
    let (mut receiver, mut sender, mut output) = timed_out_close();
    assert_eq!(
        Ended::of(&receiver, &sender).map(|ended| (ended.by, ended.error)),
        Some((EndedBy::Timeout, Some(LATE)))
    );
    let mut close = masked(Frame::close(Close::new(1000, "")).unwrap());
    receive(&mut receiver, &mut sender, &mut close, &mut output).unwrap();
    let ended = Ended::of(&receiver, &sender).unwrap();
    assert_eq!((ended.by, ended.code, ended.error, ended.clean), (EndedBy::Us, CloseCode::NORMAL, None, true));
    assert_eq!((State::of(&receiver, &sender), output.len()), (State::Closed, 0));
}

#[test]
fn client_awaits_the_end_of_the_transport() {
    let config = Config::new().timeouts(Timeouts::RECOMMENDED);
    let close = || unmasked(Frame::close(None).unwrap());
    for ends in [false, true] {
        let (mut receiver, mut sender) = client(&config).split();
        let mut output = BytesMut::new();
        receive(&mut receiver, &mut sender, &mut close(), &mut output).unwrap();
        output.clear();
        assert_eq!(sender.handle_timeout(secs(1), &mut output), Ok(()));
        assert_eq!(sender.poll_timeout(), Some(secs(11)));
        if ends {
            let reply = receiver.receive_eof(sender.is_closed()).unwrap();
            sender.reply(reply, &mut output);
        }
        let end = if ends { Ok(()) } else { Err(Error::Timeout(Timeout::Eof)) };
        assert_eq!(sender.handle_timeout(secs(11), &mut output), end);
        assert_eq!(sender.poll_timeout(), None);
        assert!(Ended::of(&receiver, &sender).unwrap().clean);
    }
    // A client whose connection failed closes the transport itself.
    let (mut receiver, mut sender) = client(&config).split();
    let mut output = BytesMut::new();
    assert!(receive(&mut receiver, &mut sender, &mut masked(Frame::text("")), &mut output).is_err());
    assert_eq!(sender.poll_timeout(), None);
}

#[test]
fn halves_work_in_two_threads() {
    let (mut receiver, mut sender) = server(&Config::new()).split();
    let (replies, to_send) = std::sync::mpsc::channel::<Reply>();
    let writer = std::thread::spawn(move || {
        let mut output = BytesMut::new();
        for reply in to_send {
            sender.reply(reply, &mut output);
        }
        assert!(sender.is_closed());
        output
    });
    for frame in [Frame::ping("a"), Frame::text("no reply"), Frame::close(None).unwrap()] {
        if let Some(reply) = receiver.receive(&mut masked(frame)).unwrap().unwrap().reply() {
            replies.send(reply).unwrap();
        }
    }
    drop(replies);
    assert_eq!(writer.join().unwrap()[..], *b"\x8a\x01a\x88\x00");
}

#[test]
fn each_half_releases_its_own_memory() {
    let (received, sent) = (Counted::default(), Counted::default());
    let mut server = server(&Config::new());
    server.add_extension(ExtensionPair::new(received.clone(), sent.clone()), Rsv::NONE);
    server.release_memory();
    assert_eq!((received.released(), sent.released()), (1, 1));
    let (mut receiver, mut sender) = server.split();
    receiver.release_memory();
    assert_eq!((received.released(), sent.released()), (2, 1));
    sender.release_memory();
    assert_eq!((received.released(), sent.released()), (2, 2));
}

#[cfg(feature = "server")]
#[test]
fn halves_of_an_accepted_connection_are_open() {
    use protocol_websocket_connection::{Accept, Server};

    let (mut server, mut output) = (Server::new(Config::new()), BytesMut::new());
    let mut input = BytesMut::from(test_support::heads::REQUEST);
    let Ok(Some(Event::Upgrade(upgrade))) = server.receive(&mut input, &mut output) else { panic!() };
    server.accept(upgrade, &Accept::new(), &mut output).unwrap();
    let (mut receiver, sender) = server.into_connection().split();
    assert_eq!(State::of(&receiver, &sender), State::Open);
    let event = receiver.receive(&mut masked(Frame::text("hi"))).unwrap();
    assert_eq!(event, Some(Event::Message("hi".into())));

    let config = Config::new().timeouts(Timeouts::RECOMMENDED);
    let (receiver, mut sender) = Server::new(config).into_connection().split();
    assert_eq!(State::of(&receiver, &sender), State::Connecting);
    assert_eq!(sender.send("x", &mut output), Err(SendError::NotOpen));
    assert_eq!(sender.handle_timeout(secs(1000), &mut output), Ok(()));
    assert_eq!(sender.poll_timeout(), None, "no Close was sent");
}
