//! Runs generated inputs through Perl's `Protocol::WebSocket`, in one process, and compares its results with ours.
//!
//! The inputs avoid the differences of `perl/quirks.rs`, so both results must be the same. `peers/install.sh` installs
//! the module.
#![cfg(all(unix, feature = "client", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock};

use bytes::BytesMut;
use proptest::prelude::*;
use protocol_websocket::frame::{MaskKey, Rsv};
use protocol_websocket::http::{Destination, PerlCookie};
use protocol_websocket::{
    Accept, Accepted, Assembler, ClientHandshake, Decoder, Frame, Limits, Negotiated, Offer, OpCode, Outcome, Request,
    Role, ServerHandshake, Url, Version,
};
use serde_json::{Value, json};

const VERSIONS: [Version; 4] = [Version::Hixie75, Version::Hybi00, Version::Hybi10, Version::Rfc6455];

/// Returns the name of a version in Perl's module.
const fn perl_name(version: Version) -> &'static str {
    match version {
        Version::Hixie75 => "draft-hixie-75",
        Version::Hybi00 => "draft-ietf-hybi-00",
        Version::Hybi10 => "draft-ietf-hybi-10",
        _ => "draft-ietf-hybi-17",
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn perl_decodes_our_frames(version in version(), messages in prop::collection::vec(message(), 0..6), mask: Option<[u8; 4]>) {
        let (mut wire, mut events) = (BytesMut::new(), Vec::new());
        for message in &messages {
            let message = message.for_version(version);
            for frame in message.frames() {
                frame.encode(version, mask.map(MaskKey), &mut wire)?;
            }
            events.push((message.opcode.bits(), message.payload));
        }
        let out = run("frame-decode", json!({
            "version": perl_name(version), "api": "bytes", "chunkings": ["each"], "stream_hex": hex(&wire),
        }));
        let perl_events: Vec<_> = out["events"].as_array().unwrap().iter()
            .map(|event| (u8::try_from(event["opcode"].as_u64().unwrap()).unwrap(), bytes(&event["data_hex"])))
            .collect();
        prop_assert_eq!(perl_events, events);
    }

    #[test]
    fn decodes_frames_of_perl(
        version in version(),
        messages in prop::collection::vec(message(), 1..4),
        mask in 1_u32..,
        split in 1_usize..20,
    ) {
        let (mut wire, mut ours, mut expected) = (Vec::new(), BytesMut::new(), Vec::new());
        for message in &messages {
            let message = message.for_version(version);
            for frame in message.frames() {
                let out = run("frame-encode", json!({
                    "version": perl_name(version), "opcode": frame.opcode().bits(), "fin": u8::from(frame.fin()),
                    "masked": 1, "mask": mask, "buffer_hex": hex(frame.payload()),
                }));
                wire.extend(bytes(&out["bytes_hex"]));
                frame.encode(version, Some(MaskKey(mask.to_be_bytes())), &mut ours)?;
            }
            expected.push((message.opcode, message.payload));
        }
        prop_assert_eq!(&wire[..], &ours[..]);
        let mut decoder = Decoder::new(Role::Server).version(version);
        let (mut assembler, mut input, mut read) = (Assembler::new(Limits::default()), BytesMut::new(), Vec::new());
        for piece in wire.chunks(split) {
            input.extend_from_slice(piece);
            while let Some(frame) = decoder.decode(&mut input)? {
                if frame.opcode().is_control() {
                    read.push((frame.opcode(), frame.into_payload().to_vec()));
                } else if let Some(message) = assembler.push(frame)? {
                    read.push((message.kind().opcode(), message.into_bytes().to_vec()));
                }
            }
        }
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn skips_stray_bytes_as_perl_does(bytes in prop::collection::vec(prop_oneof![Just(0_u8), Just(0xFF), 0x61..0x63_u8, 0x80..0x84_u8], 0..40)) {
        // Bytes between the messages of hybi-00 are skipped: only ASCII between 00 and FF counts, up to a Close.
        let out = run("frame-decode", json!({
            "version": "draft-ietf-hybi-00", "api": "text", "chunkings": ["whole"], "stream_hex": hex(&bytes),
        }));
        let mut perl_events: Vec<_> = out["events"].as_array().unwrap().clone();
        if let Some(close) = perl_events.iter().position(|event| event["opcode"] == 8) {
            perl_events.truncate(close + 1);
        }
        let mut decoder = Decoder::new(Role::Server).perl_compat().version(Version::Hybi00);
        let (mut input, mut ours) = (BytesMut::from(&bytes[..]), Vec::new());
        while let Some(frame) = decoder.decode(&mut input)? {
            ours.push((frame.opcode().bits(), without_replacements(frame.payload())));
            if frame.opcode() == OpCode::Close {
                break;
            }
        }
        let perl_events: Vec<_> = perl_events.iter()
            .map(|event| (u8::try_from(event["opcode"].as_u64().unwrap()).unwrap(), without_replacements(&self::bytes(&event["data_hex"]))))
            .collect();
        prop_assert_eq!(ours, perl_events);
    }

    #[test]
    fn accepts_lengths_masks_and_reserved_bits_as_perl_does(bits in 0_u8..8, form in 0_usize..3, len in 0_u8..100, key: [u8; 4], masked: bool) {
        let mut wire = vec![0x82 | bits << 4];
        let mask = u8::from(masked) << 7;
        match form {
            0 => wire.push(mask | len),
            1 => wire.extend([mask | 126, 0, len]),
            _ => wire.extend([mask | 127, 0, 0, 0, 0, 0, 0, 0, len]),
        }
        wire.extend(masked.then_some(key).into_iter().flatten());
        wire.extend(0..len);
        let out = run("frame-decode", json!({
            "version": "draft-ietf-hybi-17", "api": "bytes", "chunkings": ["whole"], "stream_hex": hex(&wire),
        }));
        let frame = Decoder::new(Role::Client).perl_compat().decode(&mut BytesMut::from(&wire[..]))?.unwrap();
        let event = &out["events"][0];
        let bits = [Rsv::RSV1, Rsv::RSV2, Rsv::RSV3].map(|bit| u8::from(frame.rsv().contains(bit)));
        prop_assert_eq!(bytes(&event["data_hex"]), &frame.payload()[..]);
        prop_assert_eq!(&event["rsv"], &json!(bits));
    }

    #[test]
    fn parses_urls_as_perl_does(
        secure: bool,
        host in "[a-z][a-z0-9-]{0,8}(\\.[a-z][a-z0-9]{0,5}){0,3}",
        port in prop::option::of(1_u16..),
        path in "(/[a-zA-Z0-9_~!$&'()*+,;=:@-]{1,6}){0,3}",
        query in "(/?\\?[a-zA-Z0-9/?&=%-]{0,9})?",
    ) {
        prop_assume!(!path.is_empty() || query.is_empty() || query.starts_with('/'));
        // Invalid Punycode is not a host name. Perl's module does not check it.
        prop_assume!(!host.contains("xn--"));
        let text = format!("ws{}://{host}{}{path}{query}", if secure { "s" } else { "" }, port.map_or(String::new(), |port| format!(":{port}")));
        let (url, out) = (Url::parse(&text)?, run("url-parse", json!({ "url": text })));
        let ours = json!({
            "ok": true, "host": url.host(), "port": url.port(), "secure": u8::from(url.is_secure()),
            "resource_name": url.resource_name(), "host_header": url.authority(),
            "to_string": out["to_string"],
        });
        prop_assert_eq!(ours, out);
    }

    #[test]
    fn joins_and_parses_cookies_as_perl_does(pairs in prop::collection::vec(("[a-zA-Z$][a-zA-Z0-9._-]{0,5}", prop::option::of("[a-z =;,/']{1,9}")), 0..5)) {
        let text = String::from_utf8(PerlCookie::join(pairs.iter().map(|(name, value)| (&**name, value.as_deref())))?)?;
        prop_assert_eq!(&run("cookie-build", json!({ "pairs": pairs }))["cookie"], &text);
        let out = run("cookie-parse", json!({ "cookie": text }));
        let value = |value: Cow<'_, [u8]>| String::from_utf8(value.into_owned()).unwrap();
        let ours: Vec<_> = PerlCookie::pairs(&text).map(|(name, read)| json!([name, read.map(value)])).collect();
        prop_assert_eq!(&out["pairs"], &json!(ours));
        prop_assert_eq!(&out["pairs"], &json!(pairs));
    }

    #[test]
    fn perl_parses_our_cookies(
        version in version(),
        cookies in prop::collection::vec(("[a-zA-Z][a-zA-Z0-9._-]{0,5}", prop::collection::vec(cookie_octet(), 1..9)), 0..5),
    ) {
        let offer = cookies.iter().fold(Offer::new().version(version), |offer, (name, value)| offer.cookie(name, value));
        let request = Request::offer(Destination::new("example.com", "/"), &offer, &mut |bytes: &mut [u8]| bytes.fill(7))?;
        let mut wire = BytesMut::new();
        request.encode(&mut wire);
        let out = run("request-parse", json!({ "stream_hex": hex(&wire), "chunkings": ["whole"] }));
        let text = |octets: &[u8]| octets.iter().copied().map(char::from).collect::<String>();
        let sent: Vec<_> = cookies.iter().map(|(name, value)| json!([name, text(value)])).collect();
        prop_assert_eq!(&out["cookies"], &if sent.is_empty() { Value::Null } else { json!(sent) });
        let read: Vec<_> = request.cookies().map(|cookie| json!([cookie.name(), text(cookie.value())])).collect();
        prop_assert_eq!(read, sent);
    }

    #[test]
    fn completes_handshakes_as_perl_does(version in version(), offer in offer(), secure: bool, path in "(/[a-z0-9]{1,5}){1,3}(\\?[a-z=]{1,5})?", seed: u64, split in 1_usize..80) {
        let (mut seed, mut request) = (seed, BytesMut::new());
        let mut random = |buf: &mut [u8]| buf.fill_with(|| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seed.to_be_bytes()[0]
        });
        let url = Url::parse(&format!("ws{}://example.com:81{path}", if secure { "s" } else { "" }))?;
        let offered = Offer::new().perl_compat().version(version).origin(format!("http{}://o", if secure { "s" } else { "" }));
        let offered = offer.iter().fold(offered, |offered, name| offered.subprotocol(name));
        let mut client = ClientHandshake::new(&url, &offered, &mut random, &mut request)?;

        // Perl's server and ours send the same response, and our client accepts it.
        let mut respond = json!({});
        if let Some(name) = offer.first() {
            respond = json!({ "subprotocol": name });
        }
        let pieces: Vec<_> = request.chunks(split).map(<[u8]>::len).collect();
        let out = run("handshake-server", json!({ "stream_hex": hex(&request), "chunkings": [pieces], "respond": respond }));
        let response: Vec<u8> = out["output"].as_array().unwrap().iter().flat_map(|piece| bytes(&piece["bytes_hex"])).collect();
        let (mut input, mut output) = (request.clone(), BytesMut::new());
        let upgrade = ServerHandshake::new().parse(&mut input)?.unwrap();
        let accept = offer.first().map_or(Accept::new(), |name| Accept::new().subprotocol(name)).perl_compat();
        if let Accepted::AwaitingKey3(mut key3) = upgrade.accept(&accept, &mut output)? {
            prop_assert!(key3.parse(&mut input, &mut output).is_some());
        }
        prop_assert_eq!(&response[..], &output[..]);
        prop_assert_eq!(&out["version"], perl_name(version));
        let Some(Outcome::Open(response)) = client.parse(&mut BytesMut::from(&response[..]))? else { panic!("the connection is not open") };
        let expected = Negotiated::default().version(version);
        let expected = offer.first().into_iter().fold(expected, Negotiated::subprotocol);
        prop_assert_eq!(response.into_negotiated(), expected);
    }
}

