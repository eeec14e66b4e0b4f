use protocol_websocket::{Close, CloseCode};

use crate::endings::respond;
use crate::program::wsconsole;
use crate::server::{Peer, RunningServer, serve};

#[test]
fn prints_redirect_and_does_not_follow_it() {
    let ended = respond(b"HTTP/1.1 302 Found\r\nLocation: https://other.example/chat\r\n\r\n");
    assert_eq!(ended.status, Some(3));
    assert_eq!(
        ended.notes(),
        ["redirected, not followed: 302 to wss://other.example/chat", "  Location: https://other.example/chat"]
    );
}

#[test]
fn prints_redirect_to_invalid_url() {
    let ended = respond(b"HTTP/1.1 301 Moved\r\nLocation: mailto:a\r\n\r\n");
    assert_eq!(ended.status, Some(3));
    assert!(ended.notes()[0].starts_with("redirected, not followed: 301 to mailto:a ("), "{}", ended.stderr);
}

/// Starts a server that redirects to this URL.
fn redirecting(url: &str) -> RunningServer<()> {
    let response = format!("HTTP/1.1 307 Moved\r\nLocation: {url}\r\n\r\n");
    serve(move |mut peer: Peer| {
        drop(peer.request());
        peer.send_raw(response.as_bytes());
    })
}

#[test]
fn follows_redirects_to_another_port_without_what_is_private() {
    let last = serve(|mut peer: Peer| {
        peer.accept();
        (String::from_utf8_lossy(&peer.read).into_owned(), peer.echo())
    });
    let second = redirecting(&last.url());
    let first = redirecting(&second.url());
    let ended =
        wsconsole(&["--follow-redirects", "-H", "X-Key: secret", "--subprotocol", "chat", &first.url()], "hello");
    assert_eq!((ended.status, &*ended.stdout), (Some(0), "hello\n"), "{}", ended.stderr);
    let connected = |server: u16| format!("connected to 127.0.0.1:{server}");
    assert_eq!(
        ended.notes(),
        [
            &format!("redirected: 307 to {}", second.url()),
            &connected(second.port),
            &format!("redirected: 307 to {}", last.url()),
            &connected(last.port),
            "open",
            "closing with 1000: end of input",
            "closed with 1000",
        ]
    );
    let (request, close) = last.result();
    assert!(!request.contains("secret") && !request.contains("chat"), "{request}");
    assert_eq!(close, Some(Close::from(CloseCode::NORMAL)));
}

#[test]
fn limits_the_number_of_redirects() {
    let last = redirecting("/never");
    let first = redirecting(&last.url());
    let ended = wsconsole(&["--follow-redirects=1", &first.url()], "never sent");
    assert_eq!((ended.status, ended.stdout.len()), (Some(3), 0));
    let note = format!("redirected, not followed: 307 to {}never", last.url());
    assert_eq!(ended.notes()[2], note);
}

#[test]
fn names_the_target_of_the_redirect_that_cannot_be_reached() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = redirecting(&format!("ws://127.0.0.1:{port}/"));
    let ended = wsconsole(&["--follow-redirects", &server.url()], "");
    assert_eq!(ended.status, Some(2));
    let note = ended.notes()[1].to_owned();
    assert!(note.starts_with(&format!("cannot connect to 127.0.0.1:{port}: ")), "{note}");
}
