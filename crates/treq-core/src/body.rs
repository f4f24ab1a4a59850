use std::cell::OnceCell;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::{BoxError, TryClone};

/// A request body: nothing, bytes, a body that can be made again, or a one-shot stream.
///
/// Everything but a [stream](Body::stream) can be sent a second time (see [`TryClone`]): a layer that follows a
/// 307, answers a challenge or retries asks for a copy before it sends the first.
///
/// ```
/// use treq_core::{Body, TryClone};
///
/// let body = Body::from("hello");
/// assert!(body.try_clone().is_some());
/// assert_eq!(http_body::Body::size_hint(&body).exact(), Some(5));
/// ```
#[derive(Default)]
pub struct Body {
    /// Boxed, since most requests have none and every move of a request moves it.
    inner: Option<Box<Inner>>,
}

type Boxed = Pin<Box<dyn HttpBody<Data = Bytes, Error = BoxError> + Send>>;
type Make = Arc<dyn Fn() -> Body + Send + Sync>;

enum Inner {
    Bytes(Bytes),
    /// What makes the body, and the one being sent: made when it is first looked at, so that a copy kept for a resend
    /// that never comes opens no file.
    Factory(Make, OnceCell<Body>),
    Stream(Boxed),
}

impl Body {
    /// No body at all: `Content-Length: 0` where the method defines a body, no framing header elsewhere.
    #[must_use]
    pub fn empty() -> Body {
        Body::default()
    }

    /// A body that is made anew for each sending: a file that is reopened, a form that is encoded again.
    ///
    /// `make` runs when the body is first looked at, once for each sending, and must yield the same bytes each time.
    pub fn factory(make: impl Fn() -> Body + Send + Sync + 'static) -> Body {
        Body::of(Inner::Factory(Arc::new(make), OnceCell::new()))
    }

    /// A body that can be sent once. Its `size_hint` decides the framing: an exact size gives a `Content-Length`,
    /// any other is sent chunked.
    pub fn stream<B>(body: B) -> Body
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Body::of(Inner::Stream(Box::pin(BoxedError { body })))
    }

    /// The same body with something around each sending of it: what counts, limits or delays its pieces. It can be sent
    /// again if it could before; `wrap` runs once for each sending and must keep the bytes as they are.
    ///
    /// ```
    /// use treq_core::{Body, TryClone};
    ///
    /// let body = Body::from("hello").wrap(|body| Body::stream(body));
    /// assert!(body.try_clone().is_some());
    /// assert_eq!(http_body::Body::size_hint(&body).exact(), Some(5));
    /// ```
    #[must_use]
    pub fn wrap(self, wrap: impl Fn(Body) -> Body + Send + Sync + 'static) -> Body {
        match self.inner.map(|inner| *inner) {
            None => Body::empty(),
            Some(Inner::Bytes(bytes)) => Body::factory(move || wrap(Body::from(bytes.clone()))),
            Some(Inner::Factory(make, current)) => {
                let current = current.into_inner().map(&wrap);
                let make: Make = Arc::new(move || wrap(make()));
                Body::of(Inner::Factory(make, current.map_or_else(OnceCell::new, OnceCell::from)))
            }
            Some(Inner::Stream(stream)) => wrap(Body::of(Inner::Stream(stream))),
        }
    }

    fn of(inner: Inner) -> Body {
        Body { inner: Some(Box::new(inner)) }
    }

    /// The bytes, where the whole body is in memory.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self.inner.as_deref() {
            None => Some(&[]),
            Some(Inner::Bytes(bytes)) => Some(bytes),
            Some(Inner::Factory(..) | Inner::Stream(_)) => None,
        }
    }
}

impl TryClone for Body {
    fn try_clone(&self) -> Option<Body> {
        match self.inner.as_deref() {
            None => Some(Body::empty()),
            Some(Inner::Bytes(bytes)) => Some(Body::from(bytes.clone())),
            Some(Inner::Factory(make, _)) => Some(Body::of(Inner::Factory(Arc::clone(make), OnceCell::new()))),
            Some(Inner::Stream(_)) => None,
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        match this.inner.as_deref_mut() {
            None => Poll::Ready(None),
            Some(Inner::Bytes(bytes)) => {
                let bytes = std::mem::take(bytes);
                this.inner = None;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Some(Inner::Factory(make, current)) => {
                made(make, current);
                match current.get_mut() {
                    Some(body) => Pin::new(body).poll_frame(cx),
                    None => Poll::Ready(None),
                }
            }
            Some(Inner::Stream(stream)) => stream.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self.inner.as_deref() {
            None => true,
            Some(Inner::Bytes(bytes)) => bytes.is_empty(),
            Some(Inner::Factory(make, current)) => made(make, current).is_end_stream(),
            Some(Inner::Stream(stream)) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self.inner.as_deref() {
            None => SizeHint::with_exact(0),
            Some(Inner::Bytes(bytes)) => SizeHint::with_exact(bytes.len() as u64),
            Some(Inner::Factory(make, current)) => made(make, current).size_hint(),
            Some(Inner::Stream(stream)) => stream.size_hint(),
        }
    }
}

fn made<'a>(make: &Make, current: &'a OnceCell<Body>) -> &'a Body {
    current.get_or_init(|| make())
}

impl fmt::Debug for Body {
    /// Names the kind and the length only: bodies carry secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.inner.as_deref() {
            None => f.write_str("Body(empty)"),
            Some(Inner::Bytes(bytes)) => write!(f, "Body({} bytes)", bytes.len()),
            Some(Inner::Factory(..)) => f.write_str("Body(factory)"),
            Some(Inner::Stream(_)) => f.write_str("Body(stream)"),
        }
    }
}

impl From<()> for Body {
    fn from((): ()) -> Body {
        Body::empty()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Body {
        if bytes.is_empty() { Body::empty() } else { Body::of(Inner::Bytes(bytes)) }
    }
}

macro_rules! from_bytes_like {
    ($($of:ty => $make:expr),+ $(,)?) => {$(
        impl From<$of> for Body {
            fn from(value: $of) -> Body {
                Body::from($make(value))
            }
        }
    )+};
}

from_bytes_like! {
    Vec<u8> => Bytes::from,
    String => Bytes::from,
    Box<[u8]> => Bytes::from,
    &'static str => |text: &'static str| Bytes::from_static(text.as_bytes()),
    &'static [u8] => Bytes::from_static,
}

pin_project! {
    /// A foreign body with its error boxed, unless it is a [`BoxError`] already.
    struct BoxedError<B> {
        #[pin]
        body: B,
    }
}

impl<B> HttpBody for BoxedError<B>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.project().body.poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
