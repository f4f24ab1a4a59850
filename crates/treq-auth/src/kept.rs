//! What is decided about one request: how it sets out with its credentials, and what a response means for it.

use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{Extensions, HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body;
use treq_core::auth::{Challenges, Content, Hashing, Outgoing, Scheme, SchemeCall, SentHead, Step, Waiting};
use treq_core::{BoxError, Error, KeptFields, Kind, Replay, Resend};

use crate::choose::choose;
use crate::error::unusable;
use crate::layer::Config;
use crate::{AuthErrorReason, AuthLayer};

/// How a request sets out.
pub(crate) enum Start<B> {
    /// It is ready, and its response is nobody's business.
    Send,
    /// It is ready, and the scheme sees the response.
    Listen(Box<Kept<B>>),
    /// This is to be done first.
    Pause(Box<Kept<B>>, Work<B>),
    Fail(Error),
}

/// What a scheme asks for before it is called again.
pub(crate) enum Work<B> {
    /// A copy of the body goes into the hash.
    Read(Hashing<B>),
    Wait(Waiting),
}

/// What is needed to send a request once more.
pub(crate) struct Kept<B> {
    config: Arc<Config>,
    scheme: Arc<dyn Scheme>,
    method: Method,
    url: Uri,
    version: Version,
    /// As the caller gave them.
    headers: KeptFields,
    extensions: Extensions,
    body: Again<B>,
    /// The `Authorization` that went out last.
    sent: Option<HeaderValue>,
    /// How many challenges were answered.
    answers: u32,
    /// A response has come.
    answered: bool,
    /// What the scheme has asked for since it was first called for this request, or for this challenge.
    call: SchemeCall,
}

/// What there is of the body for a further sending.
enum Again<B> {
    Empty,
    Copy(B),
    /// It went out, or will, and there is no other.
    Once,
}

/// What a response to a request that was kept means.
pub(crate) enum Verdict<B> {
    /// It is the caller's.
    Return,
    /// It is a challenge, and these fields answer it.
    Again(HeaderMap),
    /// It is a challenge, and this is to be done before it is answered.
    Pause(Work<B>, Challenges),
}

impl<B> Start<B> {
    pub(crate) fn of<Y>(layer: &AuthLayer<Y>, request: &mut Request<B>) -> Start<B>
    where
        B: Body + Default,
        Y: Replay<B>,
    {
        start(layer, request).unwrap_or_else(Start::Fail)
    }
}

fn start<B, Y>(layer: &AuthLayer<Y>, request: &mut Request<B>) -> Result<Start<B>, Error>
where
    B: Body + Default,
    Y: Replay<B>,
{
    let Some(scheme) = choose(&layer.config, request)? else { return Ok(Start::Send) };
    // Before the scheme adds its own.
    let kept = scheme.listens().then(|| Kept::of(layer, &scheme, request));
    let mut call = SchemeCall::new();
    let step = authorize(&mut call, &*scheme, request)?;
    if matches!(step, Step::Send | Step::Return) {
        return Ok(match kept {
            Some(kept) => Start::Listen(Box::new(kept.sent(request.headers()))),
            None => Start::Send,
        });
    }
    // The call has taken back what the scheme had added.
    let mut kept = kept.unwrap_or_else(|| Kept::of(layer, &scheme, request));
    kept.call = call;
    Ok(match kept.set_out_after(step, &layer.replay, request)? {
        Some(work) => Start::Pause(Box::new(kept), work),
        None if scheme.listens() => Start::Listen(Box::new(kept)),
        None => Start::Send,
    })
}

fn authorize<B>(call: &mut SchemeCall, scheme: &dyn Scheme, request: &mut Request<B>) -> Result<Step, Error> {
    let (method, url) = (request.method().clone(), request.uri().clone());
    let outgoing = Outgoing::new(&method, &url, request.headers_mut());
    call.authorize(scheme, outgoing).map_err(|error| adopt(error, &url))
}

/// Our own error untouched; a stranger is the scheme's.
fn adopt(error: BoxError, url: &Uri) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(ours) => *ours,
        Err(stranger) => Error::new(Kind::Auth, "the credentials could not be used").with_source(stranger),
    };
    error.with_url(url)
}

