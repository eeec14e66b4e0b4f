//! Mask keys and handshake keys of a client: M1 to M3. The statistical bounds are so wide that a correct source fails them
//! less than once in a billion runs.

use bytes::BytesMut;
use protocol_websocket::{Config, Connection, FrameHeader, HeadLimits, Negotiated, Offer, OsRandom, Request, Url};

/// Checks that each bit is set in about half of the samples. By the Hoeffding bound, a random bit fails with a probability
/// of 2e^-32.
fn assert_balanced<const N: usize>(samples: &[[u8; N]]) {
    let allowed = 4 * samples.len().isqrt();
    for bit in 0..8 * N {
        let set = samples.iter().filter(|sample| sample[bit / 8] >> (bit % 8) & 1 == 1).count();
        assert!(set.abs_diff(samples.len() / 2) <= allowed, "bit {bit} is set in {set} of {}", samples.len());
    }
}

fn xored<const N: usize>([a, b]: [[u8; N]; 2]) -> [u8; N] {
    std::array::from_fn(|at| a[at] ^ b[at])
}

#[test]
fn mask_keys_are_unpredictable() {
    let mut client = Connection::open_client(&Negotiated::default(), Config::new(), OsRandom::new());
    let keys: Vec<[u8; 4]> = (0..4096)
        .map(|_| {
            let mut wire = BytesMut::new();
            client.send("x", &mut wire).unwrap();
            FrameHeader::parse(&wire).unwrap().unwrap().0.mask.unwrap().0
        })
        .collect();
    // Among 4096 keys of 32 bits, one equal pair is expected once in 500 runs, four pairs once in 10^12.
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert!(sorted.len() + 4 > keys.len(), "{} of {}", sorted.len(), keys.len());
    assert_balanced(&keys);
    let steps: Vec<_> = keys.windows(2).map(|pair| xored([pair[0], pair[1]])).collect();
    assert_balanced(&steps);
    assert_balanced(
        &keys
            .windows(2)
            .map(|pair| (u32::from_be_bytes(pair[1]).wrapping_sub(u32::from_be_bytes(pair[0]))).to_be_bytes())
            .collect::<Vec<_>>(),
    );
}

#[test]
fn handshake_keys_are_unpredictable() {
    let url = Url::parse("ws://example.com/").unwrap();
    let keys: Vec<String> = (0..1024)
        .map(|_| {
            let mut request = BytesMut::new();
            Connection::client(&url, &Offer::new(), Config::new(), OsRandom::new(), &mut request).unwrap();
            let request = Request::parse(&mut request, HeadLimits::default()).unwrap().unwrap();
            request.key().unwrap().as_str().to_owned()
        })
        .collect();
    let nonces: Vec<[u8; 16]> = keys.iter().map(|key| decoded(key)).collect();
    let mut sorted = nonces.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), nonces.len());
    assert_balanced(&nonces);
    assert_balanced(&nonces.windows(2).map(|pair| xored([pair[0], pair[1]])).collect::<Vec<_>>());
}

/// A proxy that does not support WebSocket finds no HTTP request in a masked payload. The test fails if the key is
/// zero, with a probability of 2^-32.
#[test]
fn client_payload_is_not_readable_on_the_wire() {
    let mut client = Connection::open_client(&Negotiated::default(), Config::new(), OsRandom::new());
    let (mut wire, request) = (BytesMut::new(), "GET /script.js HTTP/1.1\r\nHost: example.com\r\n\r\n");
    client.send(request, &mut wire).unwrap();
    let payload = client.send_shared(request.repeat(100), &mut wire).unwrap();
    wire.extend_from_slice(&payload.unwrap());
    assert!(!wire.windows(8).any(|window| window == b"GET /scr"));
}

fn decoded(key: &str) -> [u8; 16] {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits: Vec<u128> = key.chars().take_while(|&c| c != '=').map(|c| ALPHABET.find(c).unwrap() as u128).collect();
    // 22 digits have 132 bits. The last four are padding.
    let (last, others) = digits.split_last().unwrap();
    (others.iter().fold(0, |sum, digit| sum << 6 | digit) << 2 | last >> 4).to_be_bytes()
}
