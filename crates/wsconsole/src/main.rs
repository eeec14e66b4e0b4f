//! `wsconsole`: a WebSocket console. It sends lines of stdin, prints messages to stdout, and can dump every byte.
#![forbid(unsafe_code)]

mod above;
mod connect;
mod console;
mod dump;
mod editor;
mod escape;
mod hex;
mod input;
mod line;
mod options;
mod output;
mod proxy;
mod recording;
mod replay;
mod signals;
mod status;
mod style;
mod tls;

use options::Options;
use status::{Failure, Status};

fn main() -> Status {
    let options = match Options::parse_arguments() {
        Ok(options) => options,
        // clap also returns the help and the version as an error.
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { Status::LocalError } else { Status::Clean };
        }
    };
    style::set(options.color);
    run(&options).unwrap_or_else(|Failure { status, text, details }| {
        output::failure(&text);
        details.iter().for_each(|detail| output::note(detail));
        status
    })
}

fn run(options: &Options) -> Result<Status, Failure> {
    let url = match (&options.url, &options.recording.har) {
        (Some(url), _) => url,
        (None, Some(path)) => return recording::print_har(path),
        (None, None) => return Err(Failure::new(Status::LocalError, "the URL is missing")),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(console::run(options, url));
    // The thread that reads stdin, or the lookup of a name, may still wait.
    runtime.shutdown_background();
    status
}
