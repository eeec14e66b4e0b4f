//! Public types can be sent to other threads.
#![allow(clippy::unwrap_used)]

use protocol_websocket_record::{
    ConnectionRecorder, Entry, Log, LogError, LogErrorKind, Payloads, Record, RecordedConnection, RecordedEnd,
    RecordedFrame, RecordedHead, RecordedMessage, RecordedOpen, RecordedPayload, Recorder, Recording, StartLine, Value,
};

const fn is_sync<T: Send + Sync + Unpin>() {}

#[test]
fn public_types_are_send_sync_and_unpin() {
    is_sync::<(Recorder, ConnectionRecorder, Payloads, Log<&[u8]>, LogError, LogErrorKind)>();
    is_sync::<(Record, Entry, StartLine, RecordedHead, RecordedOpen, RecordedFrame, RecordedPayload, RecordedEnd, Value)>(
    );
    is_sync::<(Recording, RecordedConnection, RecordedMessage)>();
}

/// The test above names each public type of the crate and each that it exports.
#[test]
fn list_of_public_types_is_complete() {
    let api = include_str!("../../../docs/api/protocol-websocket-record.txt");
    let tests = include_str!("auto_traits.rs");
    test_support::api::assert_lists_all_types(tests, "is_sync::<", api, "protocol_websocket_record");
}
