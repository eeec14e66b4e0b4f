//! A chat room. The first message of a client is its name.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::response::Response;
use axum::{Router, routing::any};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::broadcast;

use super::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};

struct Room {
    names: Mutex<HashSet<String>>,
    lines: broadcast::Sender<Utf8Bytes>,
}

impl Room {
    fn names(&self) -> MutexGuard<'_, HashSet<String>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, line: String) {
        // It fails if no client is in the room.
        let _ = self.lines.send(line.into());
    }
}

pub(crate) fn router() -> Router {
    let room = Room { names: Mutex::default(), lines: broadcast::Sender::new(100) };
    Router::new().route("/", any(enter)).with_state(Arc::new(room))
}

async fn enter(upgrade: WebSocketUpgrade, State(room): State<Arc<Room>>) -> Response {
    upgrade.on_failed_upgrade(|error| eprintln!("{error}")).on_upgrade(|socket| chat(socket, room))
}

async fn chat(mut socket: WebSocket, room: Arc<Room>) {
    let Some(Ok(Message::Text(name))) = socket.recv().await else { return };
    if !room.names().insert(name.to_string()) {
        let reason = Utf8Bytes::from_static("the name is taken");
        let _ = socket.send(Message::Close(Some(CloseFrame { code: close_code::POLICY, reason }))).await;
        return;
    }
    let mut lines = room.lines.subscribe();
    room.publish(format!("{name} has joined"));
    let (mut sender, mut receiver) = socket.split();
    let sending = async {
        while let Ok(line) = lines.recv().await {
            if sender.send(Message::Text(line)).await.is_err() {
                return;
            }
        }
    };
    let receiving = async {
        while let Some(Ok(message)) = receiver.next().await {
            match message {
                Message::Text(text) => room.publish(format!("{name}: {text}")),
                Message::Binary(bytes) => room.publish(format!("{name} has sent {} bytes", bytes.len())),
                Message::Close(_) => return,
                Message::Ping(_) | Message::Pong(_) => {}
            }
        }
    };
    tokio::select! {
        () = sending => {}
        () = receiving => {}
    }
    room.names().remove(name.as_str());
    room.publish(format!("{name} has left"));
}
