use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;
use treq_core::{BoxError, Error, Kind};

use super::entry::{Cut, Message};
use super::recording::Receiving;

pin_project! {
    /// The body of an answer: the server's, copied while it is read, or one of the cassette.
    pub struct CassetteBody<B> {
        #[pin]
        inner: Inner<B>,
    }
}

pin_project! {
    #[project = InnerProjected]
    enum Inner<B> {
        Recorded { #[pin] body: B, receiving: Option<Receiving> },
        Played { played: Played },
    }
}

/// What is left of a recorded body.
struct Played {
    data: Bytes,
    trailers: Option<HeaderMap>,
    cut: Option<Cut>,
    /// Whether its length is told.
    is_sized: bool,
}

impl<B: HttpBody<Data = Bytes>> CassetteBody<B> {
    pub(super) fn recorded(body: B, mut receiving: Option<Receiving>) -> CassetteBody<B> {
        if body.is_end_stream() {
            if let Some(receiving) = &mut receiving {
                receiving.ended();
            }
        }
        CassetteBody { inner: Inner::Recorded { body, receiving } }
    }
}

impl<B> CassetteBody<B> {
    pub(super) fn played(message: Message) -> CassetteBody<B> {
        let Message { body: data, trailers, cut, .. } = message;
        let is_sized = cut.is_none();
        CassetteBody { inner: Inner::Played { played: Played { data, trailers, cut, is_sized } } }
    }

    /// A request's body that was read to look for it, told to be as long as it was before.
    pub(super) fn passed_on(data: Bytes, trailers: Option<HeaderMap>, is_sized: bool) -> CassetteBody<B> {
        CassetteBody { inner: Inner::Played { played: Played { data, trailers, cut: None, is_sized } } }
    }
}

impl Played {
    fn next(&mut self) -> Option<Result<Frame<Bytes>, Error>> {
        if !self.data.is_empty() {
            return Some(Ok(Frame::data(std::mem::take(&mut self.data))));
        }
        if let Some(cut) = self.cut.take() {
            let why = match cut {
                Cut::Dropped => "the recording of this body ends here: the rest was not read when it was made",
                Cut::Failed => "the recording of this body ends here: it failed when it was made",
                Cut::Absent => "the cassette does not have this body: it was left out when the archive was exported",
            };
            self.trailers = None;
            return Some(Err(Error::new(Kind::Body, why)));
        }
        self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers)))
    }

    fn size_hint(&self) -> SizeHint {
        if self.is_sized { SizeHint::with_exact(self.data.len() as u64) } else { SizeHint::new() }
    }
}

impl<B> HttpBody for CassetteBody<B>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError> + 'static,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.project().inner.project() {
            InnerProjected::Played { played } => Poll::Ready(played.next()),
            InnerProjected::Recorded { mut body, receiving } => {
                let frame = ready!(body.as_mut().poll_frame(cx));
                if let Some(receiving) = receiving {
                    receiving.take(frame.as_ref());
                    // Who reads it may stop here, as nothing more comes.
                    if body.is_end_stream() {
                        receiving.ended();
                    }
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Error::from_boxed)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Inner::Recorded { body, .. } => body.is_end_stream(),
            Inner::Played { played } => played.data.is_empty() && played.trailers.is_none() && played.cut.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Recorded { body, .. } => body.size_hint(),
            Inner::Played { played } => played.size_hint(),
        }
    }
}

impl<B> fmt::Debug for CassetteBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.inner {
            Inner::Recorded { .. } => "CassetteBody(recorded)",
            Inner::Played { .. } => "CassetteBody(played)",
        })
    }
}
