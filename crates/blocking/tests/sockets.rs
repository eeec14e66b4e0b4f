//! Real sockets: deadlines, slow peers, resets, and calls that return in time. Each test has a limit by the deadlines of
//! the connection, and none depends on how long it takes.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod common;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use common::{messages, open, repeat};
use protocol_websocket::{Role, Timeout};
use protocol_websocket_blocking::{
    Accept, CloseCode, Config, Connect, Destination, Error, Event, EventRef, Limits, Message, NoDeadlines, Outbox,
    Part, Parts, Prepared, Timeouts, Transport, WebSocket, accept, config,
};

const SHORT: Option<Duration> = Some(Duration::from_millis(30));

fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

/// Returns both ends of an open connection. They receive long messages, and the client has deadlines.
fn pair(config: Config) -> (WebSocket<TcpStream>, WebSocket<TcpStream>) {
    let (client, server) = tcp();
    let limits = Limits::new(64 << 20);
    let client = WebSocket::new(client, open(Role::Client, self::config().limits(limits)));
    (client, WebSocket::new(server, open(Role::Server, config.limits(limits))))
}

fn is_timeout(error: &Error, expected: Timeout) -> bool {
    matches!(error, Error::Connection(protocol_websocket::Error::Timeout(timeout)) if *timeout == expected)
}

#[test]
fn peer_that_does_not_answer_pings_is_given_up() {
    let (mut client, server) = tcp();
    let timeouts = Timeouts::NONE.ping_interval(SHORT).pong_timeout(SHORT).close(SHORT);
    let mut websocket = WebSocket::new(server, open(Role::Server, Config::new().timeouts(timeouts)));
    let error = websocket.recv().unwrap().unwrap_err();
    assert!(is_timeout(&error, Timeout::Pong), "{error:?}");
    assert!(websocket.recv().is_none());
    // The Ping, then the Close with 1011, and the end of the stream.
    let mut received = Vec::new();
    drop(websocket);
    client.read_to_end(&mut received).unwrap();
    assert_eq!(received, b"\x89\x00\x88\x02\x03\xF3");
}

#[test]
fn peer_that_answers_pings_is_kept() {
    let timeouts = Timeouts::NONE.ping_interval(SHORT).pong_timeout(Some(Duration::from_secs(60)));
    let (mut client, mut server) = pair(Config::new().timeouts(timeouts));
    let peer = thread::spawn(move || client.recv());
    for _ in 0..3 {
        assert_eq!(server.recv_event().unwrap().unwrap(), Event::Pong("".into()));
    }
    assert!(server.close(CloseCode::NORMAL).unwrap().clean);
    assert!(peer.join().unwrap().is_none());
}

#[test]
fn peer_that_never_reads_ends_a_send() {
    for sends_one_message in [false, true] {
        let timeouts = Timeouts::NONE.ping_interval(SHORT).pong_timeout(SHORT).close(SHORT);
        let (mut client, mut server) = pair(Config::new().timeouts(timeouts));
        if sends_one_message {
            client.send("in front").unwrap();
        }
        let error = server.send(vec![0; 64 << 20]).unwrap_err();
        assert!(is_timeout(&error, Timeout::Close), "{error:?}");
        if sends_one_message {
            assert_eq!(server.recv().unwrap().unwrap(), "in front".into());
        }
        let error = server.recv().unwrap().unwrap_err();
        assert!(is_timeout(&error, Timeout::Pong), "{error:?}");
    }
}

#[test]
fn peer_that_never_reads_ends_a_recv() {
    let timeouts = Timeouts::NONE.ping_interval(SHORT).pong_timeout(SHORT).close(SHORT);
    let (_client, mut server) = pair(Config::new().timeouts(timeouts));
    server.queue(vec![0; 64 << 20]).unwrap();
    let error = server.recv().unwrap().unwrap_err();
    assert!(is_timeout(&error, Timeout::Pong), "{error:?}");
    assert_eq!(server.unsent(), 0);
}

