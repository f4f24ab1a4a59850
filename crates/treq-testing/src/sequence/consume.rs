use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::Shared;

/// The guard of [`RequestSequence::consume`](crate::RequestSequence::consume): when it ends, every request of the sequence
/// must have been made.
pub struct Consume {
    shared: Arc<Shared>,
    reporter: Option<Box<dyn FnOnce(String) + Send>>,
    at: &'static Location<'static>,
}

impl Consume {
    #[track_caller]
    pub(super) fn new(shared: Arc<Shared>, reporter: Option<Box<dyn FnOnce(String) + Send>>) -> Consume {
        Consume { shared, reporter, at: Location::caller() }
    }

    /// Ends it here, with the panic, if there is one, at this place of the test.
    #[track_caller]
    pub fn finish(mut self) {
        self.shared.close(self.reporter.take(), || format!("Found at the end of the guard of {}.", self.at));
    }
}

impl Drop for Consume {
    fn drop(&mut self) {
        let found = || {
            let at = self.at;
            format!(
                "Found at the end of the guard of {at}. Where the test has ended early by `?`, its error is the reason, and is \
                 hidden by this: unwrap it to see it."
            )
        };
        self.shared.close(self.reporter.take(), found);
    }
}

impl fmt::Debug for Consume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consume").field("at", &self.at.to_string()).finish_non_exhaustive()
    }
}
