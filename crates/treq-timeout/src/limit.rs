use std::sync::Arc;
use std::time::Duration;

use http::Extensions;

use crate::ticker::Ticker;
use crate::{Head, Read, Write};

/// How long each part may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) head: Option<Duration>,
    pub(crate) read: Option<Duration>,
    pub(crate) write: Option<Duration>,
}

impl Limits {
    pub(crate) const NONE: Limits = Limits { head: None, read: None, write: None };

    /// These but for what a request says of its own, if it says anything.
    pub(crate) fn overridden(self, extensions: &Extensions) -> Option<Box<Limits>> {
        if extensions.is_empty() {
            return None;
        }
        let (head, read, write) = (extensions.get::<Head>(), extensions.get::<Read>(), extensions.get::<Write>());
        (head.is_some() || read.is_some() || write.is_some()).then(|| {
            Box::new(Limits {
                head: head.map_or(self.head, |head| head.0),
                read: read.map_or(self.read, |read| read.0),
                write: write.map_or(self.write, |write| write.0),
            })
        })
    }

    /// The first limit that may end the wait for the head while the body goes out.
    pub(crate) fn sending(self) -> Option<Duration> {
        match (self.head, self.write) {
            (Some(head), Some(write)) => Some(head.min(write)),
            (one, other) => one.or(other),
        }
    }
}

/// What the clones of a service share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) ticker: Arc<Ticker>,
}
