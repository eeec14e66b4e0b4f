//! Checks that README.md shows the examples `echo` and `readme_*`, that those of this crate echo, that the files and tests
//! exist which the pages of this repository name, and that the code of the pages has no hidden lines.
//! `crates/tokio/tests/readme.rs` runs the programs of the crate for tokio, and `crates/axum/tests/examples.rs` runs that of
//! the crate for axum.
#![cfg(all(feature = "client", feature = "getrandom", feature = "http", feature = "server"))]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::BytesMut;
use protocol_websocket::{Client, Close, CloseCode, Config, Event, Message, Offer, OsRandom, Url};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::spawn_blocking;

#[allow(dead_code, reason = "a program of its own, whose `main` is not run here")]
#[path = "../examples/readme_axum.rs"]
mod axum_program;
#[allow(dead_code, reason = "a program of its own, whose `main` is not run here")]
#[path = "../examples/echo.rs"]
mod echo_program;
#[allow(dead_code, reason = "a program of its own, whose `main` is not run here")]
#[path = "../examples/readme_hyper.rs"]
mod hyper_program;

const README: &str = include_str!("../../../README.md");

#[test]
fn readme_shows_the_programs() {
    let programs = [
        include_str!("../../axum/examples/axum_echo.rs"),
        include_str!("../examples/readme_hyper.rs"),
        include_str!("../examples/echo.rs"),
        include_str!("../../tokio/examples/readme_tokio.rs"),
        include_str!("../../tokio/examples/readme_tokio_client.rs"),
    ];
    for program in programs {
        assert!(README.contains(&format!("\n```rust\n{program}```\n")), "README.md does not show:\n{program}");
    }
    assert_eq!(README.matches("```rust").count(), programs.len());
}

#[test]
fn removed_rules_name_existing_tests() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = include_str!("../../../docs/removed-rules.md");
    let named: Vec<&str> =
        page.split('`').filter(|code| code.contains(".rs") && !code.starts_with("crates/")).collect();
    assert!(!named.is_empty());
    for name in named {
        let (file, test) = name.split_once("::").unwrap_or((name, ""));
        let text = fs::read_to_string(crates.join(file)).unwrap_or_default();
        assert!(!text.is_empty() && text.contains(&format!("fn {test}")), "docs/removed-rules.md: no {name}");
    }
}

#[test]
fn contributing_names_existing_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = include_str!("../../../CONTRIBUTING.md");
    let paths = page
        .split('`')
        .filter(|code| code.starts_with("crates/") && !code.contains(['*', ' ']) && !code.contains("NAME"));
    let mut count = 0;
    for path in paths {
        assert!(root.join(path).exists(), "CONTRIBUTING.md: no {path}");
        count += 1;
    }
    assert!(count > 0);
}

#[test]
fn pages_run_existing_tests() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let pages = [
        README,
        include_str!("../../../CONTRIBUTING.md"),
        include_str!("../../../docs/architecture.md"),
        include_str!("../../../docs/integrating.md"),
        include_str!("../../../docs/performance.md"),
        include_str!("../../../docs/perl-map.md"),
        include_str!("../../../docs/recording.md"),
        include_str!("../../../docs/security.md"),
        include_str!("../../../docs/versions.md"),
    ];
    let mut count = 0;
    for command in pages.iter().flat_map(|page| page.split("cargo test -p ").skip(1)) {
        let command = command.split(['`', '\n']).next().unwrap();
        let package = command.split(' ').next().unwrap();
        let tests = crates.join(package.strip_prefix("protocol-websocket-").unwrap_or(package)).join("tests");
        for test in command.split("--test ").skip(1).map(|rest| rest.split(' ').next().unwrap()) {
            let is_there = tests.join(test).join("main.rs").exists() || tests.join(format!("{test}.rs")).exists();
            assert!(is_there, "no test {test} of {package}: cargo test -p {command}");
            count += 1;
        }
    }
    assert!(count > 0);
}

