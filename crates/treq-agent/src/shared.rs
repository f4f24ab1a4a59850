use std::sync::atomic::AtomicU32;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::HeaderValue;
use tokio::task::AbortHandle;
use treq_core::{ConnectionFacts, Forward, Origin};

use crate::failure;
use crate::watch::Watch;

/// The state that all handles on a connection share.
pub(crate) struct Shared {
    pub(crate) facts: Arc<ConnectionFacts>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) origin: Origin,
    /// The `Host` field of the origin.
    pub(crate) host: HeaderValue,
    pub(crate) forward: Option<Forward>,
    pub(crate) begun: AtomicU32,
    /// Called when the stream limit or the openness of an HTTP/2 connection may have changed.
    pub(crate) on_change: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// The time that a body waits for `100 Continue`.
    pub(crate) expect_wait: Duration,
    /// Set when the connection has ended, with the rule that the peer broke, if that was the reason: for an exchange that comes
    /// too late to have it from hyper.
    pub(crate) end: OnceLock<Option<String>>,
    /// The task that drives an HTTP/1.1 connection.
    pub(crate) task: OnceLock<AbortHandle>,
    pub(crate) facts_in_extensions: bool,
}

impl Drop for Shared {
    /// Ends the connection with its last handle. hyper would go on with an upload whose response has arrived for as long as
    /// the peer and the body take.
    fn drop(&mut self) {
        if let Some(task) = self.task.get().filter(|_| self.watch.is_uploading()) {
            task.abort();
        }
    }
}

impl Shared {
    /// Reports a possible change of the stream limit or of the openness.
    #[cfg(feature = "http2")]
    pub(crate) fn changed(&self) {
        if let Some(changed) = self.on_change.get() {
            changed();
        }
    }

    /// Notes the end of the connection, and its error if there was one.
    pub(crate) fn over(&self, error: Option<&hyper::Error>) {
        // The first reason is the reason.
        let _ = self.end.set(error.and_then(failure::broken));
    }
}
