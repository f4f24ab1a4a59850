//! What is decided about one request: how it sets out with its credentials, and what a response means for it.

use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{Extensions, HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body;
use treq_core::{BoxError, Error, KeptFields, Kind, Replay};

use crate::choose::choose;
use crate::error::unusable;
use crate::layer::Config;
use crate::{AuthLayer, BodyHash, Challenges, Content, Outgoing, Scheme, Sent, Step, Why};

/// How a request sets out.
pub(crate) enum Start<B> {
    /// It is ready, and its response is nobody's business.
    Send,
    /// It is ready, and the scheme sees the response.
    Listen(Box<Kept<B>>),
    /// Its body is to be read first.
    Hash(Box<Kept<B>>, Hashing<B>),
    Fail(Error),
}

/// A body that goes into a hash.
pub(crate) struct Hashing<B> {
    pub(crate) body: B,
    pub(crate) hash: Box<dyn BodyHash>,
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
    /// It is a challenge, and the answer covers the body.
    Hash(Hashing<B>, Challenges),
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
    let step = outgoing(request, Content::Unread, &*scheme)?;
    let Step::Hash(hash) = step else {
        return Ok(match kept {
            Some(kept) => Start::Listen(Box::new(kept.sent(request.headers()))),
            None => Start::Send,
        });
    };
    let kept = kept.unwrap_or_else(|| Kept::of(layer, &scheme, request));
    match kept.to_hash(&layer.replay, hash) {
        ToHash::Read(hashing) => Ok(Start::Hash(Box::new(kept), hashing)),
        ToHash::Done(hash) => kept.set_out(request, Content::Hashed(&hash)),
        ToHash::Once => kept.set_out(request, Content::Once),
    }
}

fn outgoing<B>(request: &mut Request<B>, content: Content<'_>, scheme: &dyn Scheme) -> Result<Step, Error> {
    let (method, url) = (request.method().clone(), request.uri().clone());
    let mut outgoing = Outgoing::new(&method, &url, request.headers_mut()).with_content(content);
    scheme.authorize(&mut outgoing).map_err(|error| adopt(error, &url))
}

/// Our own error untouched; a stranger is the scheme's.
fn adopt(error: BoxError, url: &Uri) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(ours) => *ours,
        Err(stranger) => Error::new(Kind::Auth, "the credentials could not be used").with_source(stranger),
    };
    error.with_url(url)
}

