//! The serialized form of codes and limits.
#![cfg(feature = "serde")]
#![allow(clippy::unwrap_used)]

use protocol_websocket_frame::{CloseCode, Limits};

#[test]
fn codes_are_numbers() {
    assert_eq!(serde_json::to_string(&CloseCode::GOING_AWAY).unwrap(), "1001");
    assert_eq!(serde_json::from_str::<CloseCode>("4000").unwrap(), CloseCode(4000));
}

#[test]
fn missing_limits_have_their_defaults() {
    let limits: Limits = serde_json::from_str(r#"{"max_message": 5}"#).unwrap();
    assert_eq!((limits.max_message, limits.max_frame), (5, Limits::default().max_frame));
}
