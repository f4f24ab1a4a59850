//! Registrable domains, and that no cookie is taken for what is none.

use serde_json::Value;
use treq::Jar;

use crate::{Row, cookies, time};

pub(crate) fn play(_: &str, row: &Row) -> Result<(), String> {
    let host = row.text("host").ok_or("no host")?;
    let found = treq_cookies::registrable_domain(host);
    if found.as_deref() != row.text("registrable") {
        return Err(format!("the registrable domain is {found:?}"));
    }
    if host.starts_with('.') {
        // No URL has such a host.
        return Ok(());
    }
    let below = cookies::url(&format!("http://below.{host}/"))?;
    let taken = Jar::new().set_cookie_at(format!("a=1; Domain={host}").as_bytes(), &below, time::now(row)?);
    let refused = row.get("cookie_domain_refused").and_then(Value::as_bool).unwrap_or(false);
    if taken == refused { Err(format!("a cookie for it is taken: {taken}")) } else { Ok(()) }
}
