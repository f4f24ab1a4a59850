//! A chain of redirects as a state machine: it is told the answers, and says what the next request is.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use http::header::{LOCATION, REFERER};
use http::uri::{Authority, Scheme};
use http::{Extensions, HeaderMap, Method, Request, StatusCode, Uri, Version, response};
use treq_core::uri::Located;
use treq_core::{BoxError, Error, KeptFields, Kind, uri};

use crate::fields::{drop_content, drop_credentials, drop_preconditions};
use crate::layer::Config;
use crate::policy::same_origin;
use crate::{
    Action, Attempt, FinalUrl, Follow, Fragment, History, Hop, LeftOrigin, RedirectError, RedirectErrorReason,
    ReferrerPolicy, TooManyRedirects,
};

/// The longest `Location` that is followed, in bytes. Servers take no longer request lines.
const LOCATION_LEN: usize = 8 * 1024;

/// What the current request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Empty,
    /// A body of which there is no copy.
    Once,
    /// A body of which there is a copy.
    Again,
}

/// The redirects that are followed ([RFC 9110, section 15.4](https://www.rfc-editor.org/rfc/rfc9110#section-15.4)):
/// not 300, which offers a choice, nor 304, 305 and 306.
pub(crate) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// The current request without its body, and how it came about.
pub(crate) struct Chain {
    config: Arc<Config>,
    /// The request's own, instead of the layer's.
    follow: Option<Follow>,
    limit: usize,
    method: Method,
    url: Uri,
    version: Version,
    /// The userinfo of the caller's URL, removed at the first redirect. It is a credential, so it is dropped for good once the
    /// chain has left its origin.
    userinfo: Option<Box<str>>,
    /// What was dropped from them once is gone for the whole chain.
    headers: KeptFields,
    extensions: Extensions,
    content: Content,
    referrer: Option<ReferrerPolicy>,
    hops: Vec<Hop>,
}

/// The redirect that is to be followed.
#[derive(Debug)]
pub(crate) struct Next {
    method: Method,
    located: Located,
    keeps_body: bool,
}

/// Why a redirect is an error.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// `None`: there have been too many.
    reason: Option<RedirectErrorReason>,
    message: String,
    source: Option<BoxError>,
}

impl Refusal {
    fn new(reason: RedirectErrorReason, message: impl Into<String>) -> Refusal {
        Refusal { reason: Some(reason), message: message.into(), source: None }
    }
}

impl Chain {
    #[inline(always)]
    pub(crate) fn new<B>(
        config: Arc<Config>,
        follow: Option<Follow>,
        limit: usize,
        request: &Request<B>,
        content: Content,
    ) -> Chain {
        Chain {
            follow,
            limit,
            method: request.method().clone(),
            url: request.uri().clone(),
            version: request.version(),
            userinfo: None,
            headers: KeptFields::from_headers(request.headers()),
            extensions: request.extensions().clone(),
            content,
            referrer: config.referrer,
            hops: Vec::new(),
            config,
        }
    }

    /// What is to be done after this answer to the current request: `None` to return it.
    pub(crate) fn decide(&self, status: StatusCode, headers: &HeaderMap) -> Result<Option<Next>, Refusal> {
        let Some(policy) = self.follow.as_ref().unwrap_or(&self.config.follow).policy() else { return Ok(None) };
        let refused = |cause| Refusal {
            source: Some(cause),
            ..Refusal::new(RedirectErrorReason::Policy, format!("the {} is not followed", status.as_u16()))
        };
        let Some(location) = location(headers)? else { return Ok(None) };
        let located = uri::resolve(&self.url, location)
            .map_err(|error| Refusal::new(RedirectErrorReason::Location, error.to_string()))?;
        let (method, previous_url, url, history) = (&self.method, &self.url, &located.uri, &self.hops[..]);
        let attempt = Attempt { status, headers, method, previous_url, url, history };
        let method = match policy.decide(&attempt) {
            Action::Stop => return Ok(None),
            Action::Fail(cause) => return Err(refused(cause)),
            Action::Follow => attempt.standard_method(),
            Action::FollowAs(method) => method,
        };
        let keeps_body = method == self.method && self.content != Content::Empty;
        self.check(&located.uri, keeps_body)?;
        Ok(Some(Next { method, located, keeps_body }))
    }

    /// The rules that hold whatever the policy says.
    fn check(&self, target: &Uri, keeps_body: bool) -> Result<(), Refusal> {
        let in_clear = target.scheme() != Some(&Scheme::HTTPS);
        if self.hops.len() >= self.limit {
            let message = format!("more than {} redirects", self.limit);
            return Err(Refusal { reason: None, message, source: None });
        }
        if in_clear && self.config.https_only {
            return Err(Refusal::new(
                RedirectErrorReason::HttpsOnly,
                "a redirect leads to http, and only https is allowed",
            ));
        }
        if keeps_body && in_clear && self.url.scheme() == Some(&Scheme::HTTPS) {
            return Err(Refusal::new(
                RedirectErrorReason::BodyInClear,
                "a redirect from https to http asks for the body again",
            ));
        }
        if keeps_body && self.content == Content::Once {
            let message = "a redirect asks for the body again, which can be sent only once: give one that can be made \
                           again, or take redirects by hand";
            return Err(Refusal::new(RedirectErrorReason::BodyOnce, message));
        }
        Ok(())
    }

