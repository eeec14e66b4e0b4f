//! The size of the types that every connection contains.

use protocol_websocket_frame::{Assembler, Decoder};

#[test]
fn idle_state_is_small() {
    let (decoder, assembler) = (size_of::<Decoder>(), size_of::<Assembler>());
    // They are smaller on targets that align to 4 bytes.
    assert!(decoder <= 88 && assembler <= 16, "{decoder} and {assembler} bytes");
}
