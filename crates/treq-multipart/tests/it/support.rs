use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::io::{AsyncRead, ReadBuf};
use treq_core::{Error, Kind};
use treq_multipart::{Form, FormBody};

/// The whole body. Its size must have been stated where `exact`, and right in any case.
pub(crate) async fn sent(form: Form) -> Vec<u8> {
    whole(form.encode().expect("the form is good")).await
}

pub(crate) async fn whole<B>(body: B) -> Vec<u8>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Debug,
{
    let announced = body.size_hint().exact();
    let bytes = body.collect().await.expect("the body comes to its end").to_bytes();
    if let Some(announced) = announced {
        assert_eq!(announced, bytes.len() as u64);
    }
    bytes.to_vec()
}

pub(crate) async fn text(form: Form) -> String {
    String::from_utf8(sent(form).await).expect("text in UTF-8")
}

/// What had come when the body failed, and the error. Nothing may follow it.
pub(crate) async fn broken<B>(mut body: B) -> (Vec<u8>, Error)
where
    B: Body<Data = Bytes, Error = treq_core::BoxError> + Unpin,
{
    let mut bytes = Vec::new();
    loop {
        match body.frame().await {
            Some(Ok(frame)) => bytes.extend_from_slice(&frame.into_data().expect("data only")),
            Some(Err(error)) => {
                assert!(body.frame().await.is_none(), "something followed the error");
                return (bytes, Error::from_boxed(error));
            }
            None => panic!("the body ended without an error: {:?}", String::from_utf8_lossy(&bytes)),
        }
    }
}

/// The error of a form that cannot be encoded, its causes in one line with it.
pub(crate) fn refused(form: Form) -> String {
    let error = form.encode().expect_err("the form should be refused");
    assert_eq!(error.kind(), Kind::Builder);
    with_causes(&error)
}

pub(crate) fn with_causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text.push_str(" <- ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// A reader that gives `step` bytes at a time, pending before each, and counts how often it was asked and dropped.
#[derive(Debug)]
pub(crate) struct Trickle {
    rest: Bytes,
    step: usize,
    pending: bool,
    fails: bool,
    pub(crate) watch: Arc<Watch>,
}

#[derive(Debug, Default)]
pub(crate) struct Watch {
    pub(crate) polls: AtomicUsize,
    pub(crate) drops: AtomicUsize,
}

impl Watch {
    pub(crate) fn polls(&self) -> usize {
        self.polls.load(Ordering::SeqCst)
    }

    pub(crate) fn drops(&self) -> usize {
        self.drops.load(Ordering::SeqCst)
    }
}

impl Trickle {
    pub(crate) fn new(bytes: impl Into<Bytes>, step: usize) -> Trickle {
        Trickle { rest: bytes.into(), step, pending: false, fails: false, watch: Arc::default() }
    }

    /// Fails where it would have ended.
    pub(crate) fn failing(bytes: impl Into<Bytes>) -> Trickle {
        let mut trickle = Trickle::new(bytes, 3);
        trickle.fails = true;
        trickle
    }

    fn next(&mut self, cx: &mut Context<'_>, room: usize) -> Poll<io::Result<Bytes>> {
        self.watch.polls.fetch_add(1, Ordering::SeqCst);
        self.pending = !self.pending;
        if self.pending {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.rest.is_empty() && self.fails {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionReset, "the source broke")));
        }
        Poll::Ready(Ok(self.rest.split_to(self.step.min(self.rest.len()).min(room))))
    }
}

impl Drop for Trickle {
    fn drop(&mut self) {
        self.watch.drops.fetch_add(1, Ordering::SeqCst);
    }
}

impl AsyncRead for Trickle {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.get_mut().next(cx, buf.remaining()).map_ok(|bytes| buf.put_slice(&bytes))
    }
}

/// The same as a body of unknown length.
impl Body for Trickle {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.get_mut().next(cx, usize::MAX).map(|piece| match piece {
            Ok(bytes) if bytes.is_empty() => None,
            other => Some(other.map(Frame::data)),
        })
    }
}

/// Name, file name, content type and content of each field, as multer reads them.
pub(crate) type Field = (Option<String>, Option<String>, Option<String>, Vec<u8>);

pub(crate) async fn read_back(body: FormBody) -> Vec<Field> {
    let content_type = body.content_type();
    let boundary = multer::parse_boundary(content_type.to_str().unwrap()).expect("a boundary");
    let mut form = multer::Multipart::new(http_body_util::BodyDataStream::new(body), boundary);
    let mut fields = Vec::new();
    while let Some(field) = form.next_field().await.expect("multer reads on") {
        let (name, file) = (field.name().map(str::to_owned), field.file_name().map(str::to_owned));
        let kind = field.headers().get("content-type").map(|it| it.to_str().unwrap().to_owned());
        fields.push((name, file, kind, field.bytes().await.expect("the field is whole").to_vec()));
    }
    fields
}
