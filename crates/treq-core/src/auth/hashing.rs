use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http_body::{Body, Frame};

use super::BodyHash;
use crate::{BoxError, Error, Kind};

/// A body on its way into the hash of a [`Step::Hash`](super::Step::Hash), for layers: a future of the hash.
///
/// ```
/// use treq_core::Body;
/// use treq_core::auth::{BodyHash, Hashing};
///
/// struct Length(u64);
///
/// impl BodyHash for Length {
///     fn update(&mut self, bytes: &[u8]) {
///         self.0 += bytes.len() as u64;
///     }
///
///     fn finish(self: Box<Self>) -> Vec<u8> {
///         self.0.to_string().into_bytes()
///     }
/// }
///
/// # futures_util::FutureExt::now_or_never(async {
/// let hash = Hashing::new(Body::from("tea"), Box::new(Length(0))).await?;
/// assert_eq!(hash, b"3");
/// # Ok::<(), treq_core::Error>(()) }).unwrap()?;
/// # Ok::<(), treq_core::Error>(())
/// ```
///
/// # Errors
///
/// `Kind::Body`: the body cannot be read.
#[must_use = "futures do nothing unless polled"]
pub struct Hashing<B> {
    body: Pin<Box<B>>,
    /// None when it is finished.
    hash: Option<Box<dyn BodyHash>>,
}

impl<B> Hashing<B> {
    /// Reads this body to its end.
    pub fn new(body: B, hash: Box<dyn BodyHash>) -> Hashing<B> {
        Hashing { body: Box::pin(body), hash: Some(hash) }
    }
}

impl<B> Future for Hashing<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Output = Result<Vec<u8>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Hashing { body, hash } = &mut *self;
        let Some(hashed) = hash else { panic!("Hashing polled after completion") };
        while let Some(frame) = ready!(body.as_mut().poll_frame(cx)) {
            match frame.map(Frame::into_data) {
                Ok(Ok(mut data)) => {
                    while data.has_remaining() {
                        let chunk = data.chunk();
                        hashed.update(chunk);
                        let len = chunk.len();
                        data.advance(len);
                    }
                }
                // Trailers are no part of the content.
                Ok(Err(_)) => {}
                Err(error) => {
                    let message = "the body could not be read for the credentials that cover it";
                    return Poll::Ready(Err(Error::new(Kind::Body, message).with_source(error)));
                }
            }
        }
        Poll::Ready(Ok(hash.take().map(BodyHash::finish).unwrap_or_default()))
    }
}

impl<B> fmt::Debug for Hashing<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hashing").finish_non_exhaustive()
    }
}
