//! Comparison of origins: scheme, host and port (RFC 6454 §6.2).

/// Returns whether both have the same scheme, host and port. Opaque origins such as `null` never match.
pub(crate) fn is_same(a: &str, b: &str) -> bool {
    match (parts(a), parts(b)) {
        (Some(a), Some(b)) => a.0.eq_ignore_ascii_case(b.0) && a.1.eq_ignore_ascii_case(b.1),
        _ => false,
    }
}

/// Returns whether a page of this origin is from the server with this `Host`. The server uses TLS if `secure`.
pub(crate) fn matches_host(origin: &str, host: &str, secure: bool) -> bool {
    let ours = if secure { "https" } else { "http" };
    parts(origin).is_some_and(|(scheme, authority)| {
        scheme.eq_ignore_ascii_case(ours) && authority.eq_ignore_ascii_case(without_port(ours, host))
    })
}

/// Splits an origin into its scheme, and its host and port. The default port of the scheme is removed.
fn parts(origin: &str) -> Option<(&str, &str)> {
    let (scheme, authority) = origin.split_once("://")?;
    Some((scheme, without_port(scheme, authority)))
}

fn without_port<'a>(scheme: &str, authority: &'a str) -> &'a str {
    let port = if scheme.eq_ignore_ascii_case("https") {
        ":443"
    } else if scheme.eq_ignore_ascii_case("http") {
        ":80"
    } else {
        return authority;
    };
    authority.strip_suffix(port).unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn compares_scheme_host_and_port() {
        let origin = "https://Example.com";
        for same in ["https://example.com", "HTTPS://EXAMPLE.COM", "https://example.com:443"] {
            assert!(is_same(origin, same), "{same}");
        }
        for other in [
            "http://example.com",
            "https://example.com:8443",
            "https://example.com.evil",
            "https://sub.example.com",
            "https://example.com:80",
            "https://example.com/",
            "example.com",
            "*",
            "null",
            "",
        ] {
            assert!(!is_same(origin, other), "{other}");
        }
        assert!(!is_same("null", "null"));
        // Default ports of other schemes are not removed.
        assert!(is_same("app://h:80", "APP://H:80") && !is_same("app://h", "app://h:80"));
    }

    #[test]
    fn compares_hosts_with_their_port() {
        assert!(matches_host("http://localhost:3000", "LOCALHOST:3000", false));
        assert!(matches_host("HTTPS://example.com", "example.com:443", true));
        assert!(matches_host("http://example.com", "example.com", false));
        assert!(matches_host("http://[::1]", "[::1]:80", false));
        for secure in [false, true] {
            assert!(!matches_host("http://localhost:3000", "localhost", secure));
            assert!(!matches_host("http://localhost:3000", "localhost:3001", secure));
            assert!(!matches_host("https://example.com.evil", "example.com", secure));
            assert!(!matches_host("http://example.com http://example.com", "example.com", secure));
            assert!(!matches_host("null", "null", secure));
        }
    }

    #[test]
    fn rejects_pages_of_another_scheme() {
        for scheme in ["chrome-extension", "app", "javascript", "ws", "wss", "", "https "] {
            for secure in [false, true] {
                assert!(!matches_host(&format!("{scheme}://h"), "h", secure), "{scheme}");
            }
        }
        assert!(!matches_host("http://h", "h", true) && !matches_host("http://h", "h:80", true));
        assert!(!matches_host("https://h", "h", false) && !matches_host("https://h", "h:443", false));
    }
}
