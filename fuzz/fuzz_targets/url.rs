//! What parses is safe on the wire and reads back as the same URL; so does what a redirect makes of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol_websocket_url::Url;

fuzz_target!(|text: &str| {
    let base = Url::parse("wss://user:password@example.com/a/b?c").unwrap();
    for url in [Url::parse(text), base.join(text)].into_iter().flatten() {
        assert!(url.resource_name().starts_with('/') && !url.host().is_empty() && url.port() > 0);
        assert!(!url.authority().contains(['@', '/']));
        let shown = url.to_string();
        assert!(shown.bytes().all(|byte| byte.is_ascii_graphic()));
        assert_eq!(Url::parse(&shown).unwrap().to_string(), shown);
    }
});
