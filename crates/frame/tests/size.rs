//! Sizes that a connection depends on.

use protocol_websocket_frame::{Assembler, Decoder};

#[test]
fn idle_state_is_small() {
    let (decoder, assembler) = (size_of::<Decoder>(), size_of::<Assembler>());
    // Without alignment to 8 bytes they are smaller still.
    assert!(decoder <= 88 && assembler <= 16, "{decoder} and {assembler} bytes");
}
