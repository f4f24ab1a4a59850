//! What is decided about a request that a forward proxy hands on: how it sets out, and what a 407 means for it.

use std::time::Duration;

use http::header::{PROXY_AUTHENTICATE, PROXY_AUTHORIZATION};
use http::{Extensions, HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body;
use treq_core::auth::{Challenges, Content, Hashing, Outgoing, SchemeCall, SentHead, Step, Waiting};
use treq_core::{BoxError, Error, KeptFields, Origin, Replay, Resend};

use super::RouteLayer;
use crate::Proxy;
use crate::credentials::Credentials;
use crate::tunnel::{unusable, unusable_step};

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
    answered: bool,
    /// What the scheme has asked for since it was first called for this request, or for its challenge.
    call: SchemeCall,
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
pub(super) enum Verdict<B> {
    /// It is the caller's.
    Return,
    /// It is a challenge, and these fields answer it.
    Again(HeaderMap),
    /// It is a challenge, to be judged again after this.
    Pause(Work<B>),
}

/// What a scheme asks for before it is called again.
pub(super) enum Work<B> {
    /// A copy of the body goes into the hash.
    Read(Hashing<B>),
    Wait(Waiting),
}

/// What a scheme says at last, or what is to be done before.
enum Said<B> {
    Send,
    Return,
    Pause(Work<B>),
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
            headers: KeptFields::from_headers(request.headers()),
            extensions: request.extensions().clone(),
            body,
            sent: None,
            answered: false,
            call: SchemeCall::new(),
            drain_timeout: layer.drain_timeout,
        }
    }

    /// Puts credentials on the first request, if they can be known. To be called again after what it returns.
    pub(super) fn set_out<Y: Replay<B>>(
        &mut self,
        replay: &Y,
        request: &mut Request<B>,
    ) -> Result<Option<Work<B>>, Error> {
        if let Said::Pause(work) = self.ask(replay, None, request.headers_mut())? {
            return Ok(Some(work));
        }
        self.sent = request.headers().get(PROXY_AUTHORIZATION).cloned();
        self.call = SchemeCall::new();
        if matches!(self.body, Again::Once) {
            self.call.set_once();
        }
        Ok(None)
    }

    pub(super) fn set_hash(&mut self, hash: Vec<u8>) {
        self.call.set_hash(hash);
    }

    /// Whether the scheme sees responses.
    pub(super) fn listens(&self) -> bool {
        matches!(self.proxy.credentials(), Credentials::Scheme(scheme) if scheme.listens())
    }

    /// What a response means: a 407 is answered once, if it came by way of this proxy as far as can be told, and if there
    /// is a body to go with the answer.
    pub(super) fn judge<R, Y: Replay<B>>(&mut self, replay: &Y, response: &Response<R>) -> Result<Verdict<B>, Error> {
        if !self.listens() {
            return Ok(Verdict::Return);
        }
        if response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED && !self.answered {
            let challenges = Challenges::parse(response.headers(), &PROXY_AUTHENTICATE);
            let mut headers = self.headers.to_map();
            match self.ask(replay, Some(&challenges), &mut headers)? {
                Said::Pause(work) => return Ok(Verdict::Pause(work)),
                // A request without its body would be another request.
                Said::Send if !matches!(self.body, Again::Once) => {
                    self.sent = headers.get(PROXY_AUTHORIZATION).cloned();
                    self.answered = true;
                    return Ok(Verdict::Again(headers));
                }
                Said::Send | Said::Return => {}
            }
        }
        if let Credentials::Scheme(scheme) = self.proxy.credentials() {
            let sent = SentHead::for_proxy(&self.url, self.sent.as_ref());
            let accepted = scheme.accept(&sent, response.status(), response.headers());
            // The request may have been processed, whatever became of one of the scheme's own.
            accepted.map_err(|error| self.unusable(error).with_resend(Resend::MaybeProcessed))?;
        }
        Ok(Verdict::Return)
    }

    /// What the scheme says of the request, or of a challenge.
    fn ask<Y: Replay<B>>(
        &mut self,
        replay: &Y,
        challenges: Option<&Challenges>,
        headers: &mut HeaderMap,
    ) -> Result<Said<B>, Error> {
        let proxy = self.proxy.clone();
        let Credentials::Scheme(scheme) = proxy.credentials() else { unreachable!("only such a proxy is kept") };
        let origin = Origin::from_uri(&self.url)?;
        // As the agent writes it.
        let target = format!("{origin}{}", self.url.path_and_query().map_or("/", |path| path.as_str()));
        loop {
            let outgoing = Outgoing::for_proxy(&self.method, &self.url, &target, headers);
            let step = match challenges {
                Some(challenges) => self.call.answer(&**scheme, challenges, outgoing.with_refused(self.sent.as_ref())),
                None => self.call.authorize(&**scheme, outgoing),
            };
            match step.map_err(|error| unusable(&proxy, &origin, error))? {
                Step::Send => return Ok(Said::Send),
                Step::Return => return Ok(Said::Return),
                Step::Wait(waiting) => return Ok(Said::Pause(Work::Wait(waiting))),
                Step::Hash(hash) if self.call.content() == Content::Unread => match &self.body {
                    Again::Empty => self.call.set_hash(hash.finish()),
                    Again::Once => self.call.set_once(),
                    Again::Copy(body) => match replay.copy(body) {
                        Some(body) => return Ok(Said::Pause(Work::Read(Hashing::new(body, hash)))),
                        None => self.call.set_once(),
                    },
                },
                step => return Err(unusable(&proxy, &origin, unusable_step(&step))),
            }
        }
    }

    /// The error of a scheme, also while it waited.
    pub(super) fn unusable(&self, error: BoxError) -> Error {
        match Origin::from_uri(&self.url) {
            Ok(origin) => unusable(&self.proxy, &origin, error),
            Err(error) => error,
        }
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
