use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use http::Method;

use super::Storm;
use crate::tasks::lock;

/// What a [`Storm`] has acted on. Clones speak of the same.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    acted: HashMap<u64, u32>,
    faults: Vec<String>,
}

impl Ledger {
    /// A request has come whole, and the server acts on it.
    pub(crate) fn act(&self, method: &Method, id: u64, body: &[u8]) {
        let mut entries = lock(&self.0);
        if !body.is_empty() && body != Storm::content(id) {
            entries.faults.push(format!("the body of {method} {id} has {} bytes that are not its own", body.len()));
        }
        let acted = entries.acted.entry(id).or_default();
        *acted += 1;
        let is_safe_again =
            matches!(*method, Method::GET | Method::HEAD | Method::PUT | Method::DELETE | Method::OPTIONS);
        if *acted > 1 && !is_safe_again {
            let fault = format!("{method} {id} was acted on {acted} times");
            entries.faults.push(fault);
        }
    }

    /// How often it has acted on the request of this number.
    pub fn acted(&self, id: u64) -> u32 {
        lock(&self.0).acted.get(&id).copied().unwrap_or(0)
    }

    /// What a client may never do: a request that is not idempotent acted on twice, a body that is another's or was cut.
    pub fn faults(&self) -> Vec<String> {
        lock(&self.0).faults.clone()
    }
}
