use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use protocol_websocket::{Close, CloseCode};

use crate::program::{DEADLINE, wsconsole};
use crate::server::{Peer, serve};

/// A proxy for one connection.
struct Proxy {
    port: u16,
    requested: Receiver<String>,
}

impl Proxy {
    /// Starts a proxy. `open` reads the request of the client, and returns it with the address of the server.
    fn start(open: fn(&mut TcpStream) -> (String, Option<TcpStream>)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, requested) = channel();
        thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            client.set_read_timeout(Some(DEADLINE)).unwrap();
            let (request, server) = open(&mut client);
            sender.send(request).unwrap();
            if let Some(server) = server {
                let (client_end, server_end) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let up = thread::spawn(move || copy(client_end, server_end));
                copy(server, client);
                up.join().unwrap();
            }
        });
        Self { port, requested }
    }

    fn request(&self) -> String {
        self.requested.recv_timeout(DEADLINE).unwrap()
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

fn read_head(client: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    String::from_utf8(head).unwrap()
}

fn open_http(client: &mut TcpStream) -> (String, Option<TcpStream>) {
    let head = read_head(client);
    let server = TcpStream::connect(head.split(' ').nth(1).unwrap()).unwrap();
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    (head, Some(server))
}

fn refuse_http(client: &mut TcpStream) -> (String, Option<TcpStream>) {
    let head = read_head(client);
    client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n").unwrap();
    (head, None)
}

/// Requires a user name and a password (RFC 1929).
fn open_socks(client: &mut TcpStream) -> (String, Option<TcpStream>) {
    let mut read = |len: u8| {
        let mut bytes = vec![0; len.into()];
        client.read_exact(&mut bytes).unwrap();
        bytes
    };
    let greeting = read(2);
    assert!(greeting[0] == 5 && read(greeting[1]).contains(&2));
    client.write_all(&[5, 2]).unwrap();
    let mut read = |len: u8| {
        let mut bytes = vec![0; len.into()];
        client.read_exact(&mut bytes).unwrap();
        bytes
    };
    let (user_len, mut login) = (read(2)[1], String::new());
    login += &String::from_utf8(read(user_len)).unwrap();
    let password_len = read(1)[0];
    login += &format!(":{}", String::from_utf8(read(password_len)).unwrap());
    client.write_all(&[1, 0]).unwrap();
    let mut head = [0; 4];
    client.read_exact(&mut head).unwrap();
    // CONNECT to an IPv4 address, or to a name.
    let mut len = [4];
    if head[3] == 3 {
        client.read_exact(&mut len).unwrap();
    }
    let (mut host, mut port) = (vec![0; len[0].into()], [0; 2]);
    client.read_exact(&mut host).unwrap();
    client.read_exact(&mut port).unwrap();
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
    let server = TcpStream::connect(("127.0.0.1", u16::from_be_bytes(port))).unwrap();
    (login, Some(server))
}

fn echo(mut peer: Peer) -> Option<Close> {
    peer.accept();
    peer.echo()
}

#[test]
fn connects_through_an_http_proxy() {
    let (server, proxy) = (serve(echo), Proxy::start(open_http));
    let url = format!("http://us%65r:p%40ss@127.0.0.1:{}", proxy.port);
    let ended = wsconsole(&["--proxy", &url, &server.url()], "hello");
    assert_eq!((ended.status, &*ended.stdout), (Some(0), "hello\n"), "{}", ended.stderr);
    assert!(
        ended.stderr.starts_with(&format!("! connected to the proxy 127.0.0.1:{}\n! open", proxy.port)),
        "{}",
        ended.stderr
    );
    let request = proxy.request();
    assert!(request.starts_with(&format!("CONNECT 127.0.0.1:{} HTTP/1.1\r\n", server.port)), "{request}");
    // user:p@ss
    assert!(request.contains("Basic dXNlcjpwQHNz\r\n"), "{request}");
    assert_eq!(server.result(), Some(Close::from(CloseCode::NORMAL)));
}

#[test]
fn connects_through_a_socks5_proxy() {
    let (server, proxy) = (serve(echo), Proxy::start(open_socks));
    let url = format!("socks5://user:p%40ss@127.0.0.1:{}", proxy.port);
    let ended = wsconsole(&["--proxy", &url, &server.url()], "hello");
    assert_eq!((ended.status, &*ended.stdout), (Some(0), "hello\n"), "{}", ended.stderr);
    assert_eq!(proxy.request(), "user:p@ss");
    assert_eq!(server.result(), Some(Close::from(CloseCode::NORMAL)));
}

#[test]
fn proxy_that_refuses_exits_with_2() {
    let proxy = Proxy::start(refuse_http);
    let ended = wsconsole(&["--proxy", &format!("http://127.0.0.1:{}", proxy.port), "ws://h.invalid/"], "");
    assert_eq!(ended.status, Some(2));
    let start = "! cannot connect to h.invalid:80: proxy failed: ";
    assert!(ended.stderr.starts_with(start) && ended.stderr.contains("407"), "{}", ended.stderr);
}

#[test]
fn proxy_that_cannot_be_reached_exits_with_2() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ended = wsconsole(&["--proxy", &format!("socks5://127.0.0.1:{port}"), "ws://h.invalid/"], "");
    assert_eq!(ended.status, Some(2));
    assert!(ended.stderr.starts_with("! cannot connect to h.invalid:80: proxy failed: "), "{}", ended.stderr);
}