#[test]
fn peer_that_does_not_answer_a_close_is_given_up() {
    let (_client, mut server) = pair(Config::new().timeouts(Timeouts::NONE.close(SHORT)));
    let ended = server.close(CloseCode::GOING_AWAY).unwrap();
    assert_eq!(ended.error, Some(Timeout::Close.into()));
    assert!(server.recv().is_none() && !server.ended().unwrap().is_temporary());
}

#[test]
fn request_that_arrives_byte_by_byte_is_given_up() {
    let (mut client, server) = tcp();
    let (done, is_done) = mpsc::channel::<()>();
    let peer = thread::spawn(move || {
        let mut request = b"GET / HTTP/1.1\r\nX: ".iter().chain(std::iter::repeat(&b'x'));
        while is_done.recv_timeout(Duration::from_millis(1)).is_err() {
            if client.write_all(&[*request.next().unwrap()]).is_err() {
                break;
            }
        }
    });
    let error = accept(server, Config::new().timeouts(Timeouts::NONE.handshake(SHORT).close(SHORT))).unwrap_err();
    assert!(is_timeout(&error, Timeout::Handshake), "{error:?}");
    done.send(()).unwrap();
    peer.join().unwrap();
}

#[test]
fn two_ends_that_both_send_do_not_block_each_other() {
    // More than the kernel buffers.
    let sent = Message::from(vec![7; 48 << 20]);
    let (mut client, mut server) = pair(config());
    let (from_client, from_server) = (sent.clone(), sent.clone());
    let peer = thread::spawn(move || {
        client.queue(from_client).unwrap();
        client.flush().unwrap();
        let received = client.recv().unwrap().unwrap();
        (client, received)
    });
    server.queue(from_server).unwrap();
    server.flush().unwrap();
    assert!(server.recv().unwrap().unwrap() == sent);
    let (mut client, received) = peer.join().unwrap();
    assert!(received == sent);
    let peer = thread::spawn(move || client.close(CloseCode::NORMAL).unwrap());
    assert!(server.recv().is_none());
    assert!(peer.join().unwrap().clean);
}

#[test]
fn two_ends_that_queue_and_then_receive_or_close_do_not_block_each_other() {
    // More than the kernel buffers.
    let sent = Message::from(vec![7; 48 << 20]);
    for closes in [false, true] {
        let (mut client, mut server) = pair(config());
        client.queue(sent.clone()).unwrap();
        server.queue(sent.clone()).unwrap();
        let run = move |mut websocket: WebSocket<TcpStream>| {
            thread::spawn(move || {
                let message = (!closes).then(|| websocket.recv().unwrap().unwrap());
                (websocket.close(CloseCode::NORMAL).unwrap().clean, message)
            })
        };
        for end in [run(client), run(server)] {
            let (is_clean, received) = end.join().unwrap();
            assert!(is_clean && received == (!closes).then(|| sent.clone()));
        }
    }
}

#[test]
fn ping_during_a_write_is_answered() {
    let (client, mut server) = pair(Config::new().timeouts(Timeouts::NONE.close(SHORT)));
    let mut client = client.into_parts().io;
    client.write_all(b"\x89\x81\0\0\0\0a").unwrap();
    let peer = thread::spawn(move || {
        server.send(vec![0; 32 << 20]).unwrap();
        server.close(CloseCode::NORMAL).unwrap();
    });
    let mut received = Vec::new();
    client.read_to_end(&mut received).unwrap();
    // The message, the Pong and the Close.
    assert_eq!(received.len(), 10 + (32 << 20) + 3 + 4);
    assert!(received.ends_with(b"\x8A\x01a\x88\x02\x03\xE8") || received.ends_with(b"\x88\x02\x03\xE8\x8A\x01a"));
    drop(client);
    peer.join().unwrap();
}

#[test]
fn ready_returns_below_the_high_water_mark() {
    let (mut client, mut server) = pair(Config::new().high_water_mark(1000));
    server.ready().unwrap();
    server.queue([0; 999]).unwrap();
    server.ready().unwrap();
    assert!(server.unsent() > 1000 || server.unsent() == 0);
    server.flush().unwrap();
    assert_eq!((server.unsent(), client.recv().unwrap().unwrap().len()), (0, 999));
}

