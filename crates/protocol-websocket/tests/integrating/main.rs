//! Code of `docs/integrating.md`: closing a transport, and a broadcast of compressed messages.
//!
//! `cargo test -p protocol-websocket --all-features --test integrating`
#![cfg(all(feature = "permessage-deflate", feature = "server"))]
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

const PAGE: &str = include_str!("../../../../docs/integrating.md");

#[test]
fn page_shows_this_code() {
    for code in [include_str!("broadcast.rs"), include_str!("linger.rs")] {
        assert!(PAGE.contains(&format!("```rust\n{code}```")));
    }
}

mod broadcast {
    use protocol_websocket::http::parse_extensions;
    use protocol_websocket::{Config, Negotiated};

    include!("broadcast.rs");

    #[test]
    fn broadcast_is_compressed_once_for_each_window() {
        let mut news = Broadcast { text: "the same for all ".repeat(10), compressed: BTreeMap::new() };
        let config = Config::new().extension(PermessageDeflate::new());
        let agreed = |params| Negotiated::default().extension(parse_extensions(params).unwrap().remove(0));
        let mut sent_len = |negotiated: &Negotiated| {
            let mut output = BytesMut::new();
            news.send(&mut Connection::open_server(negotiated, &config), &mut output).unwrap();
            output.len()
        };
        assert!(sent_len(&agreed("permessage-deflate")) < 40);
        assert!(sent_len(&agreed("permessage-deflate; server_max_window_bits=9")) < 40);
        assert!(sent_len(&agreed("permessage-deflate")) < 40);
        assert!(sent_len(&Negotiated::default()) > 170);
        assert!(news.compressed.keys().eq(&[9, 15]));
    }
}

mod linger {
    use std::io::Write;
    use std::net::TcpListener;
    use std::thread;

    include!("linger.rs");

    #[test]
    fn client_receives_the_close_after_unread_bytes() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut server = listener.accept().unwrap().0;
        client.write_all(&[0; 100_000]).unwrap();
        server.write_all(b"\x88\x02\x03\xEA").unwrap();
        let server = thread::spawn(move || shutdown(&mut server));
        let mut received = Vec::new();
        client.read_to_end(&mut received).unwrap();
        drop(client);
        server.join().unwrap().unwrap();
        assert_eq!(received, b"\x88\x02\x03\xEA");
    }

    #[test]
    fn linger_ends_at_its_deadline_if_the_peer_is_silent() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        linger(&mut listener.accept().unwrap().0, Duration::from_millis(10)).unwrap();
        drop(silent);
    }
}