    /// Goes to the next request; `answer` is the redirect.
    pub(crate) fn advance(&mut self, next: Next, answer: response::Parts) {
        let Next { method, located, keeps_body } = next;
        let mut headers = self.headers.to_map();
        if self.is_new() {
            self.userinfo = userinfo(&self.url);
        }
        if !same_origin(&self.url, &located.uri) {
            drop_credentials(&mut headers, &self.config.sensitive);
            self.userinfo = None;
            self.extensions.insert(LeftOrigin::new());
        }
        if method != self.method {
            drop_content(&mut headers);
            // Those of GET and HEAD ask the same of the target: whether the caller's copy is still good.
            if !matches!(self.method, Method::GET | Method::HEAD) {
                drop_preconditions(&mut headers);
            }
        }
        if !keeps_body {
            self.content = Content::Empty;
        }
        self.refer(&mut headers, &located.uri, &answer.headers);
        self.headers = KeptFields::from_headers(&headers);
        // The fragment of an earlier hop stays where this one has none (RFC 9110, section 10.2.2).
        if let Some(fragment) = located.fragment {
            self.extensions.insert(Fragment::new(fragment));
        }
        self.push(answer);
        self.method = method;
        // What stood before an `@` is not taken for credentials: the server does not choose them.
        self.url = located.uri;
    }

    /// Sets the `Referer` of the next request, where that is asked for.
    fn refer(&mut self, headers: &mut HeaderMap, target: &Uri, answer: &HeaderMap) {
        let Some(policy) = self.referrer else { return };
        let policy = ReferrerPolicy::of(answer).unwrap_or(policy);
        self.referrer = Some(policy);
        match policy.referer(&without_userinfo(&self.url), target) {
            Some(value) => headers.insert(REFERER, value),
            None => headers.remove(REFERER),
        };
    }

    fn push(&mut self, answer: response::Parts) {
        self.hops.push(Hop {
            method: self.method.clone(),
            url: without_userinfo(&self.url),
            status: answer.status,
            version: answer.version,
            headers: answer.headers,
            extensions: answer.extensions,
        });
    }

    /// The error that `answer` is.
    pub(crate) fn fail(&mut self, refusal: Refusal, answer: response::Parts) -> Error {
        self.push(answer);
        let history = History::new(std::mem::take(&mut self.hops));
        let error = Error::new(Kind::Redirect, refusal.message).with_url(&self.url);
        match refusal.reason {
            Some(reason) => error.with_source(RedirectError { reason, history, source: refusal.source }),
            None => error.with_source(TooManyRedirects { limit: self.limit, history }),
        }
    }

    /// Nothing has been followed yet.
    pub(crate) fn is_new(&self) -> bool {
        self.hops.is_empty()
    }

    /// The chain ends with a response that has these extensions.
    pub(crate) fn finish(&mut self, extensions: &mut Extensions) {
        if self.hops.is_empty() {
            return;
        }
        extensions.insert(History::new(std::mem::take(&mut self.hops)));
        let fragment = self.extensions.get::<Fragment>().map(|fragment| fragment.as_str().into());
        extensions.insert(FinalUrl { url: self.url.clone(), fragment });
    }

    /// The current request.
    pub(crate) fn request<B>(&self, body: B) -> Request<B> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = match &self.userinfo {
            Some(userinfo) => with_userinfo(&self.url, userinfo),
            None => self.url.clone(),
        };
        *request.version_mut() = self.version;
        *request.headers_mut() = self.headers.to_map();
        *request.extensions_mut() = self.extensions.clone();
        request
    }

    pub(crate) fn drain_timeout(&self) -> Duration {
        self.config.drain_timeout
    }

    pub(crate) fn content(&self) -> Content {
        self.content
    }

    /// The copy of the body goes out, and there is no further one.
    pub(crate) fn sent_last_copy(&mut self) {
        self.content = Content::Once;
    }
}

/// The one value of `Location`; none where it is missing or empty.
fn location(headers: &HeaderMap) -> Result<Option<&[u8]>, Refusal> {
    let mut values = headers.get_all(LOCATION).iter().map(|value| value.as_bytes().trim_ascii());
    let first = values.next().unwrap_or_default();
    if values.any(|other| other != first) {
        return Err(Refusal::new(RedirectErrorReason::Location, "a redirect has several Locations that differ"));
    }
    if first.len() > LOCATION_LEN {
        let message = format!("a Location of {} bytes is too long: the limit is {LOCATION_LEN}", first.len());
        return Err(Refusal::new(RedirectErrorReason::Location, message));
    }
    Ok((!first.is_empty()).then_some(first))
}

/// The userinfo of the URL.
fn userinfo(url: &Uri) -> Option<Box<str>> {
    let (userinfo, _) = url.authority()?.as_str().rsplit_once('@')?;
    (!userinfo.is_empty()).then(|| userinfo.into())
}

fn with_userinfo(url: &Uri, userinfo: &str) -> Uri {
    let mut parts = url.clone().into_parts();
    let host = parts.authority.as_ref().map_or("", Authority::as_str);
    // Both halves come from URLs. Were they not to make one, better no credentials than no request.
    match Authority::try_from(format!("{userinfo}@{host}")) {
        Ok(authority) => parts.authority = Some(authority),
        Err(_) => return url.clone(),
    }
    Uri::from_parts(parts).unwrap_or_else(|_| url.clone())
}

fn without_userinfo(url: &Uri) -> Uri {
    let host = match url.authority().map(Authority::as_str).and_then(|whole| whole.rsplit_once('@')) {
        Some((_, host)) => host,
        None => return url.clone(),
    };
    let mut plain = String::new();
    // Writing to a string does not fail.
    let _ = write!(plain, "{}://{host}{}", url.scheme_str().unwrap_or("http"), url.path());
    if let Some(query) = url.query() {
        let _ = write!(plain, "?{query}");
    }
    // The parts of a URL make a URL; were they not to, better none than one with a password.
    plain.parse().unwrap_or_default()
}

#[cfg(test)]
mod tests;
