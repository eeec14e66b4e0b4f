//! A minimal executor for futures that are ready at once.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Returns the result of a future over streams that always have bytes and always accept some.
#[inline]
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    // Some libraries return `Pending` now and then so that other tasks can run.
    for _ in 0..1000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
    panic!("the future is still pending after 1000 polls");
}