#[test]
fn call_returns_after_its_timeout_and_can_be_repeated() {
    let (mut client, mut server) = pair(config());
    server.set_timeout(Duration::from_millis(2));
    assert!(matches!(server.recv(), Some(Err(Error::WouldBlock))));
    assert!(matches!(server.next(), Some(Err(Error::WouldBlock))));
    client.send("a").unwrap();
    assert_eq!(repeat(|| server.recv()).unwrap().unwrap(), "a".into());
    // A peer that does not read.
    let large = Message::from(vec![7; 48 << 20]);
    server.queue(large.clone()).unwrap();
    assert!(matches!(server.flush(), Err(Error::WouldBlock)));
    assert!(matches!(server.recv(), Some(Err(Error::WouldBlock))));
    let peer = thread::spawn(move || (client.recv(), client.recv()));
    repeat(|| Some(server.flush())).unwrap().unwrap();
    assert!(repeat(|| Some(server.close(CloseCode::NORMAL))).unwrap().unwrap().clean);
    let (received, end) = peer.join().unwrap();
    assert!(received.unwrap().unwrap() == large && end.is_none());
    // Without a limit again.
    let (mut client, mut server) = pair(Config::new());
    server.set_timeout(Duration::ZERO);
    assert!(matches!(server.recv(), Some(Err(Error::WouldBlock))));
    server.set_timeout(None);
    client.send("a").unwrap();
    assert_eq!(server.recv().unwrap().unwrap(), "a".into());
}

#[test]
fn non_blocking_socket_can_be_used() {
    let (mut client, mut server) = pair(config());
    server.get_mut().set_nonblocking(true).unwrap();
    assert!(matches!(server.recv(), Some(Err(Error::WouldBlock))));
    let peer = thread::spawn(move || {
        client.send("a").unwrap();
        (client.recv().unwrap().unwrap(), client.close(CloseCode::NORMAL).unwrap().clean)
    });
    assert_eq!(repeat(|| server.recv()).unwrap().unwrap(), "a".into());
    server.queue(vec![7; 4 << 20]).unwrap();
    assert!(repeat(|| server.recv()).is_none());
    assert_eq!(peer.join().unwrap(), (vec![7; 4 << 20].into(), true));
}

#[test]
fn parts_have_the_timeouts_that_the_socket_had() {
    let minute = Some(Duration::from_secs(60));
    for (read, write) in [(None, None), (minute, None), (None, minute)] {
        let (client, server) = tcp();
        server.set_read_timeout(read).unwrap();
        server.set_write_timeout(write).unwrap();
        let mut server = WebSocket::new(server, open(Role::Server, config()));
        server.send("a").unwrap();
        server.set_timeout(Duration::from_millis(2));
        assert!(matches!(server.recv(), Some(Err(Error::WouldBlock))));
        assert_ne!(
            (server.get_ref().read_timeout().unwrap(), server.get_ref().write_timeout().unwrap()),
            (read, write)
        );
        server.get_mut().set_nodelay(true).unwrap();
        let parts = server.into_parts();
        assert_eq!((parts.io.read_timeout().unwrap(), parts.io.write_timeout().unwrap()), (read, write));
        // Again, without a call that waits.
        let mut server = WebSocket::from_parts(parts);
        server.get_mut().set_read_timeout(minute).unwrap();
        assert_eq!(server.into_parts().io.read_timeout().unwrap(), minute);
        drop(client);
    }
}

#[test]
fn half_closed_peer_receives_what_was_queued() {
    let (client, mut server) = pair(Config::new());
    let mut client = client.into_parts().io;
    client.write_all(b"\x81\x81\0\0\0\0a").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    server.queue([7; 100_000]).unwrap();
    assert_eq!(server.recv().unwrap().unwrap(), "a".into());
    let error = server.recv().unwrap().unwrap_err();
    assert!(matches!(error, Error::Connection(protocol_websocket::Error::UnexpectedEof)));
    let mut received = Vec::new();
    client.read_to_end(&mut received).unwrap();
    assert_eq!(received.len(), 100_010);
}

