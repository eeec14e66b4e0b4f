//! Opening handshakes.

use arbitrary::Arbitrary;
use bytes::BytesMut;
use protocol_websocket_connection::{Client, Config, Event, HeadLimits, Limits, Reject, Server, Url};
use protocol_websocket_core::Version;
use protocol_websocket_handshake_client::{ClientHandshake, Outcome};
use protocol_websocket_handshake_server::{Accepted, Upgrade};
use protocol_websocket_http::{
    Accept, Destination, ExtensionParams, HeadReader, Negotiated, Offer, Request, Response, SetCookie, Versions,
};

use crate::input::{bit, every_split, read, records};

const VERSIONS: [Version; 4] = [Version::Rfc6455, Version::Hybi10, Version::Hybi00, Version::Hixie75];

fn config() -> Config {
    Config::new().limits(Limits::new(200)).head_limits(HeadLimits::default().max_len(2048))
}

/// The events as text, and the output.
type Trace = (Vec<String>, BytesMut);

#[derive(Debug, Arbitrary)]
struct ServerInput<'a> {
    options: u8,
    splits: [u8; 4],
    stream: &'a [u8],
}

/// A server has the same events and the same output however its input is split. A client accepts the response to an
/// accepted request. A rejected request has a response with a status code.
pub fn server_handshake(data: &[u8]) {
    let Some(input) = read::<ServerInput<'_>>(data) else { return };
    let supported = Versions::of(&VERSIONS[..1 + usize::from(input.options & 3)]);
    let whole = run_server(&input, supported, &mut [input.stream].into_iter());
    every_split(input.stream, &input.splits, |pieces| assert_eq!(run_server(&input, supported, pieces), whole));
}

fn run_server(input: &ServerInput<'_>, supported: Versions, pieces: &mut dyn Iterator<Item = &[u8]>) -> Trace {
    let mut server = Server::new(config().versions(supported));
    let (mut buffer, mut output, mut events) = (BytesMut::new(), BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match server.receive(&mut buffer, &mut output) {
                Ok(None) => break,
                Ok(Some(Event::Upgrade(upgrade))) => {
                    let mut request = BytesMut::new();
                    upgrade.request().encode(&mut request);
                    events.push(format!("{:?} {request:?}", upgrade.request().version()));
                    assert!(supported.contains(upgrade.request().version()));
                    respond(&mut server, upgrade, bit(input.options, 2), &mut output);
                }
                Ok(Some(event)) => events.push(format!("{event:?}")),
                Err(error) => {
                    assert!(!events.is_empty() || (400..500).contains(&status(&output)), "{error:?}");
                    assert_eq!(server.receive(&mut buffer, &mut output).unwrap_err(), error);
                    events.push(format!("{error:?}"));
                    return (events, output);
                }
            }
        }
    }
    events.push(format!("{:?} {:?}", server.state(), server.receive_eof()));
    (events, output)
}

fn respond(server: &mut Server, upgrade: Upgrade, rejects: bool, output: &mut BytesMut) {
    let request = upgrade.request().clone();
    if rejects {
        server.reject(upgrade, &Reject::new(403).body("no"), output).unwrap();
        return assert_eq!(status(output), 403);
    }
    let accept = request.subprotocols().next().map_or(Accept::new(), |name| Accept::new().subprotocol(name));
    server.accept(upgrade, &accept, output).unwrap();
    let head = HeadReader::default().response(&mut output.clone()).unwrap().unwrap();
    let negotiated = Response::from_head(head, &request).unwrap().into_negotiated();
    assert_eq!(negotiated.subprotocol.as_deref(), request.subprotocols().next());
}

fn status(output: &BytesMut) -> u16 {
    HeadReader::default().response(&mut output.clone()).unwrap().unwrap().status()
}

#[derive(Debug, Arbitrary)]
struct ClientInput<'a> {
    options: u8,
    /// Changes to the valid response: operation and position, and a byte.
    edits: [(u16, u8); 3],
    splits: [u8; 4],
    /// The bytes after the response, or the response itself.
    stream: &'a [u8],
}

