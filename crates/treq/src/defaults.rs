//! What the client says of every request that does not say it itself.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderMap, Request};
use tower_service::Service;
use treq_core::{Body, HttpVersion};

#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    pub(crate) headers: HeaderMap,
    pub(crate) http_version: HttpVersion,
}

impl Fields {
    /// `None` if there are none, so that a service need not look.
    pub(crate) fn shared(self) -> Option<Arc<Fields>> {
        let none = self.headers.is_empty() && self.http_version == HttpVersion::Any;
        (!none).then(|| Arc::new(self))
    }

    #[cold]
    fn add(&self, request: &mut Request<Body>) {
        for name in self.headers.keys() {
            if !request.headers().contains_key(name) && !is_outranked(name, request) {
                for value in self.headers.get_all(name) {
                    request.headers_mut().append(name, value.clone());
                }
            }
        }
        if self.http_version != HttpVersion::Any && request.extensions().get::<HttpVersion>().is_none() {
            request.extensions_mut().insert(self.http_version);
        }
    }
}

/// Whether the request says in another form what this field of the client says: the request's own counts.
fn is_outranked(name: &HeaderName, request: &Request<Body>) -> bool {
    let extensions = request.extensions();
    if name == http::header::COOKIE && extensions.get::<treq_cookies::RequestCookies>().is_some() {
        return true;
    }
    let has_userinfo = || request.uri().authority().is_some_and(|authority| authority.as_str().contains('@'));
    name == AUTHORIZATION && (crate::detour::has_credentials(extensions) || has_userinfo())
}

/// A service whose requests have these fields.
#[derive(Clone, Debug)]
pub struct Defaults<S> {
    inner: S,
    fields: Option<Arc<Fields>>,
}

impl<S> Defaults<S> {
    pub(crate) fn new(inner: S, fields: Option<Arc<Fields>>) -> Defaults<S> {
        Defaults { inner, fields }
    }
}

impl<S: Service<Request<Body>>> Service<Request<Body>> for Defaults<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    #[inline(always)]
    fn call(&mut self, mut request: Request<Body>) -> S::Future {
        if let Some(fields) = &self.fields {
            fields.add(&mut request);
        }
        self.inner.call(request)
    }
}
