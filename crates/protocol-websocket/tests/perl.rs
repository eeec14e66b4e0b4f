//! Compares recorded results of Perl's `Protocol::WebSocket` 0.26 with ours. `perl/README.md` describes the files.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::cast_possible_truncation)]

#[path = "perl/builds.rs"]
mod builds;
#[path = "perl/client_helper.rs"]
mod client_helper;
#[path = "perl/cookies.rs"]
mod cookies;
#[path = "perl/documents.rs"]
mod documents;
#[path = "perl/frame_decode.rs"]
mod frame_decode;
#[path = "perl/frame_encode.rs"]
mod frame_encode;
#[path = "perl/handshakes.rs"]
mod handshakes;
#[path = "perl/quirks.rs"]
mod quirks;
#[path = "perl/requests.rs"]
mod requests;
#[path = "perl/responses.rs"]
mod responses;
#[path = "perl/url_build.rs"]
mod url_build;
#[path = "perl/url_parse.rs"]
mod url_parse;
#[path = "perl/vectors.rs"]
mod vectors;
