//! Small grammars: URLs, cookies, extensions, keys.

use bytes::BytesMut;
use protocol_websocket_http::{
    Accept, Cookie, Destination, Key, KeyNumbers, Offer, PerlCookie, Request, RequestHead, Response, SetCookie,
    parse_extensions,
};
use protocol_websocket_url::Url;

/// A parsed URL can be written into a request, and its text parses to an equal URL. The same holds for the target of a
/// redirect. The `url` crate parses the same parts. For each URL that only the `url` crate accepts, there is a known
/// reason.
pub fn url(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    let base = Url::parse("wss://user:password@example.com/a/b?c").unwrap();
    for url in [Url::parse(text), base.join(text)].into_iter().flatten() {
        assert!(url.resource_name().starts_with('/') && !url.host().is_empty() && url.port() > 0);
        assert!(!url.authority().contains(['@', '/']));
        let printed = url.to_string();
        assert!(printed.bytes().all(|byte| byte.is_ascii_graphic()));
        assert_eq!(Url::parse(&printed).unwrap().to_string(), printed);
        // A client can send a request to it.
        let destination = Destination::new(url.authority(), url.resource_name());
        Request::offer(destination, &Offer::new(), &mut |key: &mut [u8]| key.fill(7)).unwrap();
    }
    if let Ok(joined) = base.join(text) {
        let same_server = (joined.is_secure(), joined.authority()) == (true, "example.com");
        let inherited = joined.credentials() == base.credentials();
        assert!(same_server || !inherited || text.contains("user:password@"));
    }
    match (Url::parse(text), ::url::Url::parse(text)) {
        (Ok(ours), Ok(theirs)) => {
            assert_eq!(ours.is_secure(), theirs.scheme() == "wss");
            assert_eq!((Some(ours.host()), Some(ours.port())), (theirs.host_str(), theirs.port_or_known_default()));
            let query = theirs.query().map_or(String::new(), |query| format!("?{query}"));
            assert_eq!(ours.resource_name(), format!("{}{query}", theirs.path()));
            let has_user = !theirs.username().is_empty() || theirs.password().is_some_and(|word| !word.is_empty());
            assert_eq!(ours.credentials().is_some(), has_user);
        }
        (Ok(ours), Err(error)) => panic!("{ours:?}: {error}"),
        (Err(error), Ok(theirs)) => {
            let is_rejected_char =
                |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '\\' | '#' | '%');
            let slashes =
                text.split_once(':').is_some_and(|(_, rest)| rest.starts_with("//") && !rest.starts_with("///"));
            let named = theirs.host_str().is_some_and(|host| !host.is_empty() && !host.contains(['"', '`', '{', '}']));
            let plain = matches!(theirs.scheme(), "ws" | "wss") && slashes && named && theirs.port() != Some(0);
            assert!(!plain || text.contains(is_rejected_char), "{theirs}: {error}");
        }
        (Err(_), Err(_)) => {}
    }
}

/// Each pair of a header is parsed independently of the others. A server parses the cookies that a client offers, and a
/// server that supports the quotes of RFC 2965 finds the same names. Text in Perl's format parses to equal values, and
/// so does a cookie that a server sets. A response contains that cookie unchanged.
pub fn cookies(data: &[u8]) {
    let cookies: Vec<_> = Cookie::parse(data).collect();
    assert!(cookies.iter().copied().eq(data.split(|&byte| byte == b';').flat_map(Cookie::parse)));
    let offer = cookies.iter().fold(Offer::new(), |offer, cookie| offer.cookie(cookie.name(), cookie.value()));
    if let Ok(request) = Request::offer(Destination::new("h", "/"), &offer, &mut |key: &mut [u8]| key.fill(7)) {
        assert!(request.cookies().eq(cookies.iter().copied()));
        let field = request.headers().get("cookie").unwrap_or_default();
        let perls = PerlCookie::pairs(field).map(|(name, _)| name);
        assert!(perls.eq(cookies.iter().map(|cookie| cookie.name())));
    }

    let pairs: Vec<_> = PerlCookie::pairs(data).collect();
    if let Ok(joined) = PerlCookie::join(pairs.iter().map(|(name, value)| (*name, value.as_deref()))) {
        assert_eq!(PerlCookie::pairs(&joined).collect::<Vec<_>>(), pairs);
    }
    let perls: Vec<_> = PerlCookie::parse(data).collect();
    assert!(perls.len() <= pairs.len());
    for cookie in perls {
        let is_it =
            |name: &str, value: Option<&[u8]>| (name, value.unwrap_or_default()) == (cookie.name, &*cookie.value);
        assert!(pairs.iter().any(|(name, value)| is_it(name, value.as_deref())));
    }

    let Some(set) = SetCookie::parse(data) else { return };
    for (set, perl) in [(set.clone(), false), (set.clone().perl_compat(), true)] {
        let Ok(response) = Response::accept(&request(&[]), &Accept::new().cookie(set.clone())) else { continue };
        let field = response.headers().get("set-cookie").unwrap();
        assert_eq!(String::from_utf8_lossy(field), set.to_string());
        let back = SetCookie::parse(field).unwrap();
        assert!(perl || back == set);
    }
}

