use std::sync::Arc;
use std::time::Duration;

use http::Extensions;

use crate::ticker::Ticker;
use crate::{HeadTimeout, ReadTimeout, WriteTimeout};

/// How long each part may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) head: Option<Duration>,
    pub(crate) read: Option<Duration>,
    pub(crate) write: Option<Duration>,
}

impl Limits {
    pub(crate) const NONE: Limits = Limits { head: None, read: None, write: None };

    /// The first limit that may end the wait for the head while the body goes out.
    pub(crate) fn sending(self) -> Option<Duration> {
        match (self.head, self.write) {
            (Some(head), Some(write)) => Some(head.min(write)),
            (one, other) => one.or(other),
        }
    }
}

/// What the clones of a service share, with the limits of the service or of one request.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) ticker: Arc<Ticker>,
}

impl Shared {
    /// No limits, for a body that no service has made.
    pub(crate) fn unlimited() -> Arc<Shared> {
        Arc::new(Shared { limits: Limits::NONE, ticker: Arc::default() })
    }

    /// This, but for what a request says of its own.
    pub(crate) fn of(self: &Arc<Shared>, extensions: &Extensions) -> Arc<Shared> {
        if extensions.is_empty() {
            return Arc::clone(self);
        }
        let (head, read, write) =
            (extensions.get::<HeadTimeout>(), extensions.get::<ReadTimeout>(), extensions.get::<WriteTimeout>());
        if head.is_none() && read.is_none() && write.is_none() {
            return Arc::clone(self);
        }
        let limits = Limits {
            head: head.map_or(self.limits.head, |head| head.limit()),
            read: read.map_or(self.limits.read, |read| read.limit()),
            write: write.map_or(self.limits.write, |write| write.limit()),
        };
        Arc::new(Shared { limits, ticker: Arc::clone(&self.ticker) })
    }
}