#[test]
fn reset_ends_the_connection() {
    let (client, mut server) = pair(Config::new());
    server.send("unread").unwrap();
    // A socket that is closed with unread bytes is reset.
    let mut one = [0];
    client.get_ref().peek(&mut one).unwrap();
    drop(client);
    let error = server.recv().unwrap().unwrap_err();
    assert!(matches!(&error, Error::Io(error) if error.kind() == ErrorKind::ConnectionReset), "{error:?}");
    assert!(server.recv().is_none() && server.ended().unwrap().is_temporary());
}

#[test]
fn peer_that_broke_a_rule_receives_the_close_and_no_reset() {
    let (client, mut server) = pair(Config::new());
    let mut client = client.into_parts().io;
    // An unmasked frame, and more than the server reads at once.
    client.write_all(b"\x81\x01a").unwrap();
    client.write_all(&[0; 200_000]).unwrap();
    let peer = thread::spawn(move || {
        let error = server.recv().unwrap().unwrap_err();
        assert!(matches!(error, Error::Connection(protocol_websocket::Error::Decode(_))), "{error:?}");
    });
    let mut received = Vec::new();
    client.read_to_end(&mut received).unwrap();
    assert_eq!(received, b"\x88\x02\x03\xEA");
    drop(client);
    peer.join().unwrap();
}

#[test]
fn peer_that_never_stops_sending_is_given_up() {
    let (client, mut server) = pair(Config::new().timeouts(Timeouts::NONE.close(SHORT)));
    let mut client = client.into_parts().io;
    let peer = thread::spawn(move || while client.write_all(&[0; 1000]).is_ok() {});
    assert!(matches!(server.recv(), Some(Err(Error::Connection(protocol_websocket::Error::Decode(_))))));
    drop(server);
    peer.join().unwrap();
}

#[cfg(unix)]
#[test]
fn unix_sockets_have_deadlines() {
    use std::os::unix::net::UnixStream;

    let (client, server) = UnixStream::pair().unwrap();
    let timeouts = Timeouts::NONE.ping_interval(SHORT).pong_timeout(SHORT).close(SHORT);
    let mut websocket = WebSocket::new(server, open(Role::Server, Config::new().timeouts(timeouts)));
    assert!(is_timeout(&websocket.recv().unwrap().unwrap_err(), Timeout::Pong));
    drop(client);
}

/// Accepts one connection, and sends each message back.
fn echo_server<S: Transport>(
    wrap: impl FnOnce(TcpStream) -> S + Send + 'static,
) -> (SocketAddr, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let stream = wrap(listener.accept().unwrap().0);
        let mut websocket = accept(stream, config()).unwrap().accept(Accept::new()).unwrap();
        while let Some(message) = websocket.recv() {
            websocket.queue(message.unwrap()).unwrap();
        }
        assert!(websocket.ended().unwrap().clean);
    });
    (address, server)
}

fn talk<S: Transport>(wrap: impl FnOnce(TcpStream) -> S, address: SocketAddr) {
    let stream = wrap(TcpStream::connect(address).unwrap());
    let (mut websocket, _) = Connect::to(Destination::new("example.com", "/")).over(stream).unwrap();
    assert_eq!(websocket.negotiated().extensions.len(), usize::from(cfg!(feature = "permessage-deflate")));
    let sent = messages(&[0, 1, 5000, 100_000]);
    let mut prepared = Prepared::new("prepared");
    for message in &sent {
        websocket.queue(message).unwrap();
    }
    websocket.queue_prepared(&mut prepared).unwrap();
    let received: Vec<_> = websocket.by_ref().take(5).map(Result::unwrap).collect();
    assert_eq!((&received[..4], &received[4]), (&sent[..], prepared.message()));
    assert!(websocket.close(CloseCode::NORMAL).unwrap().clean);
}

