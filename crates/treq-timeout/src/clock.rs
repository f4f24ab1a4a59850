//! The clock of the tokio runtime that a future is polled on.

use std::pin::Pin;

use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep, sleep_until};
use treq_core::{Error, Kind};

/// Where tokio itself would panic, an error.
pub(crate) fn runtime() -> Result<Handle, Error> {
    Handle::try_current().map_err(|error| {
        Error::new(Kind::Other, "no tokio runtime is running here: limits of time are kept by its clock")
            .with_source(error)
    })
}

/// Sleeps until `end`.
pub(crate) fn sleep(end: Instant) -> Result<Pin<Box<Sleep>>, Error> {
    runtime().map(|_| Box::pin(sleep_until(end)))
}
