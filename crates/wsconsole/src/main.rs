//! `wsconsole`: a WebSocket console. It sends lines of stdin, prints messages to stdout, and can dump every byte.
#![forbid(unsafe_code)]

mod connect;
mod console;
mod escape;
mod hex;
mod line;
mod note;
mod options;
mod poller;
mod refusal;
mod signals;
mod status;
mod stdin;
mod stdout;
mod stream;
mod tls;
mod transport;

use clap::Parser;

use console::Console;
use note::note;
use options::Options;
use status::{Failure, Status};

fn main() -> Status {
    let options = match Options::try_parse() {
        Ok(options) => options,
        // clap also returns the help and the version as an error.
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { Status::LocalError } else { Status::Clean };
        }
    };
    Console::open(&options).and_then(Console::run).unwrap_or_else(|Failure { status, text }| {
        note(&text);
        status
    })
}
