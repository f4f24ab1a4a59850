use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use http::{Extensions, HeaderMap, Method, Request, Response, Uri};
use tokio::time::Instant;
use tower::{Layer, ServiceExt};
use tower_service::Service;
use treq_core::{Body, Error, Kind, Replay, Resend};
use treq_retry::{Attempted, Budget, Exhausted, RetryLayer};

/// A request as the inner service saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Milliseconds since the world was made.
    pub(crate) at: u128,
    pub(crate) method: Method,
    pub(crate) url: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) extensions: Extensions,
    /// `None` for a stream.
    pub(crate) body: Option<Vec<u8>>,
}

pub(crate) type Outcome = Result<Response<Body>, Error>;

type Answer = dyn Fn(&Seen, usize) -> Outcome + Send + Sync;

/// A service that writes down what it is asked.
#[derive(Clone)]
pub(crate) struct World {
    begun: Instant,
    answer: Arc<Answer>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl World {
    /// The outcome of each request; the number is that of requests before it.
    pub(crate) fn new(answer: impl Fn(&Seen, usize) -> Outcome + Send + Sync + 'static) -> World {
        World { begun: Instant::now(), answer: Arc::new(answer), seen: Arc::default() }
    }

    /// These statuses one after the other, the last one for ever.
    pub(crate) fn statuses(statuses: &'static [u16]) -> World {
        World::new(|_, number| Ok(status(statuses[number.min(statuses.len() - 1)])))
    }

    /// So many errors of this kind and verdict, then 200.
    pub(crate) fn errors(count: usize, kind: Kind, resend: Resend) -> World {
        World::new(move |_, number| match number < count {
            true => Err(Error::new(kind, format!("failure {number}")).with_resend(resend)),
            false => Ok(status(200)),
        })
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// When each request came, in milliseconds.
    pub(crate) fn times(&self) -> Vec<u128> {
        self.seen().iter().map(|seen| seen.at).collect()
    }

    pub(crate) async fn ask<Y: Replay<Body> + Clone>(&self, layer: &RetryLayer<Y>, request: Request<Body>) -> Outcome {
        layer.layer(self.clone()).oneshot(request).await
    }
}

impl Service<Request<Body>> for World {
    type Response = Response<Body>;
    type Error = Error;
    type Future = Ready<Outcome>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let seen = Seen {
            at: self.begun.elapsed().as_millis(),
            method: parts.method,
            url: parts.uri,
            headers: parts.headers,
            extensions: parts.extensions,
            body: body.as_bytes().map(<[u8]>::to_vec),
        };
        let mut all = self.seen.lock().unwrap();
        let answer = (self.answer)(&seen, all.len());
        all.push(seen);
        ready(answer)
    }
}

/// Three attempts, no budget.
pub(crate) fn thrice() -> RetryLayer {
    RetryLayer::new().attempts(3).budget(None::<Budget>)
}

pub(crate) fn status(status: u16) -> Response<Body> {
    Response::builder().status(status).body(Body::empty()).unwrap()
}

/// A 503 that says when to come again.
pub(crate) fn busy(retry_after: &str) -> Response<Body> {
    Response::builder().status(503).header("retry-after", retry_after).body(Body::from("busy")).unwrap()
}

pub(crate) fn request(method: &str, body: impl Into<Body>) -> Request<Body> {
    Request::builder().method(method).uri("http://a.test/path?secret").body(body.into()).unwrap()
}

pub(crate) fn get() -> Request<Body> {
    request("GET", Body::empty())
}

pub(crate) fn post() -> Request<Body> {
    request("POST", "charge")
}

/// A body that can be sent once.
pub(crate) fn one_shot() -> Body {
    Body::new(http_body_util::Full::new(bytes::Bytes::from_static(b"once")))
}

/// The status or the kind of the error, and how many attempts the answer tells of.
pub(crate) fn told(outcome: &Outcome) -> (Result<u16, Kind>, Option<u32>) {
    match outcome {
        Ok(response) => {
            let attempted = response.extensions().get::<Attempted>().map(|attempted| attempted.count());
            (Ok(response.status().as_u16()), attempted)
        }
        Err(error) => (Err(error.kind()), error.find::<Exhausted>().map(Exhausted::attempts)),
    }
}
