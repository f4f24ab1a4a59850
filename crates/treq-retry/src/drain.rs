//! The body of a response that nobody will read.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Buf;
use http_body::Body;

use crate::layer::{Timer, Waiting};

/// How much of it is read, so that its connection can be used again.
const BYTES: usize = 16 * 1024;

/// In how many pieces, so that a body that trickles does not hold up the next attempt.
const FRAMES: usize = 64;

/// What may still be read.
pub(crate) struct Drain {
    bytes: usize,
    frames: usize,
    late: Option<Waiting>,
}

impl Drain {
    /// `None` where nothing is read: there is nothing, or too much.
    pub(crate) fn of<R: Body>(body: &R) -> Option<Drain> {
        let large = body.size_hint().lower() > BYTES as u64;
        (!large && !body.is_end_stream()).then_some(Drain { bytes: BYTES, frames: FRAMES, late: None })
    }

    /// Ready at the body's end, an error too, or at a limit, of which `timer` starts one.
    pub(crate) fn poll<R: Body>(&mut self, mut body: Pin<&mut R>, timer: &Timer, cx: &mut Context<'_>) -> Poll<()> {
        while self.bytes > 0 && self.frames > 0 && !body.is_end_stream() {
            let piece = match body.as_mut().poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => frame.data_ref().map_or(0, Buf::remaining),
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
                Poll::Pending => return self.late.get_or_insert_with(|| timer()).as_mut().poll(cx),
            };
            self.bytes = self.bytes.saturating_sub(piece);
            self.frames -= 1;
        }
        Poll::Ready(())
    }
}