/// A client has the same events however its input is split, whether the response is arbitrary or a valid one with
/// changed bytes. A response that opens the connection matches the request and accepts only offered features. An
/// interim response before it changes nothing unless both together exceed the limits.
pub fn client_handshake(data: &[u8]) {
    let Some(input) = read::<ClientInput<'_>>(data) else { return };
    let mut offer = Offer::new().version(VERSIONS[usize::from(input.options & 3)]);
    if bit(input.options, 3) {
        offer = offer.subprotocol("chat").subprotocol("superchat");
    }
    if bit(input.options, 4) && offer.supports_extensions() {
        offer = offer.extension(ExtensionParams::new("x-y").flag("z"));
    }
    let mut stream = if bit(input.options, 2) { BytesMut::new() } else { valid_response(&offer) };
    for &(position, byte) in input.edits.iter().take(usize::from(input.options >> 5 & 3)) {
        edit(&mut stream, position, byte);
    }
    stream.extend_from_slice(input.stream);

    let whole = run_client(&offer, &stream, &mut [&stream[..]].into_iter());
    every_split(&stream, &input.splits, |pieces| assert_eq!(run_client(&offer, &stream, pieces), whole));
    if bit(input.options, 7) {
        let interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
        let after = run_client(&offer, &stream, &mut [interim, &stream[..]].into_iter());
        let is_over_limit = after
            .0
            .last()
            .is_some_and(|event| event.contains("Head(TooLong)") || event.contains("Head(TooManyHeaders)"));
        assert!(after == whole || is_over_limit, "{after:?}");
    }
}

fn edit(stream: &mut BytesMut, position: u16, byte: u8) {
    let at = usize::from(position & 0x3FFF) % (stream.len() + 1);
    let tail = stream.split_off(at);
    match position >> 14 {
        0 => stream.extend_from_slice(&[&[byte], tail.get(1..).unwrap_or_default()].concat()),
        1 => stream.extend_from_slice(&[&[byte], &tail[..]].concat()),
        2 => stream.extend_from_slice(tail.get(usize::from(byte)..).unwrap_or_default()),
        // Duplicates some bytes.
        _ => stream.extend_from_slice(&[tail.get(..usize::from(byte)).unwrap_or(&tail), &tail[..]].concat()),
    }
}

fn valid_response(offer: &Offer) -> BytesMut {
    let (mut wire, mut response) = (BytesMut::new(), BytesMut::new());
    let (mut server, _) = (Server::new(config()), connect(offer, &mut wire));
    while let Some(event) = server.receive(&mut wire, &mut response).unwrap() {
        let Event::Upgrade(upgrade) = event else { continue };
        let subprotocol = upgrade.request().select_subprotocol(&["superchat"]);
        let accept = subprotocol.map_or(Accept::new(), |name| Accept::new().subprotocol(name));
        let accept = upgrade.request().extensions().into_iter().fold(accept, Accept::extension);
        server.accept(upgrade, &accept, &mut response).unwrap();
    }
    response
}

fn connect(offer: &Offer, output: &mut BytesMut) -> Client {
    let url = Url::parse("ws://example.com/chat").unwrap();
    Client::connect(&url, offer, config(), counting(), output).unwrap()
}

/// Returns a source of bytes that are all different.
fn counting() -> impl FnMut(&mut [u8]) + Send + 'static {
    let mut next = 0_u8;
    move |bytes: &mut [u8]| {
        for byte in bytes {
            *byte = next;
            next = next.wrapping_add(37);
        }
    }
}

fn run_client(offer: &Offer, stream: &[u8], pieces: &mut dyn Iterator<Item = &[u8]>) -> Trace {
    let (mut wire, mut output, mut buffer) = (BytesMut::new(), BytesMut::new(), BytesMut::new());
    let mut client = connect(offer, &mut wire);
    let request = Request::parse(&mut wire, HeadLimits::default()).unwrap().unwrap();
    let mut events = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match client.receive(&mut buffer, &mut output) {
                Ok(None) => break,
                Ok(Some(Event::Open(opened))) => {
                    let negotiated = opened.into_negotiated();
                    events.push(format!("{negotiated:?} {:?}", negotiated.subprotocol));
                    check_response(&request, &negotiated, stream, &wire);
                }
                Ok(Some(event)) => events.push(describe(&event)),
                Err(error) => {
                    assert_eq!(client.receive(&mut buffer, &mut output).unwrap_err(), error);
                    events.push(format!("{error:?}"));
                    return (events, output);
                }
            }
        }
    }
    events.push(format!("{:?} {:?}", client.state(), client.receive_eof()));
    (events, output)
}

