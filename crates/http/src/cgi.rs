//! Request heads from the variables of CGI.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;
use core::str::from_utf8;

use crate::error::ParseError;
use crate::request_head::RequestHead;

impl RequestHead {
    /// Creates a head of HTTP/1.1 from the variables of CGI (RFC 3875 §4.1) and its descendants, such as PSGI, WSGI and FastCGI.
    ///
    /// | variable | part of the head |
    /// |---|---|
    /// | `REQUEST_METHOD` | the method; the default is `GET` |
    /// | `REQUEST_URI` | the target, as the client sent it |
    /// | `SCRIPT_NAME`, `PATH_INFO`, `QUERY_STRING` | the target, if there is no `REQUEST_URI`; the decoded path is percent-encoded again |
    /// | `HTTP_*`, `CONTENT_LENGTH`, `CONTENT_TYPE` | the header fields, in order; `_` in a name becomes `-` |
    ///
    /// Other variables are ignored. [`Accept::secure`](crate::Accept::secure) sets whether the connection is encrypted.
    ///
    /// ```
    /// use protocol_websocket_http::RequestHead;
    ///
    /// let vars = [("SCRIPT_NAME", "/app"), ("PATH_INFO", "/caf\u{e9} au lait"), ("QUERY_STRING", "a=b%20c"), ("HTTP_HOST", "h")];
    /// let head = RequestHead::from_cgi(vars)?;
    /// assert_eq!((head.method(), head.target()), ("GET", "/app/caf%C3%A9%20au%20lait?a=b%20c"));
    /// assert_eq!(head.headers().get_str("host"), Some("h"));
    /// # Ok::<(), protocol_websocket_http::ParseError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ParseError::HttpVersion`] for a `SERVER_PROTOCOL` other than `HTTP/1.1`, and those of
    /// [`from_parts`](Self::from_parts).
    pub fn from_cgi(vars: impl IntoIterator<Item = (impl AsRef<str>, impl AsRef<[u8]>)>) -> Result<Self, ParseError> {
        let mut method = None;
        let mut uri = None;
        let [mut script_name, mut path_info, mut query] = [const { Vec::new() }; 3];
        let mut headers = Vec::new();
        for (name, value) in vars {
            let (name, value) = (name.as_ref(), value.as_ref());
            match name {
                "REQUEST_METHOD" => method = Some(value.to_vec()),
                "REQUEST_URI" => uri = Some(value.to_vec()),
                "SCRIPT_NAME" => script_name = value.to_vec(),
                "PATH_INFO" => path_info = value.to_vec(),
                "QUERY_STRING" => query = value.to_vec(),
                "SERVER_PROTOCOL" if value != b"HTTP/1.1" => return Err(ParseError::HttpVersion),
                // Gateways set them to an empty value for a request without a body.
                "CONTENT_LENGTH" | "CONTENT_TYPE" if value.is_empty() => {}
                "CONTENT_LENGTH" | "CONTENT_TYPE" => headers.push((field(name), value.to_vec())),
                _ => headers.extend(name.strip_prefix("HTTP_").map(|name| (field(name), value.to_vec()))),
            }
        }
        let text = |bytes| String::from_utf8(bytes).map_err(|_| ParseError::RequestLine);
        let method = method.map_or_else(|| Ok("GET".to_string()), text)?;
        let target = match uri.filter(|uri| !uri.is_empty()) {
            Some(uri) => text(uri)?,
            None => target(&[script_name, path_info].concat(), &query)?,
        };
        Self::from_parts(&method, &target, headers)
    }
}

/// Returns the name of the header field for a variable.
fn field(name: &str) -> String {
    name.replace('_', "-")
}

