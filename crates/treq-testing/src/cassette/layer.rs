use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower_layer::Layer;
use tower_service::Service;
use treq_core::{Body, BoxError, Error, Reason};

use super::body::CassetteBody;
use super::entry::{Answer, Asked};
use super::masks::narrowed;
use super::recording::{Receiving, Recording};
use super::shared::Shared;

/// A layer over any HTTP service that records what goes through it, or plays: of a [`Cassette`](crate::Cassette).
#[derive(Clone)]
pub struct CassetteLayer {
    shared: Arc<Shared>,
}

impl CassetteLayer {
    pub(super) fn new(shared: Arc<Shared>) -> CassetteLayer {
        CassetteLayer { shared }
    }
}

impl<S> Layer<S> for CassetteLayer {
    type Service = CassetteService<S>;

    fn layer(&self, inner: S) -> CassetteService<S> {
        CassetteService { inner, shared: Arc::clone(&self.shared) }
    }
}

/// The service of a [`CassetteLayer`].
#[derive(Clone)]
pub struct CassetteService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S, B, R> Service<Request<B>> for CassetteService<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + 'static,
    S::Error: Into<BoxError> + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    R: http_body::Body<Data = Bytes>,
    R::Error: Into<BoxError> + 'static,
{
    type Response = Response<CassetteBody<R>>;
    type Error = Error;
    // Boxed: a cassette's time is not measured.
    type Future = Pin<Box<dyn Future<Output = Result<Response<CassetteBody<R>>, Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // What only plays does not need what is below.
        if !self.shared.records() {
            return Poll::Ready(Ok(()));
        }
        self.inner.poll_ready(cx).map_err(Error::from_boxed)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        let (mut head, body) = request.into_parts();
        if !shared.records() {
            return Box::pin(async move {
                let asked = asked(&head, body).await?;
                shared.find(&asked).map(played).ok_or_else(|| shared.refuse(&asked))
            });
        }
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        if !shared.plays() {
            let (recording, body) = Recording::streamed(&shared, &head, body);
            if shared.masks().looks_into_bodies() {
                narrowed(&mut head.headers);
            }
            let answering = inner.call(Request::from_parts(head, body));
            return Box::pin(async move { Ok(recorded(recording, answering.await.map_err(Error::from_boxed)?)) });
        }
        let is_sized = body.size_hint().exact().is_some();
        Box::pin(async move {
            let asked = asked(&head, body).await?;
            if let Some(answer) = shared.find(&asked) {
                return Ok(played(answer));
            }
            let body = again(&asked, is_sized);
            let recording = Recording::whole(&shared, asked);
            if shared.masks().looks_into_bodies() {
                narrowed(&mut head.headers);
            }
            let answering = inner.call(Request::from_parts(head, body));
            Ok(recorded(recording, answering.await.map_err(Error::from_boxed)?))
        })
    }
}

fn recorded<R>(recording: Recording, response: Response<R>) -> Response<CassetteBody<R>>
where
    R: http_body::Body<Data = Bytes>,
{
    // A change of protocol is no exchange: what comes behind it cannot be played.
    let is_exchange = response.status() != StatusCode::SWITCHING_PROTOCOLS;
    let receiving: Option<Receiving> = is_exchange.then(|| recording.answered(&response));
    response.map(|body| CassetteBody::recorded(body, receiving))
}

/// The answer as it was recorded.
pub(super) fn played<R>(answer: Answer) -> Response<CassetteBody<R>> {
    let mut response = Response::new(());
    *response.status_mut() = answer.status;
    *response.version_mut() = answer.version;
    *response.headers_mut() = answer.message.headers.clone();
    if let Some(reason) = answer.reason {
        // For a server in front of it, and for a client.
        if let Ok(phrase) = hyper::ext::ReasonPhrase::try_from(reason.as_bytes()) {
            response.extensions_mut().insert(phrase);
        }
        response.extensions_mut().insert(Reason::new(Bytes::from(reason)));
    }
    response.map(|()| CassetteBody::played(answer.message))
}

/// The request, read whole.
pub(super) async fn asked<B>(head: &http::request::Parts, body: B) -> Result<Asked, Error>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    // Boxed, since a body need not be `Unpin`.
    let whole = Box::pin(body.collect()).await.map_err(|error| Error::from_boxed(error.into()))?;
    let trailers = whole.trailers().cloned();
    Ok(Asked::of(head, whole.to_bytes(), trailers))
}

/// The body again, of a length that is told if it was.
fn again(asked: &Asked, is_sized: bool) -> Body {
    let (body, trailers) = (asked.message.body.clone(), asked.message.trailers.clone());
    match (&trailers, is_sized) {
        (None, true) => Body::from(body),
        _ => Body::new(CassetteBody::<Body>::passed_on(body, trailers, is_sized)),
    }
}

impl fmt::Debug for CassetteLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CassetteLayer").field("cassette", &self.shared.name()).finish()
    }
}

impl<S> fmt::Debug for CassetteService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CassetteService").field("cassette", &self.shared.name()).finish_non_exhaustive()
    }
}
