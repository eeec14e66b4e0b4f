use std::collections::BTreeMap;

use bytes::BytesMut;
use protocol_websocket::{Connection, Deflater, ExtensionEncoder, Frame, PermessageDeflate, Role, SendError};

/// A message for many clients, and its compressed form for each window.
struct Broadcast {
    text: String,
    compressed: BTreeMap<u8, Frame>,
}

impl Broadcast {
    fn send(&mut self, to: &mut Connection, output: &mut BytesMut) -> Result<(), SendError> {
        let window = |params| PermessageDeflate::window_bits(Role::Server, params);
        let Some(bits) = to.negotiated().extensions.iter().find_map(window) else {
            return to.send(&self.text, output);
        };
        if !self.compressed.contains_key(&bits) {
            let frame = Frame::text(self.text.as_str()).into();
            let frame = Deflater::new(bits).context_takeover(false).encode(frame)?.into_owned();
            self.compressed.insert(bits, frame);
        }
        to.send_frame(&self.compressed[&bits], output)
    }
}
