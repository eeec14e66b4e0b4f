//! What README.md states about other libraries.
#![allow(missing_docs)]

use h3::ext::Protocol;

/// `h3` reads the `:protocol` of a request, and writes it, as this type. A server rejects a request whose protocol it cannot
/// read.
#[test]
fn h3_has_no_websocket_protocol() {
    assert!("webtransport".parse::<Protocol>().is_ok());
    assert!("websocket".parse::<Protocol>().is_err());
}
