use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use http::Method;

use super::Storm;
use crate::tasks::lock;

/// The requests that a [`Storm`] has acted on. Clones share the record.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    acted: HashMap<u64, u32>,
    faults: Vec<String>,
}

impl Ledger {
    /// Records a request that has arrived whole, and that the server acts on.
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

    /// The number of times that it has acted on request `id`.
    pub fn acted(&self, id: u64) -> u32 {
        lock(&self.0).acted.get(&id).copied().unwrap_or(0)
    }

    /// The faults of the client: a request that is not idempotent acted on twice, a body that is cut or another's.
    pub fn faults(&self) -> Vec<String> {
        lock(&self.0).faults.clone()
    }
}
