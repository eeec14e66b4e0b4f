//! The names of `axum::extract::ws`. A program that uses them changes the import.
//!
//! ```
//! use axum::response::Response;
//! use axum::{Router, routing::any};
//! use protocol_websocket_axum::ws::{Message, WebSocket, WebSocketUpgrade}; // was axum::extract::ws
//!
//! async fn handler(upgrade: WebSocketUpgrade) -> Response {
//!     upgrade.on_upgrade(echo)
//! }
//!
//! async fn echo(mut socket: WebSocket) {
//!     while let Some(Ok(message)) = socket.recv().await {
//!         if let Message::Text(_) | Message::Binary(_) = message {
//!             if socket.send(message).await.is_err() {
//!                 break;
//!             }
//!         }
//!     }
//! }
//!
//! let router: Router = Router::new().route("/", any(handler));
//! # let _ = router;
//! ```

pub mod close_code;
mod message;
mod websocket;

pub use message::{CloseCode, CloseFrame, Message};
pub use websocket::WebSocket;

pub use crate::protocol_websocket::Utf8Bytes;

/// The extractor, whose callback receives a [`WebSocket`](struct@WebSocket) of this module.
pub type WebSocketUpgrade = crate::WebSocketUpgrade<WebSocket>;

/// The rejection of the extractor.
pub mod rejection {
    pub use crate::WebSocketUpgradeRejection;
}