/// Formats the event with the values that `Debug` hides.
fn describe(event: &Event) -> String {
    let mut head = BytesMut::new();
    match event {
        Event::Rejected(rejected) => rejected.encode(&mut head),
        Event::Redirect(redirect) => head.extend_from_slice(redirect.location().as_bytes()),
        _ => {}
    }
    format!("{event:?} {head:?}")
}

/// Checks the response in `stream` against the request. `key3` has the eight bytes after the request, if any.
fn check_response(request: &Request, negotiated: &Negotiated, stream: &[u8], key3: &[u8]) {
    let mut stream = BytesMut::from(stream);
    let mut heads = std::iter::from_fn(|| HeadReader::default().response(&mut stream).unwrap());
    let head = heads.find(|head| !matches!(head.status(), 100 | 102..200)).unwrap();
    assert_eq!((negotiated.version, head.status()), (request.version(), 101));
    assert!(negotiated.subprotocol.iter().all(|name| request.subprotocols().any(|offered| offered == name)));
    let offered = request.extensions();
    assert!(negotiated.extensions.iter().all(|one| offered.iter().any(|offered| offered.name() == one.name())));
    if let Some(key) = request.key() {
        assert!(head.headers().get_all("sec-websocket-accept").eq([key.accept()]));
    }
    if let Some(numbers) = request.key_numbers() {
        assert!(stream.starts_with(&numbers.digest(key3.try_into().unwrap())));
    }
    if !request.version().has_length_framing() {
        let location = ["sec-websocket-location", "websocket-location"].map(|name| head.headers().get(name));
        assert!(location.contains(&Some(b"ws://example.com/chat")));
    }
}

/// A server accepts every request that an offer can be encoded to, and parses the offered values and no others. A
/// client accepts every response that can be encoded, and both agree on the negotiated values.
pub fn handshake_pair(data: &[u8]) {
    let parameters = Parameters::of(data);
    let destination = Destination::new(&parameters.host, &parameters.path).secure(parameters.secure);
    let Ok(request) = Request::offer(destination, &parameters.offer, &mut counting()) else { return };
    let mut wire = BytesMut::new();
    request.encode(&mut wire);
    let unlimited = HeadLimits::default().max_len(usize::MAX).max_headers(usize::MAX);
    let head = HeadReader::new(unlimited).request(&mut wire).unwrap().unwrap();
    assert_eq!((&head, wire.len()), (request.head(), request.key3().map_or(0, |key3| key3.len())));
    let upgrade = Upgrade::from_head(head).unwrap();
    let parsed = upgrade.request();
    assert_eq!((parsed.host(), parsed.resource_name()), (&*parameters.host, &*parameters.path));
    assert_eq!((parsed.version(), parsed.key()), (request.version(), request.key()));
    assert!(parsed.subprotocols().eq(parameters.subprotocols.iter().map(String::as_str)));
    if !parameters.cookies.is_empty() {
        let sent = parameters.cookies.iter().map(|(name, value)| (&**name, value.as_bytes()));
        assert!(parsed.cookies().map(|cookie| (cookie.name(), cookie.value())).eq(sent));
    }
    for (name, value) in &parameters.headers {
        assert!(parsed.headers().get_all(name).any(|parsed| parsed == value.as_bytes()), "{name}");
    }

    let mut output = BytesMut::new();
    if parameters.reject.encode(&mut output).is_ok() {
        let head = HeadReader::new(unlimited).response(&mut output).unwrap().unwrap();
        assert_eq!(head.status(), parameters.reject.status());
        let length = (head.status() != 304).then(|| output.len().to_string());
        assert_eq!(head.headers().get_str("content-length"), length.as_deref());
        assert!(length.is_some() || output.is_empty());
        output.clear();
    }
    let Ok(accepted) = upgrade.accept(&parameters.accept.secure(parameters.secure), &mut output) else {
        return assert!(output.is_empty());
    };
    let head = HeadReader::new(unlimited).response(&mut output.clone()).unwrap().unwrap();
    let negotiated = match accepted {
        Accepted::Open(negotiated) => negotiated,
        Accepted::AwaitingKey3(mut key3) => key3.parse(&mut wire, &mut output).unwrap(),
    };
    assert!(wire.is_empty());
    let response = Response::from_head(head, &request).unwrap();
    assert_eq!(response.negotiated(), &negotiated);
    // With `perl_compat` all cookies are in one header.
    for (name, value) in parameters.response_headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("Set-Cookie"))
    {
        assert!(response.headers().get_all(name).any(|parsed| parsed == value.as_bytes()), "{name}");
    }

    // The same with `ClientHandshake`, if a URL with these parts exists.
    let scheme = if parameters.secure { "wss" } else { "ws" };
    let Ok(url) = Url::parse(&format!("{scheme}://{}{}", parameters.host, parameters.path)) else { return };
    if (url.authority(), url.resource_name()) == (&parameters.host, &parameters.path) {
        let client = ClientHandshake::new(&url, &parameters.offer, &mut counting(), &mut BytesMut::new());
        let outcome = client.unwrap().limits(unlimited).parse(&mut output).unwrap().unwrap();
        let Outcome::Open(response) = outcome else { panic!("{outcome:?}") };
        assert_eq!((response.into_negotiated(), output.len()), (negotiated, 0));
    }
}

