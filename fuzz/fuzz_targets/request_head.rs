//! A request reads the same however it is cut, reads back from its plain form, and gets an answer that a client takes.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use protocol_websocket_fuzz::pieces;
use protocol_websocket_http::{Accept, HeadLimits, HeadReader, ParseError, Request, RequestHead, Response};

fuzz_target!(|input: ([u8; 4], &[u8])| {
    let (cuts, stream) = input;
    let whole = read([stream].into_iter());
    assert_eq!(read(pieces(stream, &cuts)), whole);
    let Ok(Some((head, _))) = whole else { return };

    let (mut reader, mut plain, mut answer) = (HeadReader::default(), BytesMut::new(), BytesMut::new());
    head.encode(&mut plain);
    assert_eq!(reader.request(&mut plain), Ok(Some(head.clone())));
    match Request::from_head(head) {
        Ok(request) => {
            Accept::new().encode(&request, &mut answer).unwrap();
            Response::from_head(reader.response(&mut answer).unwrap().unwrap(), &request).unwrap();
        }
        Err(error) => {
            error.reply(&mut answer);
            assert_eq!(reader.response(&mut answer).unwrap().unwrap().status(), error.status());
        }
    }
});

/// The head and how many bytes it took.
fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<Option<(RequestHead, usize)>, ParseError> {
    let mut reader = HeadReader::new(HeadLimits::default().max_len(1024).max_headers(8));
    let (mut input, mut fed) = (BytesMut::new(), 0);
    for piece in pieces {
        input.extend_from_slice(piece);
        fed += piece.len();
        if let Some(head) = reader.request(&mut input)? {
            return Ok(Some((head, fed - input.len())));
        }
    }
    Ok(None)
}
