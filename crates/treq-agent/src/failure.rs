//! What hyper's errors mean to a caller.

use std::borrow::Cow;
use std::io;

use treq_core::{BoxError, Error, Kind, Resend, find_cause};

use crate::TooManyInterim;

/// An exchange that failed before its answer came. `unsent`: hyper handed the request back.
pub(crate) fn of_exchange(error: hyper::Error, unsent: bool) -> Error {
    let made = describe(&error);
    let resend = if unsent || refused_by_peer(&error) { Resend::Safe } else { Resend::MaybeProcessed };
    made.with_resend(resend).with_source(error)
}

/// A request's body that failed.
pub(crate) fn of_upload(error: BoxError) -> Error {
    // The caller's body failed: its own words say most.
    let told = match error.downcast::<Error>() {
        Ok(ours) => *ours,
        Err(error) => match find_cause::<Error>(&*error) {
            Some(ours) => Error::new(ours.kind(), ours.to_string()).with_source(error),
            None => Error::new(Kind::Body, "the request's body could not be read").with_source(error),
        },
    };
    told.with_resend(Resend::MaybeProcessed)
}

/// A body that ended before its `Content-Length` said so.
pub(crate) fn short() -> Error {
    Error::new(Kind::Body, "the response was cut: the server ended it before all that it had announced")
}

/// A body where there can be none; only HTTP/2 can send one.
pub(crate) fn bodyless() -> Error {
    Error::new(Kind::Body, "the response breaks the rules of its framing: one of its status (204, 304) has no body")
}

fn describe(error: &hyper::Error) -> Error {
    if let Some(ours) = find_cause::<Error>(error) {
        // The caller's body failed: its own words say most.
        return Error::new(ours.kind(), ours.to_string());
    }
    if is_forgotten(error) {
        return Error::new(Kind::Cancelled, "the connection's task is gone: its runtime was shut down, or it panicked");
    }
    if error.is_user() {
        return Error::new(Kind::Body, "the request's body could not be read");
    }
    if let Some(limit) = find_cause::<TooManyInterim>(error) {
        return Error::new(Kind::Protocol, format!("the server sent {limit}"));
    }
    // hyper has a predicate for this in servers only; a test keeps the words true.
    if error.is_parse() && error.to_string().contains("too large") {
        return Error::new(
            Kind::Protocol,
            "the head of the response is over the limit on its size or number of fields",
        );
    }
    if error.is_parse_version_h2() {
        return Error::new(Kind::Protocol, "the server speaks HTTP/2 where HTTP/1.1 was expected");
    }
    if error.is_parse() {
        return Error::new(Kind::Protocol, format!("the server's answer is not HTTP: {error}"));
    }
    if error.is_incomplete_message() {
        return Error::new(Kind::Connect, "the server closed the connection before it answered");
    }
    if let Some(broken) = find_cause::<hyper::Error>(error).and_then(broken) {
        return Error::new(Kind::Protocol, broken);
    }
    if error.is_canceled() || error.is_closed() {
        return unsent();
    }
    if error.is_timeout() {
        // The only time that hyper takes itself.
        return Error::new(Kind::Connect, "the connection was dead: the server did not answer an HTTP/2 PING");
    }
    if is_http2_io(error) || find_cause::<io::Error>(error).is_some() {
        return Error::new(Kind::Connect, "the connection broke before an answer came");
    }
    Error::new(Kind::Protocol, of_http2(error).unwrap_or("the exchange failed".into()))
}

/// Returns true if the task that had the request ended without reporting.
pub(crate) fn is_forgotten(error: &hyper::Error) -> bool {
    // hyper has no predicate for this; a test keeps the words true.
    error.to_string().starts_with("dispatch task is gone")
}

/// The error of a connection that ended before it took the request.
pub(crate) fn unsent() -> Error {
    Error::new(Kind::Connect, "the connection was closed before the request was sent")
}

/// Who ended a stream or a connection of HTTP/2, and for what reason.
#[cfg(feature = "http2")]
fn of_http2(error: &hyper::Error) -> Option<Cow<'static, str>> {
    let error = find_cause::<h2::Error>(error)?;
    let reason = error.reason()?;
    Some(match (error.is_remote(), error.is_go_away()) {
        (true, true) => format!("the server ended the HTTP/2 connection: {reason}").into(),
        (true, false) => format!("the server reset the HTTP/2 stream: {reason}").into(),
        (false, true) if error.is_library() => format!("the server broke the rules of HTTP/2: {reason}").into(),
        // h2 does not tell the one from the other.
        (false, false) if error.is_library() => {
            let why = "the answer breaks the rules of HTTP/2, or its head is over the limit on its size";
            format!("{why}: {reason}").into()
        }
        (false, _) => return None,
    })
}

