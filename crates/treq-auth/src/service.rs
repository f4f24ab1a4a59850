use std::fmt;
use std::mem;
use std::task::{Context, Poll};

use http::{Request, Response, Uri};
use http_body::Body;
use tower_service::Service;
use treq_core::{BoxError, Error, Replay};

use crate::future::AuthFuture;
use crate::kept::Start;
use crate::{AuthLayer, Credentials};

/// A service that adds credentials; see the [crate's page](crate).
#[derive(Clone)]
pub struct Auth<S, Y = treq_core::ByTryClone> {
    pub(crate) inner: S,
    pub(crate) layer: AuthLayer<Y>,
    /// Whether the layer has no credentials: then nearly every request goes straight through.
    pub(crate) bare: bool,
}

impl<S, Y> Auth<S, Y> {
    /// Returns a reference to the service below.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns a mutable reference to the service below.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the service below by value.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B, R, Y> Service<Request<B>> for Auth<S, Y>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    S::Error: Into<BoxError> + 'static,
    B: Body + Default,
    B::Error: Into<BoxError>,
    R: Body,
    Y: Replay<B> + Clone,
{
    type Response = Response<R>;
    type Error = Error;
    type Future = AuthFuture<S, B, R, Y>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx).map_err(Error::from_boxed)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let brings = request.extensions().get::<Credentials>().is_some() || has_userinfo(request.uri());
        if self.bare && !brings {
            return AuthFuture::calling(self.inner.call(request));
        }
        match Start::of(&self.layer, &mut request) {
            Start::Send => AuthFuture::calling(self.inner.call(request)),
            Start::Listen(kept) => {
                // The instance that is ready goes into the future, its clone waits for the next request.
                let clone = self.inner.clone();
                let mut inner = mem::replace(&mut self.inner, clone);
                let calling = inner.call(request);
                AuthFuture::listening(calling, inner, self.layer.replay.clone(), kept)
            }
            Start::Pause(kept, work) => {
                let clone = self.inner.clone();
                let inner = mem::replace(&mut self.inner, clone);
                AuthFuture::pausing(inner, self.layer.replay.clone(), kept, work, request)
            }
            Start::Fail(error) => AuthFuture::failed(error),
        }
    }
}

fn has_userinfo(uri: &Uri) -> bool {
    uri.authority().is_some_and(|authority| authority.as_str().as_bytes().contains(&b'@'))
}

impl<S: fmt::Debug, Y> fmt::Debug for Auth<S, Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("inner", &self.inner).field("layer", &self.layer).finish()
    }
}
