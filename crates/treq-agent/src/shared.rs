use std::sync::atomic::AtomicU32;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::HeaderValue;
use tokio::task::AbortHandle;
use treq_core::{ConnectionFacts, Forward, Origin};

use crate::failure;
use crate::watch::Watch;

/// What all handles on one connection have in common.
pub(crate) struct Shared {
    pub(crate) facts: Arc<ConnectionFacts>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) origin: Origin,
    /// The `Host` field of the origin.
    pub(crate) host: HeaderValue,
    pub(crate) forward: Option<Forward>,
    pub(crate) begun: AtomicU32,
    /// Called when what a pool asks of an HTTP/2 connection may have changed.
    pub(crate) on_change: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// How long a body waits for `100 Continue`.
    pub(crate) expect_wait: Duration,
    /// Set when the connection has ended: what the peer broke, if that was the reason. Whoever comes too late to be told by
    /// hyper is told by this.
    pub(crate) end: OnceLock<Option<String>>,
    /// What drives an HTTP/1.1 connection.
    pub(crate) task: OnceLock<AbortHandle>,
    pub(crate) facts_in_extensions: bool,
}

impl Drop for Shared {
    /// Nobody is left who could use the connection. hyper would go on with an upload whose answer has come, for as long as
    /// the peer and the body take.
    fn drop(&mut self) {
        if let Some(task) = self.task.get().filter(|_| self.watch.is_uploading()) {
            task.abort();
        }
    }
}

impl Shared {
    /// What a pool asks of the connection may have changed.
    #[cfg(feature = "http2")]
    pub(crate) fn changed(&self) {
        if let Some(changed) = self.on_change.get() {
            changed();
        }
    }

    /// The connection has ended, by this error if it was one.
    pub(crate) fn over(&self, error: Option<&hyper::Error>) {
        // The first reason is the reason.
        let _ = self.end.set(error.and_then(failure::broken));
    }
}
