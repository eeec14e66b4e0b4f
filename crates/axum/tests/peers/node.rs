//! node's client of HTTP/2, with the frames of the package `ws`, without TLS. `http2_client.mjs` has its side of the test.

use std::collections::BTreeSet;
use std::process::Command;

use super::program;
use super::server::Server;

#[tokio::test]
async fn node_client_over_http2() {
    let mut server = Server::start().await;
    let script = program::script("../../../axum/tests/peers/http2_client.mjs");
    let port = server.address.port().to_string();
    let node = move || program::run(Command::new("node").arg(script).arg(port));
    tokio::task::spawn_blocking(node).await.unwrap();

    let mut ports = BTreeSet::new();
    for (path, negotiated, end) in [
        ("/echo?plain", "chat; ", r#"the peer with 4000 "Größe", clean"#),
        ("/echo?deflate", "; permessage-deflate", r#"the peer with 1005 "", clean"#),
        ("/parts", "; ", r#"the peer with 1000 "", clean"#),
        ("/close", "; ", r#"this end with 4001 "bye", clean"#),
        ("/echo?unmasked", "; ", r#"this end with 1006 "", not clean"#),
        ("/echo?end", "; ", r#"the transport with 1006 "", not clean"#),
        ("/echo?reset", "; ", r#"the transport with 1006 "", not clean"#),
    ] {
        let record = server.record().await;
        assert_eq!(record.text, format!("{path} CONNECT HTTP/2.0 websocket; {negotiated}; ended by {end}"));
        ports.insert(record.port);
    }
    assert_eq!(ports.len(), 1, "{ports:?}");
}
