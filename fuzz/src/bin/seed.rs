//! Converts a recorded failure to an input of the fuzz target `open_connection`.
//!
//!     cargo run --manifest-path fuzz/Cargo.toml --bin seed -- FILE [CONNECTION] > fuzz/regressions/open_connection/NAME
//!
//! FILE is a log with the received bytes (`wsconsole --record FILE --record-input`). Without the number CONNECTION, the first
//! connection that ended with an error is converted.

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, Write, stdout};

use protocol_websocket_fuzz::{error_of, seed};
use protocol_websocket_record::{Log, Recording};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("the name of the log is missing")?;
    let recording = Recording::read(Log::new(BufReader::new(File::open(path)?))?)?;
    let connection = match arguments.next() {
        Some(number) => recording.connection(number.parse()?),
        None => recording
            .connections
            .iter()
            .find(|connection| connection.ended.as_ref().is_some_and(|ended| ended.error.is_some())),
    };
    let connection = connection.ok_or("the log has no such connection")?;
    let input = seed(connection).ok_or("the connection did not open, or its input was not recorded")?;
    let recorded = connection.ended.as_ref().and_then(|ended| ended.error.as_deref()).unwrap_or("none");
    let repeated = error_of(&input).map_or_else(|| String::from("none"), |error| error.to_string());
    eprintln!("recorded error: {recorded}\nrepeated error: {repeated}");
    stdout().write_all(&input)?;
    Ok(())
}
