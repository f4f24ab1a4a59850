use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::SET_COOKIE;
use http::{HeaderMap, Response, Uri};
use pin_project_lite::pin_project;

use crate::layer::Shared;
use crate::{Jar, Store, UseJar};

pin_project! {
    /// The future of [`Cookies`](crate::Cookies): the inner one, with what is needed to keep the cookies of its response.
    #[must_use = "futures do nothing unless polled"]
    pub struct CookiesFuture<F, St = Jar> {
        #[pin]
        inner: F,
        url: Uri,
        shared: Arc<Shared<St>>,
        own: Option<UseJar>,
    }
}

impl<F, St> CookiesFuture<F, St> {
    pub(crate) fn new(inner: F, url: Uri, shared: Arc<Shared<St>>, own: Option<UseJar>) -> CookiesFuture<F, St> {
        CookiesFuture { inner, url, shared, own }
    }
}

impl<F, St, R, E> Future for CookiesFuture<F, St>
where
    F: Future<Output = Result<Response<R>, E>>,
    St: Store,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // Not taken apart, so that it is not moved.
        let outcome = this.inner.poll(cx);
        if let Poll::Ready(Ok(response)) = &outcome {
            // Few fields are sooner looked through than looked up.
            if response.headers().keys().any(|name| name == SET_COOKIE) {
                keep(this.shared, this.own.as_ref(), this.url, response.headers());
            }
        }
        outcome
    }
}

impl<F, St> fmt::Debug for CookiesFuture<F, St> {
    /// Without the URL, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookiesFuture").finish_non_exhaustive()
    }
}

/// Apart, since most answers set no cookie.
#[cold]
fn keep<St: Store>(shared: &Shared<St>, own: Option<&UseJar>, url: &Uri, headers: &HeaderMap) {
    let context = shared.context(url);
    match own {
        Some(own) => own.jar().set_cookies(&context, headers),
        None => shared.store.set_cookies(&context, headers),
    }
}
