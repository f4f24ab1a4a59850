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
        let uploads = matches!(*method, Method::POST | Method::PUT | Method::PATCH);
        let content = Storm::content(id);
        if (uploads || !body.is_empty()) && body != content {
            let (has, due) = (body.len(), content.len());
            entries.faults.push(format!(
                "the body of {method} {id} has {has} bytes, which are not the {due} bytes of its content"
            ));
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

    /// The faults of the client: a request that is not idempotent acted on twice, and a body that is not
    /// [its content](Storm::content), such as one that is cut. POST, PUT and PATCH must have it; other methods may.
    pub fn faults(&self) -> Vec<String> {
        lock(&self.0).faults.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_cut_is_a_fault_and_so_is_a_second_post() {
        let whole = Storm::content(2);
        for (method, body, faults) in [
            (Method::POST, &whole[..], 0),
            (Method::POST, &whole[..7], 1),
            (Method::PUT, &[], 1),
            (Method::DELETE, &[], 0),
            (Method::GET, b"another's", 1),
        ] {
            let ledger = Ledger::default();
            ledger.act(&method, 2, body);
            assert_eq!((ledger.faults().len(), ledger.acted(2), ledger.acted(3)), (faults, 1, 0), "{method}");
            ledger.act(&method, 2, &whole);
            assert_eq!(ledger.faults().len() - faults, usize::from(method == Method::POST), "{method}");
        }
    }
}