fn version() -> impl Strategy<Value = Version> {
    prop::sample::select(&VERSIONS[..])
}

/// Generates an octet that does not end a value in Perl either.
fn cookie_octet() -> impl Strategy<Value = u8> {
    prop_oneof![b'a'..=b'z', b'/'..=b':', 0x80..=0xFF_u8]
}

fn offer() -> impl Strategy<Value = Vec<String>> {
    prop::sample::subsequence(vec!["chat".to_string(), "v1.x".into(), "soap".into()], 0..=3)
}

#[derive(Clone, Debug)]
struct Sent {
    opcode: OpCode,
    payload: Vec<u8>,
    /// The positions at which the message is split into fragments.
    splits: Vec<usize>,
}

fn message() -> impl Strategy<Value = Sent> {
    let data = prop_oneof![
        any::<String>().prop_map(|text| (OpCode::Text, text.into_bytes())),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(|bytes| (OpCode::Binary, bytes)),
        prop::collection::vec(any::<u8>(), 0..125).prop_map(|bytes| (OpCode::Ping, bytes)),
        prop::collection::vec(any::<u8>(), 0..125).prop_map(|bytes| (OpCode::Pong, bytes)),
    ];
    (data, prop::collection::vec(any::<prop::sample::Index>(), 0..4)).prop_map(|((opcode, payload), splits)| {
        let mut splits: Vec<_> = splits.into_iter().map(|position| position.index(payload.len() + 1)).collect();
        splits.sort_unstable();
        Sent { opcode, payload, splits }
    })
}