#[cfg(not(feature = "http2"))]
fn of_http2(_: &hyper::Error) -> Option<Cow<'static, str>> {
    None
}

/// What a peer broke with nobody waiting for an answer: it spoke first, or in another protocol. `None` where the
/// connection just ended.
pub(crate) fn broken(error: &hyper::Error) -> Option<String> {
    // hyper has no predicate for this; a test keeps the words true.
    if error.to_string().contains("unexpected message") {
        return Some("the server spoke before it was asked".to_owned());
    }
    (error.is_parse() || is_http2_fault(error)).then(|| describe(error).to_string())
}

/// A body that broke off.
pub(crate) fn of_body(error: hyper::Error) -> Error {
    let invalid = |io: &io::Error| matches!(io.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput);
    let wrong = error.is_parse() || find_cause(&error).is_some_and(invalid) || is_http2_fault(&error);
    let what = if wrong {
        "the response's body breaks the rules of its framing"
    } else {
        "the response was cut: the connection ended before the body did"
    };
    Error::new(Kind::Body, what).with_source(error)
}

/// Whether the peer died or closed, rather than answered something wrong: with nothing of an answer read, the
/// connection was dead before.
pub(crate) fn is_closed(error: &hyper::Error) -> bool {
    !error.is_user()
        && !error.is_parse()
        && (error.is_incomplete_message()
            || error.is_canceled()
            || error.is_closed()
            || error.is_timeout()
            || is_http2_io(error)
            || find_cause::<io::Error>(error).is_some_and(|io| io.kind() != io::ErrorKind::InvalidData))
}

/// Returns true if an HTTP/2 connection ended during a body.
pub(crate) fn is_lost(error: &Error) -> bool {
    error.find::<hyper::Error>().is_some_and(is_http2_io)
}

/// h2 keeps the `io::Error` out of its chain of sources.
#[cfg(feature = "http2")]
fn is_http2_io(error: &hyper::Error) -> bool {
    find_cause::<h2::Error>(error).is_some_and(h2::Error::is_io)
}

#[cfg(not(feature = "http2"))]
fn is_http2_io(_: &hyper::Error) -> bool {
    false
}

/// Whether what came was no HTTP/2.
#[cfg(feature = "http2")]
fn is_http2_fault(error: &hyper::Error) -> bool {
    find_cause::<h2::Error>(error).is_some_and(|error| !error.is_io() && error.is_library())
}

#[cfg(not(feature = "http2"))]
fn is_http2_fault(_: &hyper::Error) -> bool {
    false
}

/// Whether an HTTP/2 peer said that it did not look at the request
/// ([RFC 9113, section 8.7](https://www.rfc-editor.org/rfc/rfc9113#section-8.7)).
#[cfg(feature = "http2")]
pub(crate) fn refused_by_peer(error: &hyper::Error) -> bool {
    let go_away = |error: &h2::Error| error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
    let refused = |error: &h2::Error| error.reason() == Some(h2::Reason::REFUSED_STREAM) || go_away(error);
    wants_http1(error) || find_cause::<h2::Error>(error).is_some_and(|error| error.is_remote() && refused(error))
}

#[cfg(not(feature = "http2"))]
pub(crate) fn refused_by_peer(_: &hyper::Error) -> bool {
    false
}

/// Returns true if an HTTP/2 peer ended the connection with GOAWAY.
#[cfg(feature = "http2")]
pub(crate) fn goes_away(error: &hyper::Error) -> bool {
    find_cause::<h2::Error>(error).is_some_and(|error| error.is_remote() && error.is_go_away())
}

#[cfg(not(feature = "http2"))]
pub(crate) fn goes_away(_: &hyper::Error) -> bool {
    false
}

/// Returns true if an HTTP/2 peer asks for the request over HTTP/1.1
/// ([RFC 9113, section 7](https://www.rfc-editor.org/rfc/rfc9113#section-7)).
#[cfg(feature = "http2")]
pub(crate) fn wants_http1(error: &hyper::Error) -> bool {
    find_cause::<h2::Error>(error)
        .is_some_and(|error| error.is_remote() && error.reason() == Some(h2::Reason::HTTP_1_1_REQUIRED))
}

#[cfg(not(feature = "http2"))]
pub(crate) fn wants_http1(_: &hyper::Error) -> bool {
    false
}