#[test]
fn architecture_names_existing_files() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = include_str!("../../../docs/architecture.md");
    let tree = page.split("```").nth(1).unwrap();
    let (mut folder, mut count) = (PathBuf::new(), 0);
    for line in tree.lines() {
        // A line of the tree begins with the folder of a crate, or with files of the crate above it.
        if line.starts_with("  ") && !line.starts_with("   ") {
            folder = crates.join(line.split_whitespace().next().unwrap()).join("src");
        }
        for file in line.split_whitespace().filter(|word| word.ends_with(".rs")) {
            let mut folders = ["", "framing", "utf8"].iter().map(|inner| folder.join(inner));
            let is_there = folders.any(|folder| folder.join(file).exists());
            assert!(is_there, "docs/architecture.md: no {file} in {}", folder.display());
            count += 1;
        }
    }
    assert!(count > 0);
}

#[test]
fn code_in_pages_has_no_hidden_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let files_of = |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let folders = files_of(&root.join("crates")).into_iter().chain([root.join("docs"), root]);
    let mut count = 0;
    for page in folders.flat_map(|folder| files_of(&folder)).filter(|file| file.extension() == Some("md".as_ref())) {
        let text = fs::read_to_string(&page).unwrap();
        for block in text.split("```rust").skip(1).map(|rest| rest.split("```").next().unwrap()) {
            // rustdoc hides these lines, and a forge shows them.
            let hidden = block.lines().map(str::trim_start).find(|line| *line == "#" || line.starts_with("# "));
            assert_eq!(hidden, None, "{}", page.display());
            count += 1;
        }
    }
    assert!(count > 0);
}

#[test]
fn hyper_program_echoes() {
    with_listener(async |listener| hyper_program::http(listener.accept().await.unwrap().0).await.unwrap());
}

#[test]
fn axum_program_echoes() {
    with_listener(async |listener| axum::serve(listener, axum_program::router()).await.unwrap());
}

#[test]
fn echo_program_echoes() {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let server =
        std::thread::spawn(move || echo_program::serve(listener.accept().unwrap().0).map_err(|e| e.to_string()));
    check_echo(address);
    server.join().unwrap().unwrap();
}

/// Runs a server on a loopback port, and a client against it.
fn with_listener(serve: impl AsyncFnOnce(TcpListener)) {
    Runtime::new().unwrap().block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = spawn_blocking(move || check_echo(address));
        tokio::select! {
            () = async { serve(listener).await; std::future::pending().await } => {}
            client = client => client.unwrap(),
        }
    });
}

/// Sends a text and a binary message, checks the echo, and makes the closing handshake. The request and the first
/// messages arrive in several reads.
fn check_echo(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let url = Url::parse(&format!("ws://{address}/")).unwrap();
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    let mut client = Client::connect(&url, &Offer::new(), Config::new(), OsRandom::new(), &mut output).unwrap();
    let messages = [Message::from("Hello"), Message::from(vec![7_u8; 100_000])];
    let mut echoes = Vec::new();
    loop {
        for _ in 0..4 {
            stream.write_all(&output.split_to(output.len().min(50))).unwrap();
            // The server reads these bytes before the next ones arrive.
            std::thread::sleep(Duration::from_millis(5));
        }
        stream.write_all(&output.split()).unwrap();
        let mut buffer = [0; 4096];
        let n = stream.read(&mut buffer).unwrap();
        assert!(n > 0, "the server ended the stream early");
        input.extend_from_slice(&buffer[..n]);
        while let Some(event) = client.receive(&mut input, &mut output).unwrap() {
            match event {
                Event::Open(_) => messages.iter().for_each(|message| client.send(message, &mut output).unwrap()),
                Event::Message(message) => echoes.push(message),
                Event::Close(_) => {
                    assert_eq!(echoes, messages);
                    return;
                }
                other => panic!("{other:?}"),
            }
        }
        if echoes.len() == messages.len() {
            client.close(Close::new(CloseCode::NORMAL, ""), &mut output).unwrap();
        }
    }
}
