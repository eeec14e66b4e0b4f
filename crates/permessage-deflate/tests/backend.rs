//! The back end is zlib-rs: no feature and no dependency of this crate enables another one.

#[test]
fn backend_is_zlib_rs() {
    assert!(protocol_websocket_permessage_deflate::is_zlib_rs());
}