#[test]
fn both_ends_work_over_streams_with_and_without_deadlines() {
    let (address, server) = echo_server(|stream| stream);
    talk(|stream| stream, address);
    server.join().unwrap();
    let (address, server) = echo_server(NoDeadlines);
    talk(NoDeadlines, address);
    server.join().unwrap();
    // Through pointers.
    let (address, server) = echo_server(|stream| -> Box<dyn Transport> { Box::new(stream) });
    let mut stream = None;
    talk(|tcp| stream.insert(tcp), address);
    server.join().unwrap();
}

#[test]
fn parts_of_a_message_are_sent_and_received() {
    let (client, mut server) = pair(Config::new());
    let config = Config::new().delivery(protocol_websocket::Delivery::Parts);
    let mut client = WebSocket::new(client.into_parts().io, open(Role::Client, config));
    server.queue_part(Part::from(Message::from("a")).with_last(false)).unwrap();
    server.queue_part(Part::from(Message::from("b")).with_first(false)).unwrap();
    server.queue_ping("p").unwrap();
    server.flush().unwrap();
    assert!(matches!(client.recv(), Some(Err(Error::Parts))));
    let mut text = Vec::new();
    loop {
        let part = client.recv_part().unwrap().unwrap();
        text.extend_from_slice(&part.bytes);
        if part.last {
            break;
        }
    }
    assert_eq!(text, b"ab");
    assert_eq!(client.recv_event().unwrap().unwrap(), Event::Ping("p".into()));
    client.send("whole").unwrap();
    assert_eq!(server.recv_part().unwrap().unwrap(), Message::from("whole").into());
}

#[test]
fn pong_that_no_ping_asked_for_is_sent_and_gets_no_reply() {
    let (mut client, mut server) = pair(config());
    server.queue_pong("p").unwrap();
    assert!(server.queue_pong("x".repeat(126)).is_err());
    server.flush().unwrap();
    assert_eq!(client.recv_event().unwrap().unwrap(), Event::Pong("p".into()));
    client.send("next").unwrap();
    assert_eq!(server.recv_event().unwrap().unwrap(), Event::Message("next".into()));
}

#[test]
fn connection_continues_from_its_parts() {
    let (mut client, mut server) = pair(config());
    for message in ["a", "b"] {
        client.send(message).unwrap();
    }
    assert_eq!(server.recv().unwrap().unwrap(), "a".into());
    server.queue("c").unwrap();
    let Parts { io, session, next, .. } = server.into_parts();
    assert!(!session.unsent.is_empty() && next.is_none());
    let mut server = WebSocket::from_parts(Parts::new(io, session));
    assert_eq!(server.recv().unwrap().unwrap(), "b".into());
    server.flush().unwrap();
    assert_eq!(client.recv().unwrap().unwrap(), "c".into());
    assert!(format!("{server:?}").starts_with("WebSocket { connection: "));
}

#[test]
fn lent_events_are_answered_in_order() {
    let (mut client, mut server) = pair(config());
    for text in ["a", "bc"] {
        client.send(text).unwrap();
    }
    client.queue_ping("p").unwrap();
    client.flush().unwrap();
    let mut echo = |event: EventRef<'_>, outbox: &mut Outbox| match event {
        EventRef::Message(message) => outbox.send(&message).map(|()| message.as_bytes().len()),
        event => Ok(usize::from(event.into_owned() == Event::Ping("p".into()))),
    };
    let lens: Vec<_> = (0..3).map(|_| server.recv_with(&mut echo).unwrap().unwrap().unwrap()).collect();
    assert_eq!(lens, [1, 2, 1]);
    server.set_timeout(Duration::ZERO);
    assert!(matches!(server.recv_with(&mut echo), Some(Err(Error::WouldBlock))));
    let received: Vec<_> = client.by_ref().take(2).map(Result::unwrap).collect();
    assert_eq!(received, [Message::from("a"), "bc".into()]);
    // A message that arrived during a write is lent, too.
    client.send("in front").unwrap();
    server.queue(vec![7; 48 << 20]).unwrap();
    assert!(matches!(server.flush(), Err(Error::WouldBlock)));
    assert_eq!(server.recv_with(&mut echo).unwrap().unwrap().unwrap(), 8);
}
