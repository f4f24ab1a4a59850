use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, Request, Response, Uri};
use tower::{Layer, ServiceExt};
use tower_service::Service;
use treq_auth::{AuthError, AuthErrorReason, AuthLayer};
use treq_core::{Body, Error, Origin, Replay};

/// A request as the inner service saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) url: Uri,
    pub(crate) headers: HeaderMap,
    /// `None` for a stream.
    pub(crate) body: Option<Vec<u8>>,
}

impl Seen {
    /// What it was authorized by, in text; empty for nothing.
    pub(crate) fn field(&self) -> String {
        self.headers.get(AUTHORIZATION).map_or_else(String::new, |value| text(value.as_bytes()))
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

type Answer = dyn Fn(&Seen, usize) -> Response<Body> + Send + Sync;

/// All hosts of the world: writes down what it is asked.
#[derive(Clone)]
pub(crate) struct World {
    answer: Arc<Answer>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl World {
    /// The answer to each request; the number is that of requests before it.
    pub(crate) fn new(answer: impl Fn(&Seen, usize) -> Response<Body> + Send + Sync + 'static) -> World {
        World { answer: Arc::new(answer), seen: Arc::default() }
    }

    /// 200 to everything.
    pub(crate) fn open() -> World {
        World::new(|_, _| Response::new(Body::empty()))
    }

    /// 401 with this challenge to whom does not come with a Digest, else 200.
    pub(crate) fn digest(challenge: impl Into<String>) -> World {
        let challenge = challenge.into();
        World::new(move |seen, _| match seen.field().starts_with("Digest ") {
            true => Response::new(Body::empty()),
            false => unauthorized(&challenge),
        })
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// What each request was authorized by.
    pub(crate) fn fields(&self) -> Vec<String> {
        self.seen().iter().map(Seen::field).collect()
    }

    pub(crate) async fn ask<Y: Replay<Body> + Clone>(
        &self,
        layer: &AuthLayer<Y>,
        request: Request<Body>,
    ) -> Result<Response<Body>, Error> {
        layer.layer(self.clone()).oneshot(request).await
    }

    /// What a GET of this URL was authorized by.
    pub(crate) async fn get(&self, layer: &AuthLayer, url: &str) -> String {
        let _ = self.ask(layer, get(url)).await.unwrap();
        self.seen().last().unwrap().field()
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
        let body = body.as_bytes().map(<[u8]>::to_vec);
        let seen = Seen { method: parts.method, url: parts.uri, headers: parts.headers, body };
        let mut all = self.seen.lock().unwrap();
        let answer = (self.answer)(&seen, all.len());
        all.push(seen);
        ready(Ok(answer))
    }
}

pub(crate) fn unauthorized(challenge: &str) -> Response<Body> {
    let challenge = http::HeaderValue::from_bytes(challenge.as_bytes()).unwrap();
    Response::builder().status(401).header("www-authenticate", challenge).body(Body::from("no")).unwrap()
}

pub(crate) fn get(url: &str) -> Request<Body> {
    Request::get(url).body(Body::empty()).unwrap()
}

pub(crate) fn post(url: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(url).header("content-type", "text/plain").body(body.into()).unwrap()
}

pub(crate) fn origin(url: &str) -> Origin {
    Origin::from_uri(&url.parse().unwrap()).unwrap()
}

/// A body that can be sent once.
pub(crate) fn one_shot() -> Body {
    Body::new(http_body_util::Full::new(bytes::Bytes::from_static(b"once")))
}

pub(crate) fn why(error: &Error) -> Option<AuthErrorReason> {
    error.find::<AuthError>().map(AuthError::reason)
}

/// The value of a parameter of a field that was sent, without quotes and escapes.
pub(crate) fn param(field: &str, name: &str) -> Option<String> {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, http::HeaderValue::from_bytes(field.as_bytes()).unwrap());
    let parsed = treq_auth::Challenges::parse(&headers, &AUTHORIZATION);
    let field = parsed.iter().next()?;
    field.text(name).map(std::borrow::Cow::into_owned)
}
