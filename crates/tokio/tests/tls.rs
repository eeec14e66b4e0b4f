//! TLS with certificates that the tests make.
#![cfg(all(feature = "rustls", feature = "server", feature = "url"))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use common::tls::configs;
use protocol_websocket_tokio::rustls::pki_types::PrivateKeyDer;
use protocol_websocket_tokio::rustls::server::WebPkiClientVerifier;
use protocol_websocket_tokio::rustls::{self, ClientConfig, RootCertStore, ServerConfig};
use protocol_websocket_tokio::{
    Accept, Close, CloseCode, Connect, ConnectError, ConnectStep, Incoming, Message, Proxy, Reject, accept, config,
};
use tokio::io::{AsyncReadExt as _, AsyncWrite as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Accepts the path `/`, sends each message back, and redirects all others to `ws`.
async fn server(config: Arc<ServerConfig>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // The client may reject the certificate.
            let Ok(stream) = TlsAcceptor::from(Arc::clone(&config)).accept(stream).await else { continue };
            let incoming = accept(stream, self::config()).await.unwrap();
            if incoming.request().resource_name() != "/" {
                let redirect = Reject::new(302).header("Location", format!("ws://{address}/"));
                incoming.reject(&redirect).await.unwrap();
                continue;
            }
            tokio::spawn(async move {
                let mut websocket = incoming.accept(Accept::new()).await.unwrap();
                while let Some(Ok(message)) = websocket.recv().await {
                    websocket.queue(message).unwrap();
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn messages_pass_over_tls() {
    for (name, host) in [("localhost", "localhost"), ("127.0.0.1", "127.0.0.1")] {
        let (server_config, client_config) = configs(name);
        let port = server(server_config).await.port();
        let connect = Connect::new(&format!("wss://{host}:{port}/")).unwrap().tls(client_config);
        let (mut websocket, _) = connect.await.unwrap();
        for len in [1, 1000, 300_000] {
            let message = Message::from(vec![7; len]);
            websocket.queue(message.clone()).unwrap();
            websocket.flush().await.unwrap();
            assert_eq!(websocket.recv().await.unwrap().unwrap(), message);
        }
        let stream = websocket.get_ref();
        assert!(stream.is_write_vectored());
        assert!(stream.is_encrypted() && stream.tls().unwrap().peer_certificates().is_some());
        assert_eq!(stream.tcp().peer_addr().unwrap().port(), port);
        assert!(format!("{stream:?}").contains("is_encrypted: true"));
        let ended = websocket.close(Close::from(CloseCode::NORMAL));
        assert!(ended.await.clean);
    }
}

#[tokio::test]
async fn other_names_and_unknown_certificates_are_errors() {
    let (server_config, trusting) = configs("other.example");
    let url = format!("wss://localhost:{}/", server(server_config).await.port());
    let (_, distrusting) = configs("localhost");
    for client_config in [trusting, distrusting] {
        let error = Connect::new(&url).unwrap().tls(client_config).await.unwrap_err();
        let ConnectError::Tls(error) = &error else { panic!("{error:?}") };
        let inner = error.get_ref().and_then(|error| error.downcast_ref());
        assert!(matches!(inner, Some(rustls::Error::InvalidCertificate(_))), "{error:?}");
    }
    let error = Connect::new(&url).unwrap().await.unwrap_err();
    assert!(matches!(error, ConnectError::Tls(_)), "{error:?}");
}

#[tokio::test]
async fn redirects_to_ws_are_not_followed() {
    let (server_config, client_config) = configs("localhost");
    let url = format!("wss://localhost:{}/plain", server(server_config).await.port());
    let error = Connect::new(&url).unwrap().tls(client_config).redirects(5).await.unwrap_err();
    assert!(matches!(error, ConnectError::Redirect(redirect) if redirect.is_downgrade()));
}

/// Accepts a TLS connection, responds to its request by `respond`, and returns whether it has a client certificate.
async fn serve_once(
    listener: TcpListener,
    config: Arc<ServerConfig>,
    respond: impl AsyncFnOnce(Incoming<TlsStream<TcpStream>>),
) -> bool {
    let stream = TlsAcceptor::from(config).accept(listener.accept().await.unwrap().0).await.unwrap();
    let has_certificate = stream.get_ref().1.peer_certificates().is_some();
    respond(accept(stream, self::config()).await.unwrap()).await;
    has_certificate
}

#[tokio::test]
async fn redirects_to_another_port_show_no_client_certificate() {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = || PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let chain = vec![made.cert.der().clone()];
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots.clone()), Arc::clone(&provider));
    let server_config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.allow_unauthenticated().build().unwrap())
        .with_single_cert(chain.clone(), key())
        .unwrap();
    let client_config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key())
        .unwrap();

    let listeners = [TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap()];
    let [url, target] = [0, 1].map(|n| format!("wss://localhost:{}/", listeners[n].local_addr().unwrap().port()));
    let server_config = Arc::new(server_config);
    let [first, second] = listeners;
    let redirect = Reject::new(307).header("Location", target);
    let (redirected, accepted, connected) = tokio::join!(
        serve_once(first, Arc::clone(&server_config), async |incoming| incoming.reject(&redirect).await.unwrap()),
        serve_once(second, server_config, async |incoming| drop(incoming.accept(Accept::new()).await.unwrap())),
        Connect::new(&url).unwrap().tls(client_config).redirects(1),
    );
    connected.unwrap();
    assert!(redirected && !accepted, "only the first server sees the certificate");
}

#[tokio::test]
async fn server_without_tls_is_an_error_or_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (_, client_config) = configs("localhost");
    let connect = || {
        let url = format!("wss://localhost:{}/", listener.local_addr().unwrap().port());
        Connect::new(&url).unwrap().tls(Arc::clone(&client_config))
    };
    let error = connect().timeout(Duration::from_millis(100)).await.unwrap_err();
    assert!(matches!(error, ConnectError::Timeout(ConnectStep::Tls)), "{error:?}");
    drop(listener.accept().await.unwrap());
    let (error, ()) = tokio::join!(connect(), async {
        let mut stream = listener.accept().await.unwrap().0;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    assert!(matches!(error, Err(ConnectError::Tls(_))), "{error:?}");
}

#[tokio::test]
async fn tls_passes_through_a_proxy() {
    let (server_config, client_config) = configs("server.invalid");
    let upstream = server(server_config).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::http("127.0.0.1", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        let mut stream = listener.accept().await.unwrap().0;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        assert!(head.starts_with(b"CONNECT server.invalid:443 HTTP/1.1\r\n"));
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let mut upstream = TcpStream::connect(upstream).await.unwrap();
        let _ = copy_bidirectional(&mut stream, &mut upstream).await;
    });
    let connect = Connect::new("wss://server.invalid/").unwrap().tls(client_config).proxy(proxy);
    let (mut websocket, _) = connect.await.unwrap();
    websocket.send("hello").await.unwrap();
    assert_eq!(websocket.recv().await.unwrap().unwrap(), Message::from("hello"));
}
