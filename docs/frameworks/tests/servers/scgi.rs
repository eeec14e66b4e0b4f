//! Bytes that are not the variables of SCGI.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::server::Server;

#[tokio::test(flavor = "multi_thread")]
async fn cgi_echo_ends_connections_without_variables() {
    let server = Server::http1(env!("CARGO_BIN_EXE_cgi_echo"));
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"4:a\0b\0.", b"-1:,", b"65536:", b"18446744073709551615:", b"5:a\0b"]
    {
        let mut stream = server.connect().await;
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        // A connection that ends with unread bytes is reset.
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response).await;
        assert!(response.is_empty());
        server.reports("");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cgi_echo_refuses_variables_that_are_not_an_upgrade() {
    let server = Server::http1(env!("CARGO_BIN_EXE_cgi_echo"));
    for (variables, status) in [("", 400), ("HTTP_HOST\0h\0", 426), ("REQUEST_METHOD\0POST\0HTTP_HOST\0h\0", 405)] {
        let mut stream = server.connect().await;
        stream.write_all(format!("{}:{variables},", variables.len()).as_bytes()).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        assert!(response.starts_with(&format!("Status: {status} ")), "{response}");
    }
}
