use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use http::Uri;
use treq_core::{Error, Kind, Phase, Resend};

/// The cause of an error: a request was sent more than once, and the last attempt failed too. Its
/// [source](StdError::source) is the error of that attempt, whose [kind](treq_core::Error::kind) is also that of the
/// error around this cause.
#[derive(Debug)]
pub struct Exhausted {
    attempts: u32,
    last: Error,
}

impl Exhausted {
    /// How often the request was sent, at least 2.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The error for the caller. `resend` is the verdict on all attempts together.
    pub(crate) fn error(last: Error, attempts: u32, resend: Resend, url: &Uri) -> Error {
        Error::new(last.kind(), "the request failed, and so did sending it again")
            .with_url(url)
            .with_resend(resend)
            .with_source(Exhausted { attempts, last })
    }
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "given up after {} attempts", self.attempts)
    }
}

impl StdError for Exhausted {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.last)
    }
}

/// The cause of an error of `Kind::Timeout(Phase::Head)`: an attempt did not come to its response's head within the
/// [limit](crate::RetryLayer::attempt_timeout).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SlowAttempt {
    /// How long an attempt may take.
    pub limit: Duration,
}

impl SlowAttempt {
    pub(crate) fn error(limit: Duration) -> Error {
        Error::new(Kind::Timeout(Phase::Head), "the attempt took too long").with_source(SlowAttempt { limit })
    }
}

impl fmt::Display for SlowAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no response {:?} after the request was handed over", self.limit)
    }
}

impl StdError for SlowAttempt {}
