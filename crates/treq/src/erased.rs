//! The one place where the type of the stack is forgotten, at one allocation per request: what is first the future is
//! then the body.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response, response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;
use sync_wrapper::SyncWrapper;
use tower_service::Service;
use treq_core::{Body, BoxError, Error, Facts};

use crate::stack::{LayeredBody, facts};

/// A stack of any type.
#[derive(Clone)]
pub(crate) struct Stack(Arc<dyn Call>);

trait Call: Send + Sync {
    fn call(&self, request: Request<Body>) -> Exchange;
}

/// An exchange of any type: its head, then its body.
type Exchange = Pin<Box<dyn Poller>>;

trait Poller: Send + Sync {
    fn poll_head(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<response::Parts, Error>>;
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>>;
    fn is_end_stream(&self) -> bool;
    fn size_hint(&self) -> SizeHint;
    /// `None` where the body does not say: then it may be an extension that does.
    fn facts(&self) -> Option<&Facts>;
}

impl Stack {
    pub(crate) fn new<S, B>(service: S) -> Stack
    where
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError> + 'static,
        S::Future: Send,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError> + 'static,
    {
        Stack(Arc::new(Typed(service)))
    }

    #[inline]
    pub(crate) fn call(&self, request: Request<Body>) -> ServiceFuture {
        ServiceFuture { exchange: Some(self.0.call(request)) }
    }
}

/// A service of any type: what the layers of a [`ClientBuilder`](crate::ClientBuilder) are put around.
#[derive(Clone)]
pub struct BoxService(pub(crate) Stack);

impl Service<Request<Body>> for BoxService {
    type Response = Response<ResponseBody>;
    type Error = Error;
    type Future = ServiceFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // It is cloned for each request and made ready there.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> ServiceFuture {
        self.0.call(request)
    }
}

impl fmt::Debug for BoxService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxService")
    }
}

struct Typed<S>(S);

impl<S, B> Call for Typed<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError> + 'static,
    S::Future: Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError> + 'static,
{
    fn call(&self, request: Request<Body>) -> Exchange {
        // The layers are called when it is first polled, so that they have a runtime around them.
        let stage = Stage::Readying { service: self.0.clone(), request: Some(request) };
        Box::pin(Running { stage, said: Said { ended: false, left: SizeHint::default(), facts: None } })
    }
}

pin_project! {
    struct Running<S, F, B> {
        #[pin]
        stage: Stage<S, F, B>,
        said: Said,
    }
}