impl Sent {
    /// Returns the message, or a text message in a version that has nothing else.
    fn for_version(&self, version: Version) -> Self {
        if version.has_length_framing() {
            return self.clone();
        }
        let payload = String::from_utf8_lossy(&self.payload).into_owned().into_bytes();
        Self { opcode: OpCode::Text, payload, splits: Vec::new() }
    }

    fn frames(&self) -> Vec<Frame> {
        let splits = if self.opcode.is_control() { &[][..] } else { &self.splits };
        let starts = [&[0], splits].concat();
        let ends = [splits, &[self.payload.len()]].concat();
        let frame = |(at, (&start, &end)): (usize, (&usize, &usize))| {
            let opcode = if at == 0 { self.opcode } else { OpCode::Continuation };
            Frame::new(opcode, self.payload[start..end].to_vec()).with_fin(at == splits.len())
        };
        starts.iter().zip(&ends).enumerate().map(frame).collect()
    }
}

/// Removes U+FFFD, because the number of replacements for one invalid sequence is a listed quirk.
fn without_replacements(text: &[u8]) -> String {
    String::from_utf8_lossy(text).replace('\u{FFFD}', "")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

struct Perl {
    _child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

fn run(kind: &str, input: Value) -> Value {
    let mut perl = perl();
    writeln!(perl.input, "{}", json!({ "kind": kind, "in": input })).unwrap();
    let mut line = String::new();
    perl.output.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

/// Returns the process, which ends when its standard input ends.
fn perl() -> MutexGuard<'static, Perl> {
    static PERL: OnceLock<Mutex<Perl>> = OnceLock::new();
    let perl = PERL.get_or_init(|| {
        let is_installed =
            Command::new("perl").args(["-MProtocol::WebSocket", "-e", "1"]).stderr(Stdio::null()).status();
        if !is_installed.is_ok_and(|status| status.success()) {
            let status = Command::new(script("peers/install.sh")).status().unwrap();
            assert!(status.success(), "tests/peers/install.sh ended with {status}");
        }
        let command = &mut Command::new("perl");
        command.arg(script("perl/record.pl")).arg("--serve").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Mutex::new(Perl { _child: child, input, output })
    });
    perl.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}
