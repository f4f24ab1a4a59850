mod reply;
mod request;

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use tower_service::Service;
use treq_core::{Body, BoxError};

pub(crate) use self::reply::fields;
pub use self::reply::{IntoReply, ReplyHeaders, StubReply};
pub use self::request::{Params, StubRequest};

/// A service over a closure from a request, read whole, to `(code, headers, body)`.
///
/// Headers are pairs, and a name may come several times. A closure that panics, returns an `Err`, or gives what cannot
/// stand in an answer makes the answer a 500 whose body says why. It stands behind any client: in memory by
/// [`RequestTraversalAgent`](crate::RequestTraversalAgent), or called as the `Service` that it is.
///
/// ```
/// use treq_testing::{MemoryServer, StringStubbing};
///
/// let stub = StringStubbing::new(|request| match request.url.as_str() {
///     "http://shop.test/login" => (200, vec![("set-cookie", "a=1"), ("set-cookie", "b=2")], "welcome"),
///     _ => (404, vec![], "no such page"),
/// });
/// let server = MemoryServer::new(stub);
/// # assert_eq!(server.connections(), 0);
/// ```
#[derive(Clone)]
pub struct StringStubbing {
    reply: Arc<Closure>,
}

type Closure = dyn Fn(&StubRequest) -> StubReply + Send + Sync;

impl StringStubbing {
    /// Over a closure.
    pub fn new<F, R>(reply: F) -> StringStubbing
    where
        F: Fn(&StubRequest) -> R + Send + Sync + 'static,
        R: IntoReply,
    {
        StringStubbing { reply: Arc::new(move |request| reply(request).into_reply()) }
    }

    /// What the closure answers.
    fn answer(&self, request: &StubRequest) -> Response<Body> {
        match catch_unwind(AssertUnwindSafe(|| (self.reply)(request))) {
            Ok(reply) => reply.into_response(),
            Err(panic) => StubReply::fault(format!("the stub panicked: {}", words(&*panic))).into_response(),
        }
    }
}

/// What a panic says.
pub(crate) fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it does not say why")
}

impl<B> Service<Request<B>> for StringStubbing
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    // Boxed: a stub's time is not measured.
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let stub = self.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            // Boxed, since a body need not be `Unpin`.
            let response = match Box::pin(body.collect()).await {
                Ok(whole) => stub.answer(&StubRequest::new(head, whole.to_bytes())),
                Err(error) => {
                    let error: BoxError = error.into();
                    StubReply::fault(format!("the request's body broke off: {error}")).into_response()
                }
            };
            Ok(response)
        })
    }
}

impl fmt::Debug for StringStubbing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StringStubbing")
    }
}