/// The text of a list of extensions parses to an equal list, in one header or in several. A server receives the
/// extensions that a client offers.
pub fn extensions(data: &[u8]) {
    for one in parse_extensions(data).unwrap_or_default() {
        assert_eq!(parse_extensions(one.to_string()), Ok(vec![one]));
    }
    let headers: Vec<_> = data.split(|&byte| byte == b'\n').collect();
    let Ok(request) = try_request(&headers) else { return };
    let list = request.extensions();
    let printed: Vec<_> = list.iter().map(ToString::to_string).collect();
    if list.is_empty() {
        return assert!(headers.is_empty());
    }
    assert_eq!(self::request(&[printed.join(",").as_bytes()]).extensions(), list);
    assert_eq!(self::request(&printed.iter().map(String::as_bytes).collect::<Vec<_>>()).extensions(), list);
    let offer = list.iter().cloned().fold(Offer::new(), Offer::extension);
    let destination = Destination::new("example.com", "/");
    assert_eq!(Request::offer(destination, &offer, &mut |key: &mut [u8]| key.fill(7)).unwrap().extensions(), list);
    let accept = list.iter().cloned().fold(Accept::new(), Accept::extension);
    assert_eq!(accept.encode(&request, &mut BytesMut::new()).unwrap().extensions, list);
}

fn request(extensions: &[&[u8]]) -> Request {
    try_request(extensions).unwrap()
}

/// Makes a request with these `Sec-WebSocket-Extensions` headers.
fn try_request(extensions: &[&[u8]]) -> Result<Request, protocol_websocket_http::ParseError> {
    let extensions = extensions.iter().map(|&value| ("Sec-WebSocket-Extensions", value));
    RequestHead::from_parts("GET", "/", FIXED.into_iter().chain(extensions)).and_then(Request::from_head)
}

const FIXED: [(&str, &[u8]); 5] = [
    ("Host", b"example.com"),
    ("Upgrade", b"websocket"),
    ("Connection", b"Upgrade"),
    ("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", b"13"),
];

/// Keys follow the RFC and the drafts: 16 bytes in base64, or digits divided by the number of spaces.
pub fn keys(data: &[u8]) {
    let in_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    // The unused bits of the last symbol may have any value.
    let is_key = data.len() == 24 && data.ends_with(b"==") && data[..22].iter().all(in_base64);
    assert_eq!(Key::parse(data).is_some(), is_key);
    if let Some(key) = Key::parse(data) {
        assert_eq!((key.as_str().as_bytes(), key.as_str().parse()), (data, Ok(key)));
        assert!(key.accept()[..27].iter().all(in_base64) && key.accept()[27] == b'=');
    }
    // Version 8 allows keys of up to 64 characters. Spaces around the value are not part of it.
    let mut key = data;
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = key {
        key = rest;
    }
    let padding = key.iter().rev().take(2).take_while(|&&byte| byte == b'=').count();
    let symbols = &key[..key.len() - padding];
    let is_key = !symbols.is_empty() && key.len() <= 64 && symbols.iter().all(in_base64);
    let old = FIXED.into_iter().map(|(name, value)| match name {
        "Sec-WebSocket-Key" => (name, data),
        "Sec-WebSocket-Version" => (name, &b"8"[..]),
        _ => (name, value),
    });
    let old = RequestHead::from_parts("GET", "/", old).and_then(Request::from_head);
    assert_eq!(old.as_ref().is_ok_and(|old| old.key().unwrap().as_str().as_bytes() == key), is_key);
    assert_eq!(old.is_ok(), is_key);

    let at = data.iter().position(|&byte| byte == b'\n').unwrap_or(data.len());
    let (first, second) = data.split_at(at);
    let expected = number(first).zip(number(second));
    let read = KeyNumbers::parse(first, second).map(|keys| (keys.numbers()[0], keys.numbers()[1]));
    assert_eq!(read, expected);
}

fn number(key: &[u8]) -> Option<u32> {
    let digits: String = key.iter().filter(|byte| byte.is_ascii_digit()).map(|&byte| char::from(byte)).collect();
    let spaces = key.iter().filter(|&&byte| byte == b' ').count() as u128;
    // A number with too many digits is invalid.
    let product = if digits.is_empty() { return None } else { digits.parse().unwrap_or(u128::MAX) };
    if spaces == 0 || product > u128::from(u64::MAX) || product % spaces != 0 {
        return None;
    }
    u32::try_from(product / spaces).ok()
}
