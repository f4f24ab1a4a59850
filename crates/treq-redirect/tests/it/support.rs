use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use http::{Extensions, HeaderMap, Method, Request, Response, Uri};
use http_body::Body as _;
use tower::{Layer, ServiceExt};
use tower_service::Service;
use treq_core::{Body, Error, Replay};
use treq_redirect::{RedirectError, RedirectErrorReason, RedirectLayer};

/// A request as the inner service saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) url: Uri,
    pub(crate) headers: HeaderMap,
    /// `None` for a stream.
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) sized: Option<u64>,
    pub(crate) extensions: Extensions,
}

type Answer = dyn Fn(&Seen) -> Response<Body> + Send + Sync;

/// All hosts of the world: writes down what it is asked.
#[derive(Clone)]
pub(crate) struct World {
    answer: Arc<Answer>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl World {
    pub(crate) fn new(answer: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static) -> World {
        World { answer: Arc::new(answer), seen: Arc::default() }
    }

    /// Each URL leads to the next with this status; the last one, and all others, answer 200.
    pub(crate) fn leading(status: u16, urls: &[&str]) -> World {
        let urls: Vec<String> = urls.iter().map(|url| (*url).to_owned()).collect();
        World::new(move |seen| {
            let at = urls.iter().position(|url| *url == seen.url.to_string());
            match at.and_then(|at| urls.get(at + 1)) {
                Some(next) => redirect(status, next),
                None => Response::new(Body::empty()),
            }
        })
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        self.seen().iter().map(|seen| seen.url.to_string()).collect()
    }

    pub(crate) async fn ask<Y: Replay<Body> + Clone>(
        &self,
        layer: RedirectLayer<Y>,
        request: Request<Body>,
    ) -> Result<Response<Body>, Error> {
        layer.layer(self.clone()).oneshot(request).await
    }
}

impl Service<Request<Body>> for World {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let seen = Seen {
            method: parts.method,
            url: parts.uri,
            headers: parts.headers,
            sized: body.size_hint().exact(),
            body: body.as_bytes().map(<[u8]>::to_vec),
            extensions: parts.extensions,
        };
        let answer = (self.answer)(&seen);
        self.seen.lock().unwrap().push(seen);
        ready(Ok(answer))
    }
}

pub(crate) fn redirect(status: u16, location: &str) -> Response<Body> {
    Response::builder().status(status).header("location", location).body(Body::empty()).unwrap()
}

pub(crate) fn get(url: &str) -> Request<Body> {
    Request::get(url).body(Body::empty()).unwrap()
}

pub(crate) fn post(url: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(url).header("content-type", "text/plain").body(body.into()).unwrap()
}

/// A body that can be sent once.
pub(crate) fn one_shot() -> Body {
    Body::new(http_body_util::Full::new(bytes::Bytes::from_static(b"once")))
}

pub(crate) fn reason(error: &Error) -> Option<RedirectErrorReason> {
    error.find::<RedirectError>().map(RedirectError::reason)
}
