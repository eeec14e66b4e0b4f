//! A client on a blocking socket: says something, waits for the answer, closes.
//!
//! `client ws://127.0.0.1:3000/ TEXT`

use std::env;
use std::io::{Read, Write};
use std::net::TcpStream;

use bytes::BytesMut;
use protocol_websocket::{Client, Close, CloseCode, Config, Event, Offer, OsRandom, Url};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let url = Url::parse(&arguments.next().ok_or("usage: client URL TEXT")?)?;
    let text = arguments.next().ok_or("usage: client URL TEXT")?;
    if url.is_secure() {
        return Err("this example has no TLS; wsconsole has".into());
    }

    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    let mut client = Client::connect(&url, &Offer::new(), Config::new(), OsRandom::new(), &mut output)?;
    let mut stream = TcpStream::connect((url.socket_host(), url.port()))?;
    let mut buffer = [0; 4096];
    loop {
        stream.write_all(&output)?;
        output.clear();
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Ok(client.receive_eof()?);
        }
        input.extend_from_slice(buffer.get(..n).unwrap_or_default());
        while let Some(event) = client.receive(&mut input, &mut output)? {
            match event {
                Event::Open(_) => client.send(text.as_str(), &mut output)?,
                Event::Message(message) => {
                    println!("{}", message.as_text().unwrap_or("(bytes)"));
                    client.close(Close::from(CloseCode::NORMAL), &mut output)?;
                }
                Event::Redirect(redirect) => return Err(format!("look at {} instead", redirect.location()).into()),
                Event::Rejected(answer) => return Err(format!("refused with {}", answer.status()).into()),
                _ => {}
            }
        }
    }
}
