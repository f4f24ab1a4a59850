use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::{Instant, Sleep};

/// A body of pieces, each of which takes its time; after them it never ends.
pub(crate) struct Slow {
    pieces: VecDeque<Duration>,
    next: Option<Pin<Box<Sleep>>>,
    dropped: Arc<AtomicUsize>,
}

pub(crate) fn slow(pieces: impl IntoIterator<Item = Duration>) -> (Slow, Arc<AtomicUsize>) {
    let dropped = Arc::new(AtomicUsize::new(0));
    (Slow { pieces: pieces.into_iter().collect(), next: None, dropped: Arc::clone(&dropped) }, dropped)
}

impl Drop for Slow {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

impl Body for Slow {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.next.is_none() {
            let Some(piece) = self.pieces.pop_front() else { return Poll::Pending };
            self.next = Some(Box::pin(tokio::time::sleep(piece)));
        }
        let Some(sleep) = &mut self.next else { return Poll::Pending };
        std::task::ready!(sleep.as_mut().poll(cx));
        self.next = None;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"piece")))))
    }
}

/// How long it took, in milliseconds, and what came of it.
pub(crate) async fn timed<T>(future: impl Future<Output = T>) -> (u128, T) {
    let begun = Instant::now();
    let outcome = future.await;
    (begun.elapsed().as_millis(), outcome)
}

pub(crate) fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}
