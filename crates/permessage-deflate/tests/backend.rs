//! DEFLATE is zlib-rs: no feature of ours, and no crate that we take, turns on another.

#[test]
fn nobody_turned_on_a_zlib_in_c() {
    assert!(protocol_websocket_permessage_deflate::is_zlib_rs());
}