pin_project! {
    #[project = StageProj]
    enum Stage<S, F, B> {
        Readying { service: S, request: Option<Request<Body>> },
        // Neither the future nor the body need be `Sync`: only who polls asks them, and keeps what the body says.
        Calling { #[pin] future: SyncWrapper<F> },
        Body { #[pin] body: SyncWrapper<B> },
    }
}

/// What a body says of itself.
struct Said {
    ended: bool,
    left: SizeHint,
    facts: Option<Facts>,
}

impl Said {
    #[inline]
    fn ask<B: HttpBody>(&mut self, body: &B) {
        self.ended = body.is_end_stream();
        if !self.ended {
            self.left = body.size_hint();
        }
    }
}

impl<S, B> Poller for Running<S, S::Future, B>
where
    S: Service<Request<Body>, Response = Response<B>> + Send + Sync,
    S::Error: Into<BoxError> + 'static,
    S::Future: Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError> + 'static,
{
    fn poll_head(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<response::Parts, Error>> {
        let mut this = self.project();
        loop {
            match this.stage.as_mut().project() {
                StageProj::Readying { service, request } => {
                    ready!(service.poll_ready(cx)).map_err(Error::from_boxed)?;
                    let Some(request) = request.take() else { return Poll::Pending };
                    let future = SyncWrapper::new(service.call(request));
                    this.stage.set(Stage::Calling { future });
                }
                StageProj::Calling { future } => {
                    let (head, body) = ready!(future.get_pin_mut().poll(cx)).map_err(Error::from_boxed)?.into_parts();
                    this.stage.set(Stage::Body { body: SyncWrapper::new(body) });
                    if let StageProj::Body { body } = this.stage.project() {
                        let body = &*body.get_pin_mut();
                        this.said.ask(body);
                        this.said.facts = (body as &dyn Any).downcast_ref::<LayeredBody>().and_then(facts).cloned();
                    }
                    return Poll::Ready(Ok(head));
                }
                StageProj::Body { .. } => return Poll::Pending,
            }
        }
    }

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.project();
        let StageProj::Body { body } = this.stage.project() else { return Poll::Ready(None) };
        let mut body = body.get_pin_mut();
        let frame = ready!(body.as_mut().poll_frame(cx));
        this.said.ask(&*body);
        Poll::Ready(frame.map(|frame| frame.map_err(Error::from_boxed)))
    }

    fn is_end_stream(&self) -> bool {
        self.said.ended
    }

    fn size_hint(&self) -> SizeHint {
        if self.said.ended { SizeHint::with_exact(0) } else { self.said.left }
    }

    fn facts(&self) -> Option<&Facts> {
        self.said.facts.as_ref()
    }
}

/// A body that no exchange of this client yields: bytes that were read before, and another body behind them.
struct Given {
    first: Option<Result<Bytes, Error>>,
    rest: Body,
}

impl Poller for Given {
    fn poll_head(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<response::Parts, Error>> {
        Poll::Pending
    }

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(first.map(Frame::data))),
            None => Pin::new(&mut self.rest).poll_frame(cx).map_err(Error::from_boxed),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let more = match &self.first {
            Some(Ok(bytes)) => bytes.len() as u64,
            Some(Err(_)) => return SizeHint::default(),
            None => 0,
        };
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(more));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(more));
        }
        hint
    }

    fn facts(&self) -> Option<&Facts> {
        None
    }
}

/// The future of a [`Client`](crate::Client) used as a service.
#[must_use = "futures do nothing unless polled"]
pub struct ServiceFuture {
    exchange: Option<Exchange>,
}

impl ServiceFuture {
    /// The response, with its facts in its body alone.
    pub(crate) fn poll_response(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response<ResponseBody>, Error>> {
        let Some(exchange) = &mut self.exchange else { return Poll::Pending };
        let head = ready!(exchange.as_mut().poll_head(cx));
        let exchange = self.exchange.take();
        Poll::Ready(head.map(|head| Response::from_parts(head, ResponseBody { exchange })))
    }
}

impl Future for ServiceFuture {
    type Output = Result<Response<ResponseBody>, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut response = ready!(self.poll_response(cx))?;
        if let Some(facts) = response.body().facts().cloned() {
            response.extensions_mut().insert(facts);
        }
        Poll::Ready(Ok(response))
    }
}

impl fmt::Debug for ServiceFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceFuture")
    }
}

/// The body of an answer: an [`http_body::Body`] of [`Bytes`].
///
/// Dropping it before its end gives the rest up.
#[derive(Default)]
pub struct ResponseBody {
    /// `None` for a body that is empty from the start.
    exchange: Option<Exchange>,
}

impl ResponseBody {
    /// Any body: of a mock, of another client.
    pub fn new<B>(body: B) -> ResponseBody
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        ResponseBody::behind(None, body)
    }

    /// A body that begins with bytes that were read before, or with the error that reading ended with.
    pub(crate) fn behind<B>(first: Option<Result<Bytes, Error>>, body: B) -> ResponseBody
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        ResponseBody { exchange: Some(Box::pin(Given { first, rest: Body::new(body) })) }
    }

    pub(crate) fn facts(&self) -> Option<&Facts> {
        self.exchange.as_ref()?.facts()
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut self.exchange {
            Some(exchange) => exchange.as_mut().poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.exchange.as_ref().is_none_or(|exchange| exchange.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.exchange.as_ref().map_or_else(|| SizeHint::with_exact(0), |exchange| exchange.size_hint())
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseBody")
    }
}
