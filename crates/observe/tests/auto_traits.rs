//! Public types can be sent to and shared between threads.

#[allow(dead_code, reason = "without features, the crate has no types")]
const fn is_sync<T: Send + Sync + Unpin>() {}

#[cfg(feature = "metrics")]
#[test]
fn metrics_are_send_sync_and_unpin() {
    is_sync::<(protocol_websocket_observe::Metrics, protocol_websocket_observe::MetricsObserver)>();
}

#[cfg(feature = "tracing")]
#[test]
fn observer_for_tracing_is_send_sync_and_unpin() {
    is_sync::<protocol_websocket_observe::TracingObserver>();
}