/// What comes of it where a scheme wants to hash a body.
enum ToHash<B> {
    Read(Hashing<B>),
    /// The body is empty.
    Done(Vec<u8>),
    Once,
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
            headers: KeptFields::of(request.headers()),
            extensions: request.extensions().clone(),
            body,
            sent: None,
            answers: 0,
        }
    }

    fn to_hash(&self, replay: &impl Replay<B>, hash: Box<dyn BodyHash>) -> ToHash<B> {
        match &self.body {
            Again::Empty => ToHash::Done(hash.finish()),
            Again::Once => ToHash::Once,
            Again::Copy(body) => match replay.copy(body) {
                Some(body) => ToHash::Read(Hashing { body, hash }),
                None => ToHash::Once,
            },
        }
    }

    fn sent(mut self, headers: &HeaderMap) -> Kept<B> {
        self.sent = headers.get(AUTHORIZATION).cloned();
        self
    }

    /// The first request, once its body is hashed or known not to be.
    fn set_out(self, request: &mut Request<B>, content: Content<'_>) -> Result<Start<B>, Error> {
        self.authorize(request, content)?;
        Ok(match self.scheme.listens() {
            true => Start::Listen(Box::new(self.sent(request.headers()))),
            false => Start::Send,
        })
    }

    /// The same later, for a request that has waited for its hash.
    pub(crate) fn set_out_hashed(&mut self, request: &mut Request<B>, hash: &[u8]) -> Result<(), Error> {
        self.authorize(request, Content::Hashed(hash))?;
        self.sent = request.headers().get(AUTHORIZATION).cloned();
        Ok(())
    }

    fn authorize(&self, request: &mut Request<B>, content: Content<'_>) -> Result<(), Error> {
        match outgoing(request, content, &*self.scheme)? {
            Step::Send | Step::Return => Ok(()),
            Step::Hash(_) => Err(self.cannot_hash()),
        }
    }

    fn cannot_hash(&self) -> Error {
        let message = "these credentials cover the body, which can be read only once: give one that can be made again";
        unusable(Why::BodyOnce, message).with_url(&self.url)
    }

    /// What a response means.
    pub(crate) fn judge<R>(&mut self, replay: &impl Replay<B>, response: &Response<R>) -> Result<Verdict<B>, Error> {
        if !self.scheme.listens() {
            return Ok(Verdict::Return);
        }
        if response.status() == StatusCode::UNAUTHORIZED {
            let challenges = Challenges::parse(response.headers(), &WWW_AUTHENTICATE);
            // Once, and once more where only the nonce was too old.
            if self.answers == 0 || (self.answers == 1 && challenges.is_stale()) {
                let content = if matches!(self.body, Again::Once) { Content::Once } else { Content::Unread };
                let verdict = self.answer(replay, challenges, content)?;
                if !matches!(verdict, Verdict::Return) {
                    return Ok(verdict);
                }
            }
        }
        self.accept(response)?;
        Ok(Verdict::Return)
    }

    fn answer(
        &mut self,
        replay: &impl Replay<B>,
        challenges: Challenges,
        content: Content<'_>,
    ) -> Result<Verdict<B>, Error> {
        match self.ask(&challenges, content)? {
            Asked::Verdict(verdict) => Ok(verdict),
            Asked::Hash(hash) if content == Content::Unread => match self.to_hash(replay, hash) {
                ToHash::Read(hashing) => Ok(Verdict::Hash(hashing, challenges)),
                ToHash::Done(hash) => self.answer_with(&challenges, Content::Hashed(&hash)),
                ToHash::Once => self.answer_with(&challenges, Content::Once),
            },
            Asked::Hash(_) => Err(self.cannot_hash()),
        }
    }

    /// The answer where the body is hashed.
    pub(crate) fn answer_hashed<R>(
        &mut self,
        challenges: &Challenges,
        hash: &[u8],
        response: &Response<R>,
    ) -> Result<Verdict<B>, Error> {
        let verdict = self.answer_with(challenges, Content::Hashed(hash))?;
        if matches!(verdict, Verdict::Return) {
            self.accept(response)?;
        }
        Ok(verdict)
    }

    fn answer_with(&mut self, challenges: &Challenges, content: Content<'_>) -> Result<Verdict<B>, Error> {
        match self.ask(challenges, content)? {
            Asked::Verdict(verdict) => Ok(verdict),
            Asked::Hash(_) => Err(self.cannot_hash()),
        }
    }

    fn ask(&mut self, challenges: &Challenges, content: Content<'_>) -> Result<Asked<B>, Error> {
        let mut headers = self.headers.to_map();
        let mut outgoing = Outgoing::new(&self.method, &self.url, &mut headers).with_content(content);
        let step = self.scheme.answer(challenges, &mut outgoing).map_err(|error| adopt(error, &self.url))?;
        match step {
            // A request without its body would be another request.
            Step::Send if matches!(self.body, Again::Once) => Ok(Asked::Verdict(Verdict::Return)),
            Step::Send => {
                self.answers += 1;
                self.sent = headers.get(AUTHORIZATION).cloned();
                Ok(Asked::Verdict(Verdict::Again(headers)))
            }
            Step::Return => Ok(Asked::Verdict(Verdict::Return)),
            Step::Hash(hash) => Ok(Asked::Hash(hash)),
        }
    }

    fn accept<R>(&self, response: &Response<R>) -> Result<(), Error> {
        let sent = Sent::new(&self.url, self.sent.as_ref());
        let accepted = self.scheme.accept(&sent, response.status(), response.headers());
        accepted.map_err(|error| adopt(error, &self.url))
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

/// What a scheme said to a challenge.
enum Asked<B> {
    Verdict(Verdict<B>),
    Hash(Box<dyn BodyHash>),
}