/// The parameters of both endpoints.
struct Parameters {
    host: String,
    path: String,
    secure: bool,
    offer: Offer,
    accept: Accept,
    reject: Reject,
    subprotocols: Vec<String>,
    cookies: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    response_headers: Vec<(String, String)>,
}

impl Parameters {
    fn of(data: &[u8]) -> Self {
        let mut parameters = Self {
            host: "example.com".into(),
            path: "/".into(),
            secure: false,
            offer: Offer::new(),
            accept: Accept::new(),
            reject: Reject::new(403),
            subprotocols: Vec::new(),
            cookies: Vec::new(),
            headers: Vec::new(),
            response_headers: Vec::new(),
        };
        records(data).take(60).for_each(|(kind, first, second)| parameters.set(kind, first, second));
        parameters
    }

    fn set(&mut self, kind: char, first: &str, second: &str) {
        let (offer, accept, reject) = (self.offer.clone(), self.accept.clone(), self.reject.clone());
        match kind {
            'h' => self.host = first.into(),
            'p' => self.path = first.into(),
            'w' => self.secure = !self.secure,
            'v' => self.offer = offer.version(VERSIONS[first.len() % 4]),
            'l' => self.offer = offer.perl_compat(),
            's' => {
                self.subprotocols.push(first.into());
                self.offer = offer.subprotocol(first);
            }
            'e' => self.offer = offer.extension(ExtensionParams::new(first).flag(second)),
            'o' => self.offer = offer.origin(first),
            'c' => {
                self.cookies.push((first.into(), second.into()));
                self.offer = offer.cookie(first, second);
            }
            'b' => self.offer = offer.basic_auth(first, second),
            'f' => {
                self.headers.push((first.into(), second.into()));
                self.offer = offer.header(first, second);
            }
            'L' => self.accept = accept.perl_compat(),
            'S' => self.accept = accept.subprotocol(first),
            'E' => self.accept = accept.extension(ExtensionParams::new(first).param("a", second)),
            'C' => self.accept = accept.cookie(SetCookie::new(first, second).path(second)),
            'F' => {
                self.response_headers.push((first.into(), second.into()));
                self.accept = accept.header(first, second);
            }
            'r' => self.reject = Reject::new(300 + first.len() as u16 % 300),
            'R' => self.reject = reject.reason(first.to_owned()).header("X-Y", second),
            'B' => self.reject = reject.body(first.to_owned()),
            _ => {}
        }
    }
}
