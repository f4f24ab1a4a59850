//! What is decided about a request that a forward proxy hands on: how it sets out, and what a 407 means for it.

use std::time::Duration;

use http::header::PROXY_AUTHORIZATION;
use http::{Extensions, HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body;
use treq_core::{Error, KeptFields, Origin, Replay};

use super::RouteLayer;
use crate::credentials::Credentials;
use crate::tunnel::unusable;
use crate::{Proxy, ProxyAuth, ProxyRequest};

/// What is needed to send a request once more.
pub(super) struct Kept<B> {
    proxy: Proxy,
    method: Method,
    url: Uri,
    version: Version,
    /// As the caller gave them.
    headers: KeptFields,
    /// With the route in them.
    extensions: Extensions,
    body: Again<B>,
    /// The `Proxy-Authorization` that went out last.
    sent: Option<HeaderValue>,
    drain_timeout: Duration,
}

/// What there is of the body for a second sending.
enum Again<B> {
    Empty,
    Copy(B),
    /// It goes out, or an answer to a challenge took it along, and there is no other.
    Once,
}

/// What a response means.
pub(super) enum Verdict {
    /// It is the caller's.
    Return,
    /// It is a challenge, and these fields answer it.
    Again(HeaderMap),
}

impl<B: Body + Default> Kept<B> {
    pub(super) fn of<Y: Replay<B>>(layer: &RouteLayer<Y>, proxy: Proxy, request: &Request<B>) -> Kept<B> {
        let body = request.body();
        let body = if body.is_end_stream() {
            Again::Empty
        } else {
            match layer.replay.copy(body) {
                Some(copy) => Again::Copy(copy),
                None if body.size_hint().exact() == Some(0) => Again::Empty,
                None => Again::Once,
            }
        };
        Kept {
            proxy,
            method: request.method().clone(),
            url: request.uri().clone(),
            version: request.version(),
            headers: KeptFields::of(request.headers()),
            extensions: request.extensions().clone(),
            body,
            sent: None,
            drain_timeout: layer.drain_timeout,
        }
    }

    /// Puts credentials on the first request, if they can be known.
    pub(super) fn set_out(&mut self, request: &mut Request<B>) -> Result<(), Error> {
        let (sent, ()) = self.ask(request.headers_mut(), |auth, outgoing| auth.authorize(outgoing))?;
        self.sent = sent;
        Ok(())
    }

    /// What a response means: a 407 is answered once, if it came by way of this proxy as far as can be told, and if there
    /// is a body to go with the answer.
    pub(super) fn judge<R>(&mut self, response: &Response<R>) -> Result<Verdict, Error> {
        let challenged = response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED;
        if challenged && !matches!(self.body, Again::Once) {
            let mut headers = self.headers.to_map();
            let answer =
                |auth: &dyn ProxyAuth, outgoing: &mut ProxyRequest<'_>| auth.answer(response.headers(), outgoing);
            if let (sent, true) = self.ask(&mut headers, answer)? {
                self.sent = sent;
                return Ok(Verdict::Again(headers));
            }
        }
        let mut sent = HeaderMap::new();
        sent.extend(self.sent.clone().map(|value| (PROXY_AUTHORIZATION, value)));
        self.ask(&mut sent, |auth, outgoing| auth.accept(outgoing, response.status(), response.headers()))?;
        Ok(Verdict::Return)
    }

    /// Lets the credentials see the request; the field that they left, and what they said.
    fn ask<T>(
        &self,
        headers: &mut HeaderMap,
        ask: impl FnOnce(&dyn ProxyAuth, &mut ProxyRequest<'_>) -> Result<T, treq_core::BoxError>,
    ) -> Result<(Option<HeaderValue>, T), Error> {
        let Credentials::Scheme(auth) = self.proxy.credentials() else { unreachable!("only such a proxy is kept") };
        let origin = Origin::of(&self.url)?;
        // As the agent writes it.
        let target = format!("{origin}{}", self.url.path_and_query().map_or("/", |path| path.as_str()));
        let mut outgoing = ProxyRequest::new(&self.method, &self.url, &target, headers);
        let said = ask(&**auth, &mut outgoing).map_err(|error| unusable(&self.proxy, &origin, error))?;
        Ok((headers.get(PROXY_AUTHORIZATION).cloned(), said))
    }

    /// The request with these fields.
    pub(super) fn request(&mut self, headers: HeaderMap) -> Request<B> {
        let body = match std::mem::replace(&mut self.body, Again::Once) {
            Again::Copy(body) => body,
            // Without a body there is no second request: see `judge`.
            Again::Empty | Again::Once => B::default(),
        };
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.url.clone();
        *request.version_mut() = self.version;
        *request.headers_mut() = headers;
        *request.extensions_mut() = std::mem::take(&mut self.extensions);
        request
    }

    pub(super) fn drain_timeout(&self) -> Duration {
        self.drain_timeout
    }
}
