//! A session that shares long payloads behaves as one that copies them.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/test_extensions.rs"]
mod test_extensions;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use common::{KEY, masked, unmasked};
use proptest::prelude::*;
use protocol_websocket_connection::{
    CloseCode, Config, Connection, ExtensionEncoder, ExtensionPair, ExtensionParams, Message, MessageKind, Negotiated,
    Part, Payload, Prepared, Role, Rsv, SendError, Session,
};
use protocol_websocket_frame::{EncodeError, Frame, Version};
use test_extensions::Runs;

#[derive(Clone, Debug)]
enum Op {
    Send {
        len: usize,
        is_text: bool,
        has_clone: bool,
    },
    Prepared(usize),
    Part {
        first: bool,
        last: bool,
        len: usize,
    },
    Frame(usize),
    Ping,
    Close,
    /// The peer sends a Ping.
    ReadPing,
    Write(usize),
    Continue,
}

fn len() -> impl Strategy<Value = usize> {
    prop_oneof![0..10_usize, 4090..4100_usize, Just(9000)]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (len(), any::<bool>(), any::<bool>())
            .prop_map(|(len, is_text, has_clone)| Op::Send { len, is_text, has_clone }),
        2 => len().prop_map(Op::Prepared),
        1 => (any::<bool>(), any::<bool>(), len()).prop_map(|(first, last, len)| Op::Part { first, last, len }),
        1 => len().prop_map(Op::Frame),
        2 => Just(Op::Ping),
        1 => Just(Op::Close),
        3 => Just(Op::ReadPing),
        6 => prop_oneof![Just(1_usize), 0..20_usize, 4000..5000_usize, Just(usize::MAX)].prop_map(Op::Write),
        1 => Just(Op::Continue),
    ]
}

fn session(role: Role, has_extension: bool, high_water_mark: usize) -> Session {
    let config = Config::new().high_water_mark(high_water_mark).extension(Runs::new(3));
    let mut negotiated = Negotiated::default();
    if has_extension {
        negotiated = negotiated.extension(ExtensionParams::new("runs").param("max", "3"));
    }
    Session::new(match role {
        Role::Server => Connection::open_server(&negotiated, config),
        Role::Client => Connection::open_client(&negotiated, config, |key: &mut [u8]| key.copy_from_slice(&KEY.0)),
    })
}

/// A session, all bytes that it has written, and clones of the payloads that were sent.
struct End {
    session: Session,
    wire: Vec<u8>,
    clones: Vec<Bytes>,
    shares: bool,
}

impl End {
    fn run(&mut self, role: Role, op: &Op) -> Result<(), SendError> {
        let Self { session, wire, clones, shares } = self;
        match *op {
            Op::Send { len, is_text, has_clone } => {
                let payload = Bytes::from(vec![b'a'; len]);
                if has_clone {
                    clones.push(payload.clone());
                }
                let message = if is_text { Message::from("a".repeat(len)) } else { Message::from(payload) };
                if *shares { session.send(message) } else { session.send(&message) }
            }
            Op::Prepared(len) => session.send_prepared(&mut Prepared::new(vec![b'p'; len])),
            Op::Part { first, last, len } => session
                .send_part(Part::new(MessageKind::Binary, vec![b'q'; len].into()).with_first(first).with_last(last)),
            Op::Frame(len) => session.send_frame(&Frame::binary(vec![b'f'; len])),
            Op::Ping => session.ping("ping"),
            Op::Close => session.close(CloseCode::NORMAL),
            Op::ReadPing => {
                let frame = Frame::ping("read");
                let bytes: BytesMut = if role == Role::Server { masked(frame) } else { unmasked(frame) };
                session.read_buffer().extend_from_slice(&bytes);
                session.received(Duration::ZERO);
                while session.poll_event().is_some() {}
                Ok(())
            }
            Op::Write(max) => {
                let unsent = session.unsent_chunks().collect::<Vec<_>>().concat();
                assert_eq!(unsent.len(), session.unsent());
                let len = unsent.len().min(max);
                wire.extend_from_slice(unsent.get(..len).unwrap());
                session.written(len, Duration::ZERO);
                Ok(())
            }
            Op::Continue => {
                let other = std::mem::replace(session, self::session(role, false, 0));
                *session = Session::from_parts(other.into_parts());
                Ok(())
            }
        }
    }
}

proptest! {
    #[test]
    fn shared_payloads_are_written_as_copied_ones(
        is_client in any::<bool>(),
        has_extension in any::<bool>(),
        high_water_mark in prop_oneof![Just(0_usize), Just(5000), Just(20_000)],
        ops in prop::collection::vec(op(), 0..60),
    ) {
        let role = if is_client { Role::Client } else { Role::Server };
        let end = |shares| End {
            session: session(role, has_extension, high_water_mark),
            wire: Vec::new(),
            clones: Vec::new(),
            shares,
        };
        let (mut shared, mut copied) = (end(true), end(false));
        for op in ops.iter().chain([&Op::Write(usize::MAX)]) {
            let before = shared.session.unsent();
            let result = shared.run(role, op);
            prop_assert_eq!(&result, &copied.run(role, op));
            prop_assert!(result.is_ok() || shared.session.unsent() == before);
            let state = |end: &End| {
                let session = &end.session;
                let flags = (session.is_over_high_water_mark(), session.wants_read());
                (session.unsent(), flags, session.ended().cloned())
            };
            prop_assert_eq!(state(&shared), state(&copied), "{:?}", op);
        }
        prop_assert!(shared.wire == copied.wire);
        prop_assert!(shared.clones.iter().flatten().all(|&byte| byte == b'a'));
    }
}

/// An encoder that changes nothing and counts its restarts.
struct Counted(Arc<AtomicUsize>);

impl ExtensionEncoder for Counted {
    fn encode<'a>(&mut self, frame: Frame<Payload<'a>>) -> Result<Frame<Payload<'a>>, EncodeError> {
        Ok(frame)
    }

    fn restart(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn extensions_restart_after_a_message_that_cannot_be_sent() {
    let restarts = Arc::new(AtomicUsize::new(0));
    let negotiated = Negotiated::default().version(Version::Hybi00);
    let mut connection = Connection::open_server(&negotiated, Config::new());
    connection.add_extension(ExtensionPair::new(Runs::new(3), Counted(Arc::clone(&restarts))), Rsv::NONE);
    let mut session = Session::new(connection);
    for (n, len) in [10, 4096].into_iter().enumerate() {
        // The version has no binary messages.
        assert!(matches!(session.send(vec![7; len]), Err(SendError::Encode(_))));
        assert_eq!((restarts.load(Ordering::Relaxed), session.unsent()), (n + 1, 0));
    }
}
