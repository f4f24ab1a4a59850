use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use http::{StatusCode, Uri};

use crate::StatusError;

/// Any error that may cross threads.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// What went wrong with a request, one word wide.
///
/// The [kind](Error::kind) says in which part, the [source](StdError::source) what the cause was, typed causes are
/// found with [`find`](Error::find). `Display` names neither the source (walk the chain for that) nor a secret: the
/// URL stands there without userinfo and without its query.
///
/// ```
/// use treq_core::{Error, Kind};
///
/// let error = Error::new(Kind::Connect, "port 0 cannot be connected to");
/// assert_eq!(error.kind(), Kind::Connect);
/// assert_eq!(error.to_string(), "port 0 cannot be connected to");
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    message: Cow<'static, str>,
    source: Option<BoxError>,
    url: Option<Box<str>>,
    resend: Resend,
}

/// The part of a request in which an [`Error`] arose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The request could not be built: a bad URL, header, method, or options that exclude each other.
    Builder,
    /// The host name could not be resolved.
    Resolve,
    /// No connection could be made, or it broke before an answer came: [`Error::resend`] tells the one from the other.
    Connect,
    /// The TLS handshake failed, or no roots to verify it against could be had.
    Tls,
    /// The proxy refused or failed.
    Proxy,
    /// The peer broke the rules of HTTP.
    Protocol,
    /// A time limit was reached.
    Timeout(Phase),
    /// Redirects could not be followed.
    Redirect,
    /// Credentials were refused or could not be used.
    Auth,
    /// The content could not be decoded.
    Decode,
    /// The body could not be read or written to its end.
    Body,
    /// The status said failure, and the caller had asked for that to be an error.
    Status,
    /// The request was given up before it was answered.
    Cancelled,
    /// Anything else: usually the error of a service that is not treq's.
    Other,
}

/// The part of a request that took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Waiting for a connection of the pool.
    Wait,
    /// Name resolution, connecting and the TLS handshake.
    Connect,
    /// From the request handed to a connection to the end of the response's head.
    Head,
    /// Between two reads of the response's body.
    Read,
    /// Between two writes of the request's body.
    Write,
    /// The request as a whole.
    Total,
}

/// Whether the request may be sent again without the server acting on it twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Resend {
    /// No part of the request can have been processed.
    Safe,
    /// The server may have acted on it.
    MaybeProcessed,
}

impl Error {
    /// An error with its message: what happened to which value, the limit, and what to do about it.
    pub fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Error {
        Error(Box::new(Inner {
            kind,
            message: message.into(),
            source: None,
            url: None,
            resend: Resend::MaybeProcessed,
        }))
    }

    /// The message, without the URL.
    pub(crate) fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns an [`Error`] unchanged, and wraps any other error once, with the messages of all its causes: as
    /// [`Kind::Connect`] if the system says that a connection was refused or broke, otherwise as [`Kind::Other`]. A service
    /// that knows better what its errors mean maps them itself, by `tower::ServiceExt::map_err` to its own [`Error`].
    pub fn from_boxed(error: impl Into<BoxError>) -> Error {
        match error.into().downcast::<Error>() {
            Ok(ours) => *ours,
            Err(stranger) => Error::wrap(stranger),
        }
    }

