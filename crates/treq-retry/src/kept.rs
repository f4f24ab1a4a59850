//! What is kept of a request that may be sent again, and what is decided about its attempts.

use std::mem;
use std::time::{Duration, Instant, SystemTime};

use http::{Extensions, Method, Request, Response, Uri, Version};
use http_body::Body;
use treq_core::{Error, KeptFields, Replay, Resend};

use crate::{Attempt, Attempted, Exhausted, Outcome, RetryLayer, key};

/// A request that can be sent once more.
pub(crate) struct Kept<B, Y> {
    layer: RetryLayer<Y>,
    /// How often it may be sent in all.
    attempts: u32,
    /// How often it was.
    sent: u32,
    /// The verdict on all attempts but the current one.
    resend: Resend,
    method: Method,
    url: Uri,
    version: Version,
    headers: KeptFields,
    extensions: Extensions,
    keyed: bool,
    body: Again<B>,
}

/// What there is of the body for a further attempt.
enum Again<B> {
    Empty,
    Copy(B),
    /// It went out, and there is no other.
    Once,
}

impl<B, Y> Kept<B, Y> {
    /// `None` where the body can be sent only once. The request is the first attempt.
    pub(crate) fn of(layer: &RetryLayer<Y>, attempts: u32, request: &Request<B>) -> Option<Kept<B, Y>>
    where
        B: Body,
        Y: Replay<B> + Clone,
    {
        let body = request.body();
        let body = match body.is_end_stream() {
            true => Again::Empty,
            false => match layer.replay.copy(body) {
                Some(copy) => Again::Copy(copy),
                None if body.size_hint().exact() == Some(0) => Again::Empty,
                None => return None,
            },
        };
        Some(Kept {
            layer: layer.clone(),
            attempts,
            sent: 1,
            resend: Resend::Safe,
            method: request.method().clone(),
            url: request.uri().clone(),
            version: request.version(),
            headers: KeptFields::from_headers(request.headers()),
            extensions: request.extensions().clone(),
            keyed: key::is_in(request.headers()),
            body,
        })
    }

    /// How long after this outcome of the current attempt the request is sent again; `None`: never. `now` is asked where
    /// the budget decides.
    pub(crate) fn judge<R>(
        &mut self,
        outcome: Result<&Response<R>, &Error>,
        now: impl FnOnce() -> Instant,
    ) -> Option<Duration> {
        if self.sent >= self.attempts || matches!(self.body, Again::Once) {
            return None;
        }
        let (outcome, resend) = match outcome {
            Ok(response) => (Outcome::from(response), Resend::MaybeProcessed),
            Err(error) => (Outcome::from(error), error.resend()),
        };
        let Kept { sent: number, ref method, ref url, ref extensions, keyed, .. } = *self;
        let config = &self.layer.config;
        let attempt = Attempt { number, method, url, extensions, keyed, outcome };
        // Without random numbers the longest wait is the careful one.
        let random = || getrandom::u64().unwrap_or(u64::MAX);
        let wait = config.wait(&attempt, SystemTime::now, random)?;
        // Last, so that nothing is taken from it that is not used.
        let granted = config.budget.as_ref().is_none_or(|budget| budget.withdraw(now()));
        if !granted {
            return None;
        }
        self.join(resend);
        Some(wait)
    }

    /// All attempts together are as safe as the least safe of them.
    fn join(&mut self, resend: Resend) {
        if resend != Resend::Safe {
            self.resend = resend;
        }
    }

    /// The response that the caller gets.
    pub(crate) fn answer<R>(&self, response: &mut Response<R>) {
        if self.sent > 1 {
            response.extensions_mut().insert(Attempted::new(self.sent));
        }
    }

    /// The error that the caller gets.
    pub(crate) fn fail(&mut self, error: Error) -> Error {
        self.join(error.resend());
        if self.sent == 1 {
            // Also where the service was not ready for a second attempt.
            return error.with_resend(self.resend);
        }
        Exhausted::error(error, self.sent, self.resend, &self.url)
    }

    /// The next attempt, with a further copy of the body kept if there may be one more.
    pub(crate) fn request(&mut self) -> Request<B>
    where
        B: Body + Default,
        Y: Replay<B>,
    {
        self.sent += 1;
        let body = match mem::replace(&mut self.body, Again::Once) {
            Again::Copy(body) => {
                if self.sent < self.attempts {
                    self.body = self.layer.replay.copy(&body).map_or(Again::Once, Again::Copy);
                }
                body
            }
            // Without a copy `judge` lets no further attempt be made.
            Again::Empty | Again::Once => {
                self.body = Again::Empty;
                B::default()
            }
        };
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.url.clone();
        *request.version_mut() = self.version;
        *request.headers_mut() = self.headers.to_map();
        *request.extensions_mut() = self.extensions.clone();
        request
    }

    pub(crate) fn drain_timeout(&self) -> Duration {
        self.layer.config.drain_timeout
    }
}
