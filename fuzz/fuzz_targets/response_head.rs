//! An answer reads the same however it is cut and reads back from its plain form; a client takes only what it offered.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use protocol_websocket_fuzz::pieces;
use protocol_websocket_http::{HeadLimits, HeadReader, Offer, ParseError, Request, Response, ResponseHead, Target};

fuzz_target!(|input: ([u8; 4], &[u8])| {
    let (cuts, stream) = input;
    let whole = read([stream].into_iter());
    assert_eq!(read(pieces(stream, &cuts)), whole);
    let Ok(Some((head, _))) = whole else { return };

    let mut plain = BytesMut::new();
    head.encode(&mut plain);
    assert_eq!(HeadReader::default().response(&mut plain), Ok(Some(head.clone())));

    // The key is that of RFC 6455 §1.3, whose accept value is in the dictionary.
    let mut nonce = |buf: &mut [u8]| buf.copy_from_slice(b"the sample nonce");
    let target = Target::new("example.com", "/");
    let request = Request::offer(target, &Offer::new().subprotocol("chat"), &mut nonce).unwrap();
    if let Ok(response) = Response::from_head(head, &request) {
        assert_eq!(response.status(), 101);
        assert!(response.negotiated().subprotocol.as_deref().is_none_or(|name| name == "chat"));
        assert!(response.negotiated().extensions.is_empty());
    }
});

/// The head and how many bytes it took.
fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<Option<(ResponseHead, usize)>, ParseError> {
    let mut reader = HeadReader::new(HeadLimits::default().max_len(1024).max_headers(8));
    let (mut input, mut fed) = (BytesMut::new(), 0);
    for piece in pieces {
        input.extend_from_slice(piece);
        fed += piece.len();
        if let Some(head) = reader.response(&mut input)? {
            return Ok(Some((head, fed - input.len())));
        }
    }
    Ok(None)
}
