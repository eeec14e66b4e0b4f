//! Public types can be sent to and shared between threads.

use protocol_websocket_connection::{
    Accept, Config, Connection, Direction, Ended, Error, Event, EventRef, ExtensionPair, Negotiate, Negotiated,
    Observation, ObservedFrame, ObservedHead, Offer, Outbox, ReceiveHalf, Reject, Reply, SendError, SendHalf, Session,
    SessionParts, StartLine, State, StateReader, StateWriter, Stats, Suspended, Timeouts,
};

#[test]
fn public_types_are_send_and_sync() {
    fn check<T: Send + Sync>() {}
    check::<Connection>();
    check::<ReceiveHalf>();
    check::<(Session, Outbox, SessionParts, Stats)>();
    check::<SendHalf>();
    check::<Config>();
    check::<Event>();
    check::<EventRef<'_>>();
    check::<Reply>();
    check::<Ended>();
    check::<(Error, SendError, State, Timeouts)>();
    check::<(Suspended, StateReader<'_>, StateWriter)>();
    check::<(Accept, Negotiated, Offer, Reject)>();
    check::<(Observation<'_>, ObservedFrame<'_>, ObservedHead<'_>, StartLine<'_>, Direction)>();
    check::<(ExtensionPair, Box<dyn Negotiate>)>();
    #[cfg(feature = "client")]
    check::<protocol_websocket_connection::Client>();
    #[cfg(feature = "server")]
    check::<(protocol_websocket_connection::Server, protocol_websocket_connection::Upgrade)>();
}
