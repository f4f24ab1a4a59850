use std::time::Duration;

use bytes::Bytes;

/// One step of what a [`RawServer`](crate::RawServer) does on a connection.
///
/// A script that has run out of steps reads what still comes until the client closes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Step {
    /// Reads a request: its head, then a body as long as its `Content-Length` says or in chunks.
    ReadRequest,
    /// Reads the head of a request only.
    ReadHead,
    /// Reads the body of the head read last.
    ReadBody,
    /// Reads exactly so many bytes that belong to no request, such as the preface of HTTP/2.
    ReadBytes(usize),
    /// Reads until the client closes or shuts down its writing side.
    ReadToEnd,
    /// Writes these bytes.
    Send(Bytes),
    /// Writes these bytes piece by piece. In memory each piece is read before the next is written; on a socket each is
    /// a write of its own, which the kernel may still join.
    SendPieces(Vec<Bytes>),
    /// Writes these bytes, `step` at a time, and waits for `every` between.
    Trickle {
        /// All of the bytes.
        bytes: Bytes,
        /// How many of them are written at a time.
        step: usize,
        /// The time between two writes.
        every: Duration,
    },
    /// Does nothing for so long, in tokio's time.
    Sleep(Duration),
    /// Neither reads nor writes until the client closes.
    Stall,
    /// Shuts down the writing side (FIN) and goes on with the script.
    HalfClose,
    /// Closes in order, having taken what has already arrived.
    Close,
    /// Closes by a reset (RST): the client's reads and writes fail.
    Reset,
    /// Begins the script again on this connection.
    Again,
}

impl Step {
    /// [`Step::Send`] of text or bytes.
    pub fn send(bytes: impl Into<Bytes>) -> Step {
        Step::Send(bytes.into())
    }

    /// Writes `bytes` in pieces that end at the given offsets.
    pub fn send_split(bytes: impl Into<Bytes>, offsets: impl IntoIterator<Item = usize>) -> Step {
        let mut rest: Bytes = bytes.into();
        let mut pieces = Vec::new();
        let mut done = 0;
        for offset in offsets {
            let length = offset.saturating_sub(done).min(rest.len());
            if length > 0 {
                pieces.push(rest.split_to(length));
                done += length;
            }
        }
        pieces.push(rest);
        pieces.retain(|piece| !piece.is_empty());
        Step::SendPieces(pieces)
    }

    /// The first `length` of `bytes`; a [`Step::Close`] or [`Step::Reset`] behind it cuts an answer short.
    pub fn send_first(length: usize, bytes: impl Into<Bytes>) -> Step {
        let mut bytes: Bytes = bytes.into();
        bytes.truncate(length);
        Step::Send(bytes)
    }

    /// [`Step::Trickle`] of text or bytes.
    pub fn trickle(bytes: impl Into<Bytes>, step: usize, every: Duration) -> Step {
        Step::Trickle { bytes: bytes.into(), step: step.max(1), every }
    }

    /// [`Step::Sleep`] in milliseconds.
    pub fn sleep_ms(milliseconds: u64) -> Step {
        Step::Sleep(Duration::from_millis(milliseconds))
    }
}
