use bytes::BytesMut;
use protocol_websocket::{Close, CloseCode, Config, Connection, Delivery, Event, Limits, SendError, State};

/// While more bytes are unsent to one side, the other side is not read.
const HIGH_WATER_MARK: usize = 64 * 1024;

/// One side of a relay: its connection, and the buffers between the connection and the transport.
struct Side {
    connection: Connection,
    input: BytesMut,
    output: BytesMut,
    /// The close code for this side's peer if the other side fails.
    other_failed: CloseCode,
}

/// Delivers messages in parts on both sides. The limits are those of the backend, less the fragments that a message may
/// gain in the relay: one for each 4 KiB of a long frame, and one for each 64 KiB of decompressed data.
fn config() -> Config {
    let limits = Limits::default();
    let gained = limits.max_message / u64::from(Config::MIN_PART) + limits.max_message / (64 * 1024);
    let gained = u32::try_from(gained).unwrap_or(u32::MAX);
    let max_fragments = limits.max_fragments.saturating_sub(gained);
    Config::new().delivery(Delivery::Parts).limits(limits.max_fragments(max_fragments))
}

/// Returns whether this side must be written before the other is read. A closed connection is never full, because
/// nothing more is sent on it.
fn is_full(side: &Side) -> bool {
    side.output.len() > HIGH_WATER_MARK && side.connection.state() != State::Closed
}

/// Relays the events of one side until the other side is full. Call it for both directions after each read, after each
/// write that freed space, and after the end of a transport.
fn relay(from: &mut Side, to: &mut Side) {
    while !is_full(to) {
        let result = match from.connection.receive(&mut from.input, &mut from.output) {
            Ok(None) => return,
            Ok(Some(Event::Part(part))) => to.connection.send_part(part, &mut to.output),
            Ok(Some(Event::Close(close))) => to.connection.close(close, &mut to.output),
            // Pings and pongs are not relayed. The connection has answered a ping already.
            Ok(Some(_)) => Ok(()),
            // The peer violated the protocol, and the Close for it is in its output.
            Err(_) => return fail(to),
        };
        match result {
            // A Close was sent to the other peer before, so the rest is dropped.
            Ok(()) | Err(SendError::Closed) => {}
            // The other peer's version of the protocol does not have this frame.
            Err(_) => {
                fail(from);
                return fail(to);
            }
        }
    }
}

/// Returns whether to read from the transport of `from`. Its peer waits while the other peer is slow.
fn wants_read(from: &Side, to: &Side) -> bool {
    from.connection.state() != State::Closed && !is_full(to)
}

/// Handles the end of the transport of `from`. Call it after all input was relayed.
fn end_of_input(from: &mut Side, to: &mut Side) {
    if from.connection.receive_eof().is_err() {
        fail(to);
    }
}

/// Handles a write to the transport of `from` that failed or timed out. Input of `from` that was not relayed is
/// dropped.
fn end_of_output(from: &mut Side, to: &mut Side) {
    from.output.clear();
    end_of_input(from, to);
}

/// Sends a Close to a peer because the other side failed, unless a Close was sent before.
fn fail(side: &mut Side) {
    let _ = side.connection.close(Close::from(side.other_failed), &mut side.output);
}
