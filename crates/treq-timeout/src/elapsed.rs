use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use treq_core::{Error, Kind, Phase, Resend};

/// The cause of every error of this crate: which part took too long, and how long it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Elapsed {
    /// The part of the request that took too long.
    pub phase: Phase,
    /// How long it may take.
    pub limit: Duration,
}

impl Elapsed {
    pub(crate) fn error(phase: Phase, limit: Duration) -> Error {
        let during = match phase {
            Phase::Connect => "while connecting",
            Phase::Head => "waiting for the head of the response",
            Phase::Read => "reading the response's body",
            Phase::Write => "sending the request's body",
            _ => "before the response was read to its end",
        };
        let why = format!("the request timed out {during} (limit: {limit:?})");
        let error = Error::new(Kind::Timeout(phase), why).with_source(Elapsed { phase, limit });
        match phase {
            // Nothing has been sent on a connection that is not there.
            Phase::Connect => error.with_resend(Resend::Safe),
            _ => error,
        }
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Elapsed { phase, limit } = self;
        match phase {
            Phase::Connect => write!(f, "no connection after {limit:?}"),
            Phase::Head => write!(f, "no response {limit:?} after the end of the request"),
            Phase::Read => write!(f, "nothing of the response's body for {limit:?}"),
            Phase::Write => write!(f, "nothing of the request's body was taken for {limit:?}"),
            Phase::Total => write!(f, "not over after {limit:?}"),
            _ => write!(f, "not done after {limit:?}"),
        }
    }
}

impl StdError for Elapsed {}