/// Returns the target for a decoded path and a query.
fn target(path: &[u8], query: &[u8]) -> Result<String, ParseError> {
    let mut target = String::new();
    if !path.starts_with(b"/") {
        target.push('/');
    }
    for &byte in path {
        // Writing to memory does not fail.
        let _ = match is_path_char(byte) {
            true => target.write_char(char::from(byte)),
            false => write!(target, "%{byte:02X}"),
        };
    }
    if !query.is_empty() {
        target.push('?');
        target.push_str(from_utf8(query).map_err(|_| ParseError::RequestLine)?);
    }
    Ok(target)
}

/// Returns whether the byte is a `pchar` other than `%`, or the slash between segments (RFC 3986 §3.3).
const fn is_path_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&'..=b',' | b'/' | b':' | b';' | b'=' | b'@')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target_of(vars: &[(&str, &[u8])]) -> Result<String, ParseError> {
        RequestHead::from_cgi(vars.iter().copied()).map(|head| head.target().into())
    }

    fn path(script_name: &[u8], path_info: &[u8], query: &[u8]) -> Result<String, ParseError> {
        target_of(&[("QUERY_STRING", query), ("PATH_INFO", path_info), ("SCRIPT_NAME", script_name)])
    }

    #[test]
    fn encodes_decoded_paths() {
        for (parts, expected) in [
            (["", "", ""], "/"),
            (["", "", "q"], "/?q"),
            (["/app", "", "0"], "/app?0"),
            (["/app", "//x", ""], "/app//x"),
            (["", "x", ""], "/x"),
            (["", "/~u/;v=1,2:3@4", "%2F?"], "/~u/;v=1,2:3@4?%2F?"),
            (["", "/a b?c#d%e\"\r\n", ""], "/a%20b%3Fc%23d%25e%22%0D%0A"),
        ] {
            let [script_name, path_info, query] = parts.map(str::as_bytes);
            assert_eq!(path(script_name, path_info, query).as_deref(), Ok(expected));
        }
        assert_eq!(path(b"", b"/\xFF", b"").as_deref(), Ok("/%FF"));
        for query in [&b"a b"[..], b"a\r\nb", b"\xFF", "é".as_bytes()] {
            assert_eq!(path(b"", b"/", query), Err(ParseError::RequestLine));
        }
    }

    #[test]
    fn prefers_the_raw_target() {
        let both = |uri: &'static [u8]| target_of(&[("PATH_INFO", b"/decoded"), ("REQUEST_URI", uri)]);
        assert_eq!(both(b"/raw%20?x").as_deref(), Ok("/raw%20?x"));
        assert_eq!(both(b"").as_deref(), Ok("/decoded"));
        assert_eq!(both(b"/a b"), Err(ParseError::RequestLine));
    }

    #[test]
    fn converts_variables_to_header_fields() {
        let vars = [
            ("REQUEST_METHOD", "POST"),
            ("SERVER_PROTOCOL", "HTTP/1.1"),
            ("HTTP_SEC_WEBSOCKET_KEY", "k"),
            ("CONTENT_LENGTH", "5"),
            ("CONTENT_TYPE", ""),
            ("HTTPS", "on"),
            ("psgi.url_scheme", "https"),
        ];
        let head = RequestHead::from_cgi(vars).unwrap();
        assert_eq!(head.method(), "POST");
        assert_eq!(head.headers().len(), 2);
        assert_eq!(head.headers().get_str("Sec-WebSocket-Key"), Some("k"));
        assert_eq!(head.headers().get_str("Content-Length"), Some("5"));
    }

    #[test]
    fn rejects_variables_that_are_not_a_head() {
        let rejected = |name: &str, value: &str| RequestHead::from_cgi([(name, value)]).unwrap_err();
        assert_eq!(rejected("SERVER_PROTOCOL", "HTTP/1.0"), ParseError::HttpVersion);
        assert_eq!(rejected("REQUEST_METHOD", "G T"), ParseError::RequestLine);
        assert_eq!(rejected("HTTP_X", "a\r\nb"), ParseError::Field);
        assert_eq!(rejected("HTTP_", "a"), ParseError::Field);
        assert_eq!(rejected("HTTP_A B", "a"), ParseError::Field);
    }
}