    // Apart, since every layer has `adopt` in its common path.
    #[cold]
    fn wrap(stranger: BoxError) -> Error {
        let mut message = String::from("the inner service failed");
        let mut cause: Option<&(dyn StdError + 'static)> = Some(&*stranger);
        while let Some(error) = cause {
            let text = error.to_string();
            // Some repeat what their cause says.
            if !message.ends_with(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            cause = error.source();
        }
        let mut error = Error::new(Kind::Other, message).with_source(stranger);
        if let Some(
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::NotConnected
            | io::ErrorKind::BrokenPipe,
        ) = error.find::<io::Error>().map(io::Error::kind)
        {
            error.0.kind = Kind::Connect;
        }
        error
    }

    /// A copy of the error for another request: a connection that could not be made ends all that waited for it.
    pub fn repeat(error: &Arc<Error>) -> Error {
        Error(Box::new(Inner {
            kind: error.0.kind,
            message: error.0.message.clone(),
            source: error.0.source.is_some().then(|| SharedCause(Arc::clone(error)).into()),
            url: error.0.url.clone(),
            resend: error.0.resend,
        }))
    }

    /// The same error with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Error {
        self.0.source = Some(source.into());
        self
    }

    /// The same error, naming the URL with userinfo left out and the query masked. A URL that is already there stays:
    /// the innermost is the one that failed.
    #[must_use]
    pub fn with_url(mut self, url: &Uri) -> Error {
        self.0.url.get_or_insert_with(|| crate::mask::of_uri(url));
        self
    }

    /// The same error with the verdict on sending the request again.
    #[must_use]
    pub fn with_resend(mut self, resend: Resend) -> Error {
        self.0.resend = resend;
        self
    }

    /// In which part it arose.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Whether the request may be sent again without the server acting on it twice.
    pub fn resend(&self) -> Resend {
        self.0.resend
    }

    /// The URL of the failed request, without userinfo and with its query masked.
    pub fn url(&self) -> Option<&str> {
        self.0.url.as_deref()
    }

    /// Returns true if a time limit was the cause.
    pub fn is_timeout(&self) -> bool {
        matches!(self.0.kind, Kind::Timeout(_))
    }

    /// Returns true if there was no connection: a name was not resolved, or connecting or the TLS handshake failed or took too
    /// long; also if a connection broke before a response came.
    pub fn is_connect(&self) -> bool {
        matches!(self.0.kind, Kind::Resolve | Kind::Connect | Kind::Tls | Kind::Timeout(Phase::Connect))
    }

    /// Returns true if the request could not be built; nothing was sent.
    pub fn is_builder(&self) -> bool {
        self.0.kind == Kind::Builder
    }

    /// Returns true if the caller asked for a status of failure to be an error: [`status`](Error::status) has it.
    pub fn is_status(&self) -> bool {
        self.0.kind == Kind::Status
    }

    /// The status of the response, if that is the error.
    ///
    /// ```
    /// use http::{HeaderMap, StatusCode};
    /// use treq_core::{Error, Kind, StatusError};
    ///
    /// let cause = StatusError::new(StatusCode::NOT_FOUND, HeaderMap::new(), "no tea".into());
    /// let error = Error::new(Kind::Status, "the server answered 404").with_source(cause);
    /// assert_eq!(error.status(), Some(StatusCode::NOT_FOUND));
    /// ```
    pub fn status(&self) -> Option<StatusCode> {
        self.find::<StatusError>().map(StatusError::status)
    }

    /// The cause, without the rest.
    pub fn into_source(self) -> Option<BoxError> {
        self.0.source
    }

    /// The first cause of type `T` along the chain of sources, which begins behind this error.
    ///
    /// ```
    /// use std::io;
    /// use treq_core::{Error, Kind};
    ///
    /// let error = Error::new(Kind::Body, "the file cannot be read").with_source(io::Error::from(io::ErrorKind::NotFound));
    /// assert_eq!(error.find::<io::Error>().map(io::Error::kind), Some(io::ErrorKind::NotFound));
    /// assert!(error.find::<std::fmt::Error>().is_none());
    /// ```
    pub fn find<T: StdError + 'static>(&self) -> Option<&T> {
        find_cause(self)
    }
}

/// For code that speaks of IO alone. What the system said of its own stays the kind; a time limit is
/// [`io::ErrorKind::TimedOut`].
impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        let kind = match error.find::<io::Error>() {
            _ if error.is_timeout() => io::ErrorKind::TimedOut,
            Some(cause) => cause.kind(),
            None => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

impl fmt::Display for Kind {
    /// What there is to do, in a word or two.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Builder => "building the request",
            Kind::Resolve => "resolving the host name",
            Kind::Connect => "connecting",
            Kind::Tls => "TLS",
            Kind::Proxy => "the proxy",
            Kind::Protocol => "the rules of HTTP",
            Kind::Timeout(phase) => return write!(f, "a time limit: {phase}"),
            Kind::Redirect => "redirects",
            Kind::Auth => "credentials",
            Kind::Decode => "decoding the content",
            Kind::Body => "the body",
            Kind::Status => "the status",
            Kind::Cancelled => "given up",
            Kind::Other => "the inner service",
        })
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Wait => "waiting for a connection of the pool",
            Phase::Connect => "connecting",
            Phase::Head => "waiting for the head of the response",
            Phase::Read => "reading the body of the response",
            Phase::Write => "sending the body of the request",
            Phase::Total => "the request as a whole",
        })
    }
}

