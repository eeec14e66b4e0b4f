//! The URL of a proxy.

use percent_encoding::percent_decode_str;
use protocol_websocket_tokio::Proxy;
use url::Url;

/// Parses `http://HOST:PORT` or `socks5://HOST:PORT`, with or without a user name and a password. The default ports are
/// 80 and 1080.
pub(crate) fn proxy(text: &str) -> Result<Proxy, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or("the URL has no host")?;
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err("the URL of a proxy has no path".into());
    }
    let proxy = match url.scheme() {
        "http" => Proxy::http(host, url.port().unwrap_or(80)),
        // The proxy always resolves the name of the server, which curl calls `socks5h`.
        "socks5" | "socks5h" => Proxy::socks5(host, url.port().unwrap_or(1080)),
        _ => return Err("the schemes are http and socks5".into()),
    };
    if url.username().is_empty() && url.password().is_none() {
        return Ok(proxy);
    }
    let decode = |text| percent_decode_str(text).decode_utf8().map_err(|error| error.to_string());
    Ok(proxy.credentials(decode(url.username())?, decode(url.password().unwrap_or_default())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_scheme_host_port_and_credentials() {
        for (text, expected) in [
            ("http://h", Proxy::http("h", 80)),
            ("http://h:3128/", Proxy::http("h", 3128)),
            ("http://[::1]:3128", Proxy::http("[::1]", 3128)),
            ("socks5://h", Proxy::socks5("h", 1080)),
            ("socks5h://h:9050", Proxy::socks5("h", 9050)),
            ("http://us%65r:p%40ss@h", Proxy::http("h", 80).credentials("user", "p@ss")),
            ("socks5://user@h", Proxy::socks5("h", 1080).credentials("user", "")),
        ] {
            assert_eq!(proxy(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn rejects_other_urls() {
        for text in ["h:3128", "https://h", "ws://h", "http://h/path", "http://h?q", "socks5://", "http://%ff@h", ""] {
            assert!(proxy(text).is_err(), "{text}");
        }
    }
}
