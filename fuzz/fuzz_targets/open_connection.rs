#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| protocol_websocket_fuzz::open_connection(data));
