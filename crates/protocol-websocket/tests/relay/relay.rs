use bytes::BytesMut;
use protocol_websocket::{Close, CloseCode, Config, Connection, Delivery, Event, SendError, State};

/// While more than this is to be written to one side, nothing is read from the other.
const HIGH_WATER_MARK: usize = 64 * 1024;

/// One side of a relay: its connection, and the buffers between that and the transport.
struct Side {
    connection: Connection,
    input: BytesMut,
    output: BytesMut,
    /// What this side's peer is told if the other side fails.
    other_failed: CloseCode,
}

/// Both sides take messages in parts. The limits are those of the backend, which would refuse more.
fn config() -> Config {
    Config::new().delivery(Delivery::Parts)
}

/// Passes on what has come from one side, until the other has enough to write. Call it for both directions after each
/// read, and after each write that made room.
fn relay(from: &mut Side, to: &mut Side) {
    while to.output.len() <= HIGH_WATER_MARK {
        let sent = match from.connection.receive(&mut from.input, &mut from.output) {
            Ok(None) => return,
            Ok(Some(Event::Part(part))) => to.connection.send_part(part, &mut to.output),
            Ok(Some(Event::Close(close))) => to.connection.close(close, &mut to.output),
            // A ping was answered on its own side, and a pong is for that side alone.
            Ok(Some(_)) => Ok(()),
            // The peer broke a rule, and the Close that says so is in its output.
            Err(_) => return fail(to),
        };
        match sent {
            // The other peer was told already that the connection ends: nothing more is for it.
            Ok(()) | Err(SendError::Closed) => {}
            // Its version of the protocol has no such frame.
            Err(_) => {
                fail(from);
                return fail(to);
            }
        }
    }
}

/// Whether to read from the transport of `from`. Its peer waits while the other one is slow.
fn wants_read(from: &Side, to: &Side) -> bool {
    from.connection.state() != State::Closed && to.output.len() <= HIGH_WATER_MARK
}

/// The transport of `from` has nothing more to read, and all that it gave was passed on.
fn end_of_input(from: &mut Side, to: &mut Side) {
    if from.connection.receive_eof().is_err() {
        fail(to);
    }
}

/// Tells a peer that the other side failed, unless it was told before that the connection ends.
fn fail(side: &mut Side) {
    let _ = side.connection.close(Close::from(side.other_failed), &mut side.output);
}
