//! The other libraries, one file each. Each is used as its documentation shows, with all checks on, and with its
//! default settings unless they prevent the work.

pub(crate) mod fastwebsockets;
pub(crate) mod sockudo;
pub(crate) mod soketto;
pub(crate) mod tokio_websockets;
pub(crate) mod tungstenite;
pub(crate) mod web_socket;
pub(crate) mod yawc;
