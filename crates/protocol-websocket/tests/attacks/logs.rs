//! Checks that `Debug` of handshake types hides secrets.

use bytes::BytesMut;
use protocol_websocket::{
    Accept, Client, ClientHandshake, Config, Event, Offer, Server, ServerHandshake, Upgrade, Url, Version,
};

use crate::endpoint::{fixed_random, head, masked};

/// The secret that is in all credentials, cookies and tokens: as it is, and in base64.
const SECRETS: [&str; 2] = ["SECRET", "U0VDUkVU"];

fn assert_hidden(name: &str, debug: &str) {
    for secret in SECRETS {
        assert!(!debug.contains(secret), "{name}: {debug}");
    }
}

fn offer() -> Offer {
    let offer = Offer::new().subprotocol("bearer.SECRET").header("X-Api-Key", "SECRET");
    offer.basic_auth("SECRET", "SECRET").cookie("session", "SECRET")
}

#[test]
fn client_debug_output_hides_secrets() {
    let url = Url::parse("wss://user:SECRET@example.com/chat?token=SECRET").unwrap();
    let (offer, mut output) = (offer(), BytesMut::new());
    assert_hidden("url", &format!("{url:?}"));
    assert_hidden("offer", &format!("{offer:?}"));
    let handshake = ClientHandshake::new(&url, &offer, &mut fixed_random, &mut output).unwrap();
    assert_hidden("handshake", &format!("{handshake:?}"));
    let receive = |lines: &str| {
        let mut client = Client::connect(&url, &offer, Config::new(), fixed_random, &mut BytesMut::new()).unwrap();
        assert_hidden("client", &format!("{client:?}"));
        let event = client.receive(&mut BytesMut::from(lines), &mut BytesMut::new()).unwrap().unwrap();
        assert_hidden("event", &format!("{event:?}"));
        event
    };
    let redirect = receive("HTTP/1.1 302 x\r\nLocation: https://u:SECRET@h/?token=SECRET\r\n\r\n");
    assert!(matches!(redirect, Event::Redirect(_)));
    let rejected = receive("HTTP/1.1 401 x\r\nWWW-Authenticate: SECRET\r\nSet-Cookie: session=SECRET\r\n\r\n");
    assert!(matches!(rejected, Event::Rejected(_)));
    let accept = handshake.sent().accept().unwrap();
    let open = receive(&format!(
        "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\
         Sec-WebSocket-Protocol: bearer.SECRET\r\nSet-Cookie: session=SECRET\r\n\r\n",
        String::from_utf8_lossy(&accept)
    ));
    assert!(matches!(open, Event::Open(_)));
}

#[test]
fn request_debug_output_hides_secrets() {
    let lines = "Cookie: session=SECRET\r\nAuthorization: Basic SECRET\r\nX-Api-Key: SECRET\r\n\
                 Sec-WebSocket-Protocol: bearer.SECRET\r\nReferer: https://example.com/?token=SECRET\r\n";
    for version in [Version::Rfc6455, Version::Hybi00] {
        let wire = head(version, "", lines).replace("/smuggled", "/chat?token=SECRET");
        let mut upgrade = ServerHandshake::new().parse(&mut BytesMut::from(&*wire)).unwrap().unwrap();
        assert_hidden("upgrade", &format!("{upgrade:?}"));
        let keys = ["sec-websocket-key", "sec-websocket-key1"].map(|name| upgrade.request().headers().get_str(name));
        for key in keys.into_iter().flatten() {
            assert!(!format!("{upgrade:?}").contains(key), "{version}");
        }
        upgrade = Upgrade::from(upgrade.request().clone());
        let accept = Accept::new().subprotocol("bearer.SECRET").header("X-Token", "SECRET");
        assert_hidden("accept", &format!("{accept:?}"));
        assert_hidden("accepted", &format!("{:?}", upgrade.accept(&accept, &mut BytesMut::new())));

        let (mut server, mut output) = (Server::new(Config::new()), BytesMut::new());
        let mut input = BytesMut::from(&[wire.as_bytes(), &masked(&[])].concat()[..]);
        let event = server.receive(&mut input, &mut output).unwrap().unwrap();
        assert_hidden("event", &format!("{event:?} {server:?}"));
    }
}
