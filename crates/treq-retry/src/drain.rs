//! The body of a response that nobody will read.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Buf;
use http_body::Body;
use tokio::runtime::Handle;
use tokio::time::{Sleep, sleep};

/// How much of it is read, so that its connection can be used again.
const BYTES: usize = 16 * 1024;

/// In how many pieces, so that a body that trickles does not hold up the next attempt.
const FRAMES: usize = 64;

/// What may still be read.
pub(crate) struct Drain {
    bytes: usize,
    frames: usize,
    late: Option<Pin<Box<Sleep>>>,
}

impl Drain {
    /// `None` where nothing is read: there is nothing, or too much.
    pub(crate) fn of<R: Body>(body: &R) -> Option<Drain> {
        let large = body.size_hint().lower() > BYTES as u64;
        (!large && !body.is_end_stream()).then_some(Drain { bytes: BYTES, frames: FRAMES, late: None })
    }

    /// Ready at the body's end, an error too, or at a limit: `limit` is that on the wait for a late body.
    pub(crate) fn poll<R: Body>(&mut self, mut body: Pin<&mut R>, limit: Duration, cx: &mut Context<'_>) -> Poll<()> {
        while self.bytes > 0 && self.frames > 0 && !body.is_end_stream() {
            let piece = match body.as_mut().poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => frame.data_ref().map_or(0, Buf::remaining),
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
                Poll::Pending => return poll_late(&mut self.late, limit, cx),
            };
            self.bytes = self.bytes.saturating_sub(piece);
            self.frames -= 1;
        }
        Poll::Ready(())
    }
}

/// Ready after `limit`; never outside of a tokio runtime, which has the clock.
fn poll_late(late: &mut Option<Pin<Box<Sleep>>>, limit: Duration, cx: &mut Context<'_>) -> Poll<()> {
    if late.is_none() {
        *late = Handle::try_current().ok().map(|_| Box::pin(sleep(limit)));
    }
    late.as_mut().map_or(Poll::Pending, |sleep| sleep.as_mut().poll(cx))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::pin;
    use std::task::Waker;

    use bytes::Bytes;
    use http_body::Frame;

    use super::*;

    /// A body that never comes.
    struct Never;

    impl Body for Never {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    /// The service's own limits end the body.
    #[test]
    fn a_late_body_is_waited_for_without_a_runtime_too() {
        let mut drain = Drain::of(&Never).unwrap();
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(drain.poll(pin!(Never), Duration::from_millis(50), cx).is_pending());
    }
}
