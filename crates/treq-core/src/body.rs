use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;
use sync_wrapper::SyncWrapper;

use crate::{BoxError, TryClone};

/// A request body: nothing, bytes, a body that can be made again, or a one-shot stream.
///
/// Bytes, and what [`from_fn`](Body::from_fn) makes, can be sent a second time (see [`TryClone`]): a layer that follows a
/// 307, answers a challenge or retries asks for a copy before it sends the first. Another body, or a stream, is sent once.
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

type Boxed = Pin<Box<dyn HttpBody<Data = Bytes, Error = BoxError> + Send + Sync>>;
type Make = Arc<dyn Fn() -> Body + Send + Sync>;

enum Inner {
    Bytes(Bytes),
    /// What makes the body, and the one being sent: made when it is first looked at, so that a copy kept for a resend
    /// that never comes opens no file.
    Factory(Make, OnceLock<Body>),
    Stream(Boxed),
}

impl Body {
    /// No body at all: `Content-Length: 0` where the method defines a body, no framing header elsewhere.
    #[must_use]
    pub fn empty() -> Body {
        Body::default()
    }

    /// Any body. What is a `Body` already stays as it is, and one that has ended becomes [`Body::empty`]; every other is sent
    /// once. Its `size_hint` decides the framing: an exact size gives a `Content-Length`, any other is sent chunked.
    ///
    /// ```
    /// use treq_core::Body;
    ///
    /// let body = Body::new(http_body_util::Full::new(bytes::Bytes::from("hello")));
    /// assert_eq!(http_body::Body::size_hint(&body).exact(), Some(5));
    /// ```
    pub fn new<B>(body: B) -> Body
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let mut body = Some(body);
        if let Some(own) = (&mut body as &mut dyn Any).downcast_mut::<Option<Body>>() {
            return own.take().unwrap_or_default();
        }
        match body {
            Some(body) if !body.is_end_stream() => Body::of(Inner::Stream(Box::pin(Shared::new(body)))),
            _ => Body::empty(),
        }
    }

    /// The pieces of a stream, sent once and chunked.
    ///
    /// ```
    /// use treq_core::Body;
    ///
    /// let body = Body::from_stream(futures_util::stream::iter([Ok::<_, std::io::Error>("one"), Ok("two")]));
    /// # assert_eq!(http_body::Body::size_hint(&body).exact(), None);
    /// ```
    pub fn from_stream<S, T, E>(stream: S) -> Body
    where
        S: Stream<Item = Result<T, E>> + Send + 'static,
        T: Into<Bytes> + 'static,
        E: Into<BoxError> + 'static,
    {
        Body::new(Streamed { stream })
    }

    /// A body that is made anew for each sending: a file that is reopened, a form that is encoded again.
    ///
    /// `make` runs when the body is first looked at, once for each sending, and must yield the same bytes each time.
    ///
    /// ```
    /// use treq_core::{Body, TryClone};
    ///
    /// let body = Body::from_fn(|| Body::from_stream(futures_util::stream::iter([Ok::<_, std::io::Error>("tea")])));
    /// assert!(body.try_clone().is_some());
    /// ```
    pub fn from_fn(make: impl Fn() -> Body + Send + Sync + 'static) -> Body {
        Body::of(Inner::Factory(Arc::new(make), OnceLock::new()))
    }

    /// The same body with something around each sending of it: what counts, limits or delays its pieces. It can be sent
    /// again if it could before; `map` runs once for each sending and must keep the bytes as they are.
    ///
    /// ```
    /// use http_body_util::BodyExt as _;
    /// use treq_core::{Body, TryClone};
    ///
    /// let body = Body::from("hello").map_each(|body| Body::new(body.map_err(|error| error)));
    /// assert!(body.try_clone().is_some());
    /// assert_eq!(http_body::Body::size_hint(&body).exact(), Some(5));
    /// ```
    #[must_use]
    pub fn map_each(self, map: impl Fn(Body) -> Body + Send + Sync + 'static) -> Body {
        match self.inner.map(|inner| *inner) {
            None => Body::empty(),
            Some(Inner::Bytes(bytes)) => Body::from_fn(move || map(Body::from(bytes.clone()))),
            Some(Inner::Factory(make, current)) => {
                let current = current.into_inner().map(&map);
                let make: Make = Arc::new(move || map(make()));
                Body::of(Inner::Factory(make, current.map_or_else(OnceLock::new, OnceLock::from)))
            }
            Some(Inner::Stream(stream)) => map(Body::of(Inner::Stream(stream))),
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
            Some(Inner::Factory(make, _)) => Some(Body::of(Inner::Factory(Arc::clone(make), OnceLock::new()))),
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

fn made<'a>(make: &Make, current: &'a OnceLock<Body>) -> &'a Body {
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

/// A copy of the text.
impl From<&String> for Body {
    fn from(text: &String) -> Body {
        text.clone().into()
    }
}

impl From<Cow<'static, str>> for Body {
    fn from(text: Cow<'static, str>) -> Body {
        match text {
            Cow::Borrowed(text) => Body::from(text),
            Cow::Owned(text) => Body::from(text),
        }
    }
}

impl<const N: usize> From<&'static [u8; N]> for Body {
    fn from(bytes: &'static [u8; N]) -> Body {
        Body::from(&bytes[..])
    }
}

from_bytes_like! {
    Vec<u8> => Bytes::from,
    String => Bytes::from,
    Box<[u8]> => Bytes::from,
    &'static str => |text: &'static str| Bytes::from_static(text.as_bytes()),
    &'static [u8] => Bytes::from_static,
}

pin_project! {
    /// A foreign body with its error boxed. It can be looked at from several threads although it need not be `Sync` itself:
    /// only [`poll_frame`](HttpBody::poll_frame), which has it for itself, asks it, and keeps what it says of what is left.
    struct Shared<B> {
        #[pin]
        body: SyncWrapper<B>,
        left: SizeHint,
        ended: bool,
    }
}

impl<B: HttpBody> Shared<B> {
    fn new(body: B) -> Shared<B> {
        let (left, ended) = (body.size_hint(), body.is_end_stream());
        Shared { body: SyncWrapper::new(body), left, ended }
    }
}

impl<B> HttpBody for Shared<B>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        let mut body = this.body.get_pin_mut();
        let frame = ready!(body.as_mut().poll_frame(cx));
        (*this.left, *this.ended) = (body.size_hint(), body.is_end_stream());
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        self.left
    }
}

pin_project! {
    struct Streamed<S> {
        #[pin]
        stream: S,
    }
}

impl<S, T, E> HttpBody for Streamed<S>
where
    S: Stream<Item = Result<T, E>>,
    T: Into<Bytes>,
{
    type Data = Bytes;
    type Error = E;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        let piece = ready!(self.project().stream.poll_next(cx));
        Poll::Ready(piece.map(|piece| piece.map(|bytes| Frame::data(bytes.into()))))
    }
}
