use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, SizeHint};
use treq_core::BoxError;

/// What a body said of itself, and what it then yielded.
#[derive(Debug)]
pub(super) struct Observed {
    /// `size_hint` and `is_end_stream` before the first poll.
    pub(super) hint: SizeHint,
    pub(super) ended: bool,
    pub(super) data: BytesMut,
    pub(super) trailers: Option<HeaderMap>,
    pub(super) error: Option<BoxError>,
    /// Where it said that it was at its end and a frame came yet.
    pub(super) lied: bool,
}

impl Observed {
    /// Looks at a body that was not polled yet.
    pub(super) fn of(body: &impl Body) -> Observed {
        Observed {
            hint: body.size_hint(),
            ended: body.is_end_stream(),
            data: BytesMut::new(),
            trailers: None,
            error: None,
            lied: false,
        }
    }

    /// Reads it to its end or its error.
    pub(super) fn poll_end<B>(&mut self, mut body: Pin<&mut B>, cx: &mut Context<'_>) -> Poll<()>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        loop {
            let ended = body.is_end_stream();
            let frame = match ready!(body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => {
                    self.error = Some(error.into());
                    return Poll::Ready(());
                }
                None => return Poll::Ready(()),
            };
            self.lied |= ended;
            match frame.into_data() {
                Ok(data) => self.data.extend_from_slice(&data),
                Err(frame) => self.trailers = frame.into_trailers().ok().or(self.trailers.take()),
            }
        }
    }

    /// The fault in what reached `self` of a body of which `sent` is what it is itself, where there is one.
    pub(super) fn differs_from(&self, sent: &Observed, whose: &str) -> Option<String> {
        let bounds = |hint: &SizeHint| (hint.lower(), hint.upper());
        if let Some(error) = &self.error {
            return Some(format!("fails the {whose} body, which has no fault: {error}"));
        }
        if self.lied {
            return Some(format!("says is_end_stream of the {whose} body before its last frame"));
        }
        if bounds(&self.hint) != bounds(&sent.hint) {
            let (was, is) = (told(&sent.hint), told(&self.hint));
            return Some(format!("loses the size_hint of the {whose} body: the inner one says {was}, its own {is}"));
        }
        if self.ended != sent.ended {
            return Some(format!("loses is_end_stream of the {whose} body, which is empty"));
        }
        if self.data != sent.data {
            return Some(format!("changes the {whose} body: {:?} became {:?}", sent.data, self.data));
        }
        match (&sent.trailers, &self.trailers) {
            (Some(_), None) => Some(format!("drops the trailers of the {whose} body")),
            (sent, own) if sent != own => Some(format!("changes the trailers of the {whose} body: {own:?}")),
            _ => None,
        }
    }
}

fn told(hint: &SizeHint) -> String {
    match (hint.lower(), hint.upper()) {
        (lower, Some(upper)) if lower == upper => format!("exactly {lower} bytes"),
        (lower, Some(upper)) => format!("{lower} to {upper} bytes"),
        (lower, None) => format!("{lower} bytes or more"),
    }
}
