use std::io::{self, ErrorKind, Read};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// More than the kernel buffers at both ends.
const MAX_LINGER_BYTES: usize = 16 * 1024 * 1024;
const LINGER_TIMEOUT: Duration = Duration::from_secs(5);

/// Ends the stream after the last write. Drop it afterwards.
fn shutdown(stream: &mut TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    linger(stream, LINGER_TIMEOUT)
}

/// Reads and discards the peer's bytes.
fn linger(stream: &mut TcpStream, timeout: Duration) -> io::Result<()> {
    let deadline = Instant::now() + timeout;
    let (mut buffer, mut remaining) = ([0; 4096], MAX_LINGER_BYTES);
    while remaining > 0 {
        let wait = deadline.saturating_duration_since(Instant::now());
        stream.set_read_timeout(Some(wait.max(Duration::from_millis(1))))?; // zero is an error
        match stream.read(&mut buffer) {
            Ok(0) => break, // the peer has ended the stream, too
            Ok(_) if wait.is_zero() => break,
            Ok(n) => remaining = remaining.saturating_sub(n),
            // The deadline passed and the peer is silent, which is an acceptable end.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
