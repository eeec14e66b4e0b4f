//! Encoding a head is the inverse of parsing it, and every shorter piece of it is incomplete.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol_websocket_frame::FrameHeader;

fuzz_target!(|input: &[u8]| {
    if let Ok(Some((header, used))) = FrameHeader::parse(input) {
        assert_eq!(*header.encode().unwrap(), input[..used]);
        assert!((0..used).all(|cut| FrameHeader::parse(&input[..cut]) == Ok(None)));
    }
});