/// The first cause of type `T` along the chain of sources of `error`, those that an [`io::Error`] carries among them:
/// it leaves them out of its own chain.
pub fn find_cause<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref::<T>() {
            return Some(found);
        }
        let carried = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match (carried, cause.downcast_ref::<SharedCause>()) {
            (Some(carried), _) => Some(carried),
            (None, Some(SharedCause(error))) => error.source(),
            (None, None) => cause.source(),
        };
    }
    None
}

/// The cause of an error that several requests share.
struct SharedCause(Arc<Error>);

impl fmt::Display for SharedCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.0.source.as_ref().map_or(Ok(()), |cause| cause.fmt(f))
    }
}

impl fmt::Debug for SharedCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.0.source.as_ref().map_or(Ok(()), |cause| cause.fmt(f))
    }
}

impl StdError for SharedCause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()?.source()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match &self.0.url {
            // Not as a part of what the last line says.
            Some(url) if self.0.message.contains('\n') => write!(f, "\n\n({url})"),
            Some(url) => write!(f, " ({url})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug.field("kind", &self.0.kind).field("message", &self.0.message);
        if let Some(url) = &self.0.url {
            debug.field("url", url);
        }
        if let Some(source) = &self.0.source {
            debug.field("source", source);
        }
        debug.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Error {
        match never {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_word_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Option<Error>>(), size_of::<usize>());
    }

    #[test]
    fn shows_neither_userinfo_nor_query_nor_source() {
        let url: Uri = "http://user:secret@example.test:81/path?token=hidden".parse().unwrap();
        let error = Error::new(Kind::Connect, "refused").with_source("inner text").with_url(&url);
        assert_eq!(error.to_string(), "refused (http://example.test:81/path?…)");
        let report = Error::new(Kind::Other, "refused:\n a=1").with_url(&url);
        assert_eq!(report.to_string(), "refused:\n a=1\n\n(http://example.test:81/path?…)");
        assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
    }

    #[test]
    fn finds_what_an_io_error_carries() {
        let carried = io::Error::other(io::Error::other(Error::new(Kind::Decode, "inner")));
        let error = Error::new(Kind::Body, "outer").with_source(carried);
        assert_eq!(error.find::<Error>().map(Error::kind), Some(Kind::Decode));
        assert!(error.find::<std::fmt::Error>().is_none());
    }

    #[test]
    fn repeats_itself_with_its_causes() {
        let first = Error::new(Kind::Connect, "refused").with_source(io::Error::other(std::fmt::Error));
        let again = Error::repeat(&Arc::new(first.with_resend(Resend::Safe)));
        assert_eq!(
            (again.kind(), again.to_string().as_str(), again.resend()),
            (Kind::Connect, "refused", Resend::Safe)
        );
        assert!(again.find::<io::Error>().is_some() && again.find::<std::fmt::Error>().is_some());
        assert_eq!(again.source().map(ToString::to_string), Some(std::fmt::Error.to_string()));
        assert!(Error::repeat(&Arc::new(Error::new(Kind::Connect, "alone"))).source().is_none());
    }

    #[test]
    fn adopts_its_own_untouched_and_wraps_a_stranger_once() {
        let ours = Error::from_boxed(Error::new(Kind::Tls, "ours"));
        assert_eq!((ours.kind(), ours.to_string().as_str()), (Kind::Tls, "ours"));
        let stranger = Error::from_boxed(std::fmt::Error);
        assert_eq!(stranger.kind(), Kind::Other);
        assert!(stranger.find::<std::fmt::Error>().is_some());
        assert_eq!(Error::from_boxed(stranger).kind(), Kind::Other);
        let refused = io::Error::new(io::ErrorKind::ConnectionRefused, "refused");
        let stranger = Error::from_boxed(io::Error::new(io::ErrorKind::ConnectionReset, refused));
        assert_eq!((stranger.kind(), &*stranger.to_string()), (Kind::Connect, "the inner service failed: refused"));
    }
}
