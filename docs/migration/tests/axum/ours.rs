//! The programs with the import of this library.

pub(crate) use protocol_websocket_axum::ws;

#[path = "../../../../crates/axum/examples/axum_chat/chat.rs"]
pub(crate) mod chat;
#[path = "handlers.rs"]
pub(crate) mod handlers;
