//! `wsconsole`: a WebSocket console. Lines in, messages out, and every byte shown if you ask.
#![forbid(unsafe_code)]

mod console;
mod hex;
mod options;
mod refusal;
mod signals;
mod status;
mod stdin;
mod text;
mod transport;

use clap::Parser;

use console::Console;
use options::Options;
use status::{Failure, Status};
use text::note;

fn main() -> Status {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(answer) => {
            let _ = answer.print();
            return if answer.use_stderr() { Status::Unusable } else { Status::Clean };
        }
    };
    Console::open(&options).and_then(Console::run).unwrap_or_else(|Failure { status, text }| {
        note(&text);
        status
    })
}
