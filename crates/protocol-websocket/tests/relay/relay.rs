use bytes::BytesMut;
use protocol_websocket::{Close, CloseCode, Config, Connection, Delivery, Event, Limits, SendError, State};

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

/// Both sides take messages in parts. The limits are those of the backend, less the fragments that a message may gain on its
/// way: one for each 4 KiB of a long frame, and one for each 64 KiB that comes out of a decompressor.
fn config() -> Config {
    let limits = Limits::default();
    let gained = limits.max_message / u64::from(Config::MIN_PART) + limits.max_message / (64 * 1024);
    let gained = u32::try_from(gained).unwrap_or(u32::MAX);
    let max_fragments = limits.max_fragments.saturating_sub(gained);
    Config::new().delivery(Delivery::Parts).limits(limits.max_fragments(max_fragments))
}

/// Whether nothing more is for this side until it is written. A connection that is over takes nothing more.
fn is_full(side: &Side) -> bool {
    side.output.len() > HIGH_WATER_MARK && side.connection.state() != State::Closed
}

/// Passes on what has come from one side, until the other has enough to write. Call it for both directions after each
/// read, each write that made room, and each end of a transport.
fn relay(from: &mut Side, to: &mut Side) {
    while !is_full(to) {
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
    from.connection.state() != State::Closed && !is_full(to)
}

/// The transport of `from` has nothing more to read, and all that it gave was passed on.
fn end_of_input(from: &mut Side, to: &mut Side) {
    if from.connection.receive_eof().is_err() {
        fail(to);
    }
}

/// The transport of `from` takes nothing more: a write failed, or took too long. What came from it and was not passed on
/// is lost.
fn end_of_output(from: &mut Side, to: &mut Side) {
    from.output.clear();
    end_of_input(from, to);
}

/// Tells a peer that the other side failed, unless it was told before that the connection ends.
fn fail(side: &mut Side) {
    let _ = side.connection.close(Close::from(side.other_failed), &mut side.output);
}
