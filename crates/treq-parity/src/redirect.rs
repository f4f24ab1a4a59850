//! Chains of requests.

use crate::case::{Compared, Mismatch};
use crate::json::{self, Json};
use crate::request;
use crate::response::Head;
use crate::world::Received;

/// Compares each request with what is wanted of it.
pub(crate) fn requests(compared: &mut Compared, want: &Json, seen: &[Received]) -> Result<(), String> {
    let want = want.list().ok_or("requests are a list")?;
    compared.same("requests", want.len(), seen.len());
    for (at, (want, seen)) in want.iter().zip(seen).enumerate() {
        let mut one = Compared::default();
        for (key, want) in want.map().unwrap_or_default() {
            match key.as_str() {
                "to" => one.same("to", want.text().unwrap_or_default(), &seen.to),
                "connection" => one.same("connection", want, seen.connection),
                "bytes" => {
                    let want = json::bytes(want.text().ok_or("bytes are a text")?)?;
                    request::compare(&mut one, &want, &seen.bytes)?;
                }
                other => return Err(format!("what {other:?} expects of a request is not known")),
            }
        }
        let named = one.0.into_iter();
        compared.0.extend(named.map(|mismatch| Mismatch { field: format!("hop{at}.{}", mismatch.field), ..mismatch }));
    }
    Ok(())
}

/// Compares where the chain ended, and what was in between.
pub(crate) fn chain(compared: &mut Compared, key: &str, want: &Json, seen: &Head) -> Result<(), String> {
    if key == "final_url" {
        compared.same("final_url", want.text().unwrap_or_default(), &seen.url);
        return Ok(());
    }
    let want = want.list().ok_or("a history is a list")?;
    compared.same("history", want.len(), seen.history.len());
    for (want, (status, url)) in want.iter().zip(&seen.history) {
        let [want_status, want_url] = want.list().unwrap_or_default() else {
            return Err(format!("{want} is no entry of a history"));
        };
        compared.same("history.status", want_status, status);
        compared.same("history.url", want_url.text().unwrap_or_default(), url);
    }
    Ok(())
}
