//! TCP connections to a host with one or more addresses.
//!
//! An address that does not respond, such as one of IPv6 behind a broken router, must not cost the whole time of the
//! client. So the next address is tried when the one before has failed or has been silent for a moment, and the first
//! connection is used (RFC 8305 §5, "Happy Eyeballs").

use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, sleep};

/// How long an address may be silent before the next one is tried, as RFC 8305 §8 recommends.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Returns the addresses of a host.
pub(crate) async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let addresses: Vec<_> = lookup_host((host, port)).await?.collect();
    if addresses.is_empty() {
        return Err(io::Error::new(ErrorKind::NotFound, "the name has no address"));
    }
    Ok(addresses)
}

/// Connects to the first address that accepts the connection. The error is that of the last one that failed.
pub(crate) async fn connect(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let stream = first(addresses.into_iter().map(TcpStream::connect)).await?;
    // Messages are written whole, so waiting for more bytes would only delay them.
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn first<T, F: Future<Output = io::Result<T>> + Send>(
    mut attempts: impl Iterator<Item = F> + Send,
) -> io::Result<T> {
    let mut running: Vec<Pin<Box<F>>> = Vec::new();
    let mut delay = pin!(sleep(Duration::ZERO));
    let mut failure = None;
    poll_fn(|context| {
        loop {
            let mut index = 0;
            let mut has_failed = running.is_empty();
            while let Some(attempt) = running.get_mut(index) {
                match attempt.as_mut().poll(context) {
                    Poll::Ready(Ok(stream)) => return Poll::Ready(Ok(stream)),
                    Poll::Ready(Err(error)) => {
                        failure = Some(error);
                        drop(running.swap_remove(index));
                        has_failed = true;
                    }
                    Poll::Pending => index += 1,
                }
            }
            if !has_failed {
                ready!(delay.as_mut().poll(context));
            }
            match attempts.next() {
                Some(attempt) => running.push(Box::pin(attempt)),
                None if running.is_empty() => {
                    return Poll::Ready(Err(failure.take().unwrap_or_else(|| ErrorKind::NotFound.into())));
                }
                None => return Poll::Pending,
            }
            delay.as_mut().reset(Instant::now() + ATTEMPT_DELAY);
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn attempt(number: u32, after: u64, is_ok: bool) -> io::Result<u32> {
        sleep(Duration::from_millis(after)).await;
        if is_ok { Ok(number) } else { Err(io::Error::other(number.to_string())) }
    }

    #[tokio::test(start_paused = true)]
    async fn silent_address_delays_the_next_one_for_a_moment() {
        for (attempts, expected, millis) in [
            (vec![(10, true), (0, true)], Ok(0), 10),
            (vec![(10, false), (10, true)], Ok(1), 20),
            (vec![(1_000_000, false), (10, true)], Ok(1), 260),
            (vec![(1_000_000, false), (1_000_000, false), (10, true)], Ok(2), 510),
            (vec![(400, true), (1_000_000, true)], Ok(0), 400),
            (vec![(300, false), (300, false)], Err("1".to_owned()), 550),
            (vec![(10, false)], Err("0".to_owned()), 10),
        ] {
            let begin = Instant::now();
            let attempts = attempts.into_iter().zip(0..).map(|((after, is_ok), number)| attempt(number, after, is_ok));
            let result = first(attempts).await.map_err(|error| error.to_string());
            assert_eq!((result, begin.elapsed().as_millis()), (expected, millis));
        }
    }
}
