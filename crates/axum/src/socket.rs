use crate::{Error, WebSocket, ws};

/// A type that [`WebSocketUpgrade::on_upgrade`](crate::WebSocketUpgrade::on_upgrade) passes to its callback: [`WebSocket`],
/// or [`ws::WebSocket`], which has the messages and the error of axum.
pub trait Socket: From<WebSocket> + Send + sealed::Socket + 'static {
    /// The error that [`on_failed_upgrade`](crate::WebSocketUpgrade::on_failed_upgrade) passes.
    type Error: Send + 'static;
}

impl Socket for WebSocket {
    type Error = Error;
}

impl Socket for ws::WebSocket {
    type Error = axum_core::Error;
}

mod sealed {
    use crate::{Error, WebSocket, ws};

    pub trait Socket {
        fn error(error: Error) -> <Self as super::Socket>::Error
        where
            Self: super::Socket;
    }

    impl Socket for WebSocket {
        fn error(error: Error) -> Error {
            error
        }
    }

    impl Socket for ws::WebSocket {
        fn error(error: Error) -> axum_core::Error {
            axum_core::Error::new(error)
        }
    }
}
