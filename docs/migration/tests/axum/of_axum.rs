//! The programs with the import of axum.

pub(crate) use axum::extract::ws;

#[path = "../../../../crates/axum/examples/axum_chat/chat.rs"]
pub(crate) mod chat;
#[path = "handlers.rs"]
pub(crate) mod handlers;
