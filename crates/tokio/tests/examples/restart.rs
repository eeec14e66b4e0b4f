use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use protocol_websocket_tokio::{CloseCode, Connect, Stream, WebSocket};
use test_support::program::{Program, example, kill};
use tokio::net::TcpStream;
use tokio::task::block_in_place;
use tokio::time::sleep;

use crate::{close_code, open, receive};

/// Starts the server. `program` is the file that it starts again.
fn serve(program: impl AsRef<OsStr>) -> (Program, String) {
    let server = Program::start_group(Command::new(example("restart")).arg0(program).arg("127.0.0.1:0"));
    let url = server.url();
    server.logged("process ");
    (server, url)
}

async fn open_and_echo(url: &str) -> WebSocket<Stream> {
    let mut client = open(url).await.unwrap();
    client.send("hello").await.unwrap();
    assert_eq!(receive(&mut client).await, "hello".into());
    client
}

/// Opens connections, one after the other, until `done` is set. Each gets its message back or the announced code, and no
/// connection is refused or reset.
async fn connect_again_and_again(url: String, done: Arc<AtomicBool>, count: Arc<AtomicUsize>) {
    while !done.load(Ordering::Relaxed) {
        let mut client = open(&url).await.expect("a connection");
        // The server may have closed the connection already.
        let _ = client.send("hello").await;
        match client.recv().await {
            Some(message) => {
                assert_eq!(message.expect("an echo"), "hello".into());
                client.close(Some(CloseCode::NORMAL.into())).await;
            }
            None => assert_eq!(client.ended().unwrap().code, CloseCode::SERVICE_RESTART),
        }
        count.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn restart_serves_every_connect_and_announces_1012() {
    let (mut server, url) = serve(example("restart"));
    let address = url.trim_start_matches("ws://").trim_end_matches('/');
    // It is accepted before the others, and sends its request after them.
    let late = TcpStream::connect(address).await.unwrap();
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(open_and_echo(&url).await);
    }
    let (done, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let connecting: Vec<_> = (0..8)
        .map(|_| tokio::spawn(connect_again_and_again(url.clone(), Arc::clone(&done), Arc::clone(&count))))
        .collect();
    let more = |more| {
        let (target, count) = (count.load(Ordering::Relaxed) + more, Arc::clone(&count));
        async move {
            while count.load(Ordering::Relaxed) < target {
                sleep(Duration::from_millis(1)).await;
            }
        }
    };
    more(50).await;

    server.signal("USR2");
    server.logged("process ");
    for client in &mut clients {
        assert_eq!(close_code(client).await, (CloseCode::SERVICE_RESTART, true));
    }
    let (mut late, _) = Connect::new(&url).unwrap().over(late).await.unwrap();
    assert!(late.recv().await.is_none());
    assert_eq!(late.ended().unwrap().code, CloseCode::SERVICE_RESTART);
    drop(late);
    assert!(block_in_place(|| server.wait()).success());
    more(50).await;

    // The new process can be replaced, too.
    let mut client = open_and_echo(&url).await;
    kill("USR2", format!("-{}", server.id()));
    assert_eq!(close_code(&mut client).await, (CloseCode::SERVICE_RESTART, true));
    more(50).await;
    open_and_echo(&url).await;

    done.store(true, Ordering::Relaxed);
    for connecting in connecting {
        connecting.await.unwrap();
    }
}

#[tokio::test]
async fn server_goes_on_if_the_new_process_does_not_start() {
    for program in ["/missing", "/bin/false"] {
        let (server, url) = serve(program);
        let mut client = open_and_echo(&url).await;
        for _ in 0..2 {
            server.signal("USR2");
            server.logged("the restart failed");
            client.send("hello").await.unwrap();
            assert_eq!(receive(&mut client).await, "hello".into());
            open_and_echo(&url).await;
        }
    }
}