impl<B: Body + Default> Kept<B> {
    fn of<Y: Replay<B>>(layer: &AuthLayer<Y>, scheme: &Arc<dyn Scheme>, request: &Request<B>) -> Kept<B> {
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
            config: Arc::clone(&layer.config),
            scheme: Arc::clone(scheme),
            method: request.method().clone(),
            url: request.uri().clone(),
            version: request.version(),
            headers: KeptFields::from_headers(request.headers()),
            extensions: request.extensions().clone(),
            body,
            sent: None,
            answers: 0,
            answered: false,
            call: SchemeCall::new(),
        }
    }

    fn sent(mut self, headers: &HeaderMap) -> Kept<B> {
        self.sent = headers.get(AUTHORIZATION).cloned();
        self
    }

    /// Calls the scheme for the first request again, once what it asked for is done.
    pub(crate) fn set_out(
        &mut self,
        replay: &impl Replay<B>,
        request: &mut Request<B>,
    ) -> Result<Option<Work<B>>, Error> {
        let step = authorize(&mut self.call, &*self.scheme, request)?;
        self.set_out_after(step, replay, request)
    }

    /// What is to be done before the request is ready; `None` if it is.
    fn set_out_after(
        &mut self,
        step: Step,
        replay: &impl Replay<B>,
        request: &mut Request<B>,
    ) -> Result<Option<Work<B>>, Error> {
        if matches!(step, Step::Send | Step::Return) {
            self.sent = request.headers().get(AUTHORIZATION).cloned();
            return Ok(None);
        }
        match self.work(step, replay)? {
            Some(work) => Ok(Some(work)),
            None => self.set_out(replay, request),
        }
    }

    /// The work of a step that is not the last one; `None` if it is done.
    fn work(&mut self, step: Step, replay: &impl Replay<B>) -> Result<Option<Work<B>>, Error> {
        match step {
            Step::Wait(waiting) => Ok(Some(Work::Wait(waiting))),
            Step::Hash(hash) if self.call.content() == Content::Unread => {
                let copy = match &self.body {
                    Again::Copy(body) => replay.copy(body),
                    Again::Empty | Again::Once => None,
                };
                match (copy, &self.body) {
                    (Some(body), _) => return Ok(Some(Work::Read(Hashing::new(body, hash)))),
                    (None, Again::Empty) => self.call.set_hash(hash.finish()),
                    (None, _) => self.call.set_once(),
                }
                Ok(None)
            }
            Step::Hash(_) => {
                let message =
                    "these credentials cover the body, which can be read only once: give one that can be made again";
                Err(unusable(AuthErrorReason::BodyOnce, message).with_url(&self.url))
            }
            _ => {
                let message = "the scheme asks for a step that this version of treq-auth does not know: update it";
                Err(Error::new(Kind::Auth, message).with_url(&self.url))
            }
        }
    }

    pub(crate) fn set_hash(&mut self, hash: Vec<u8>) {
        self.call.set_hash(hash);
    }

    /// The scheme's error, also while it waited.
    pub(crate) fn adopt(&self, error: BoxError) -> Error {
        let error = adopt(error, &self.url);
        // It may be of a request of the scheme's own, and say that this one can be sent again.
        if self.answered { error.with_resend(Resend::MaybeProcessed) } else { error }
    }

    /// What a response means.
    pub(crate) fn judge<R>(&mut self, replay: &impl Replay<B>, response: &Response<R>) -> Result<Verdict<B>, Error> {
        if !self.scheme.listens() {
            return Ok(Verdict::Return);
        }
        self.answered = true;
        if response.status() == StatusCode::UNAUTHORIZED {
            let challenges = Challenges::parse(response.headers(), &WWW_AUTHENTICATE);
            // Once, and once more where only the nonce was too old.
            if self.answers == 0 || (self.answers == 1 && challenges.is_stale()) {
                self.call = SchemeCall::new();
                if matches!(self.body, Again::Once) {
                    self.call.set_once();
                }
                return self.answer(replay, challenges, response);
            }
        }
        self.accept(response)?;
        Ok(Verdict::Return)
    }

    /// The answer to a challenge; asked for once more when what the scheme asked for is done.
    pub(crate) fn answer<R>(
        &mut self,
        replay: &impl Replay<B>,
        challenges: Challenges,
        response: &Response<R>,
    ) -> Result<Verdict<B>, Error> {
        loop {
            let mut headers = self.headers.to_map();
            let outgoing = Outgoing::new(&self.method, &self.url, &mut headers).with_refused(self.sent.as_ref());
            let step = self.call.answer(&*self.scheme, &challenges, outgoing).map_err(|error| self.adopt(error))?;
            match step {
                // A request without its body would be another request.
                Step::Send if !matches!(self.body, Again::Once) => {
                    self.answers += 1;
                    self.sent = headers.get(AUTHORIZATION).cloned();
                    return Ok(Verdict::Again(headers));
                }
                Step::Send | Step::Return => {
                    self.accept(response)?;
                    return Ok(Verdict::Return);
                }
                step => {
                    if let Some(work) = self.work(step, replay)? {
                        return Ok(Verdict::Pause(work, challenges));
                    }
                }
            }
        }
    }

    fn accept<R>(&self, response: &Response<R>) -> Result<(), Error> {
        let sent = SentHead::new(&self.url, self.sent.as_ref());
        let accepted = self.scheme.accept(&sent, response.status(), response.headers());
        accepted.map_err(|error| self.adopt(error))
    }

    /// The request with these fields, with a further copy of its body kept for the next time.
    pub(crate) fn request(&mut self, replay: &impl Replay<B>, headers: HeaderMap) -> Request<B> {
        let body = match std::mem::replace(&mut self.body, Again::Once) {
            Again::Copy(body) => {
                self.body = replay.copy(&body).map_or(Again::Once, Again::Copy);
                body
            }
            // Without a body there is no request to make: see `ask`.
            Again::Empty | Again::Once => {
                self.body = Again::Empty;
                B::default()
            }
        };
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.url.clone();
        *request.version_mut() = self.version;
        *request.headers_mut() = headers;
        *request.extensions_mut() = self.extensions.clone();
        request
    }

    pub(crate) fn drain_timeout(&self) -> Duration {
        self.config.drain_timeout
    }
}
