use protocol_websocket_tokio::{Accept, CloseCode, Reject, accept, config};
use tokio::net::TcpListener;

use crate::{open, receive, start};

#[tokio::test]
async fn client_goes_on_after_the_server_was_killed() {
    // On Linux, connections of other tests do not have this address, so that they cannot take the port meanwhile.
    let server = start("chat", &[if cfg!(target_os = "linux") { "127.0.0.2:0" } else { "127.0.0.1:0" }]);
    let url = server.url();
    let address = url.trim_start_matches("ws://").trim_end_matches('/').to_owned();
    let client = start("reconnect", &[&format!("{url}room"), "subscribe"]);
    client.printed(r#"Text("subscribe")"#);
    let mut server = Some(server);
    for count in 0..2 {
        let mut other = open(&format!("{url}room")).await.unwrap();
        let news = format!("news {count}");
        other.send(&news).await.unwrap();
        assert_eq!(receive(&mut other).await, news.as_str().into());
        client.printed(&news);

        drop(server.take()); // kills it
        client.logged("the next attempt");
        server = Some(start("chat", &[&address]));
        client.printed(r#"Text("subscribe")"#);
    }
}

/// Accepts connections, and closes them with these codes, one after the other.
async fn close_with(listener: &TcpListener, codes: &[CloseCode]) {
    for &code in codes {
        let (stream, _) = listener.accept().await.unwrap();
        let mut websocket = accept(stream, config()).await.unwrap().accept(Accept::new()).await.unwrap();
        assert_eq!(websocket.recv().await.unwrap().unwrap(), "subscribe".into());
        websocket.send("welcome").await.unwrap();
        assert!(websocket.close(Some(code.into())).await.clean);
    }
}

#[tokio::test]
async fn client_ends_after_a_permanent_close_code() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    for (last, is_success) in [(CloseCode::POLICY_VIOLATION, false), (CloseCode::NORMAL, true)] {
        let mut client = start("reconnect", &[&url, "subscribe"]);
        close_with(&listener, &[CloseCode::SERVICE_RESTART, last]).await;
        for _ in 0..2 {
            client.printed(r#"Text("welcome")"#);
        }
        assert_eq!(client.wait().success(), is_success);
    }
}

#[tokio::test]
async fn client_ends_after_a_permanent_rejection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = start("reconnect", &[&format!("ws://{}/", listener.local_addr().unwrap()), "subscribe"]);
    for (status, line) in [(503, "the next attempt"), (403, "Rejected")] {
        let (stream, _) = listener.accept().await.unwrap();
        accept(stream, config()).await.unwrap().reject(&Reject::new(status)).await.unwrap();
        client.logged(line);
    }
    assert!(!client.wait().success());
}
