use std::env::{self, VarError};
use std::fs::File;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use super::{Faults, Plan, Which};

/// Which call fails: its number, counted from 0 over the whole process.
const CALL: &str = "TREQ_FAULT_CALL";
/// A file that gets a line for each call: its number, what it was, and whether it `fails` or `goes on`.
const LOG: &str = "TREQ_FAULT_LOG";

impl Faults {
    /// The plan that the environment gives to the whole process, so that tests which know nothing of it run with faults:
    /// `TREQ_FAULT_CALL=7` is the eighth call, and `TREQ_FAULT_LOG` names a file that gets a line for each. Tests that share a
    /// process share the count, so each is to run alone: `TREQ_FAULT_CALL=7 cargo test -- --exact NAME`.
    ///
    /// [`MemoryServer`](crate::MemoryServer) and [`RawServer`](crate::RawServer) go by it: in memory the client's end fails,
    /// on a socket the server's, and the client sees a reset. A server of your own does so by
    /// `Faults::from_env().stream(socket)`. Where nothing is set it is [`Faults::none`].
    ///
    /// ```
    /// // Nothing is set here.
    /// let (near, _far) = tokio::io::duplex(64);
    /// let stream = treq_testing::Faults::from_env().stream(near);
    /// # drop(stream);
    /// assert_eq!(treq_testing::Faults::from_env().injected(), 0);
    /// ```
    ///
    /// # Panics
    ///
    /// Where `TREQ_FAULT_CALL` is no number, or the file that `TREQ_FAULT_LOG` names cannot be made.
    pub fn from_env() -> Faults {
        static PLAN: OnceLock<Faults> = OnceLock::new();
        let plan = PLAN.get_or_init(|| {
            let which = read(CALL).map_or(Which::None, |text| match text.parse() {
                Ok(number) => Which::Nth(number),
                Err(_) => panic!("{CALL} is {text:?}: it takes the number of a call of IO, counted from 0"),
            });
            let log = read(LOG).map(|path| match File::create(&path) {
                Ok(file) => Mutex::new(file),
                Err(error) => panic!("{LOG}: {path:?} cannot be made: {error}"),
            });
            Faults(Arc::new(Plan { which, log, ..Plan::default() }))
        });
        plan.clone()
    }

    /// Ends ten to twenty seconds after the plan's call has failed, in tokio's time: client and script are out of step then,
    /// and who waits for the other waits in vain. Names the call. Without such a call it never ends.
    pub(crate) async fn given_up(&self) -> String {
        if matches!(self.0.which, Which::None) {
            std::future::pending::<()>().await;
        }
        loop {
            let before = self.list();
            tokio::time::sleep(Duration::from_secs(10)).await;
            if let Some(call) = before.first() {
                return format!("a fault was injected at {call}");
            }
        }
    }
}

fn read(name: &str) -> Option<String> {
    match env::var(name) {
        Ok(text) => Some(text),
        Err(VarError::NotPresent) => None,
        Err(VarError::NotUnicode(text)) => panic!("{name} is {text:?}, which is no text"),
    }
}
