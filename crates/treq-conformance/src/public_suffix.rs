//! Registrable domains, as a jar draws them: a cookie may be for a domain if nobody else registers names below it.

use std::iter;
use std::time::SystemTime;

use http::Uri;
use serde_json::Value;
use treq::Jar;

use crate::{Row, cookies, time};

pub(crate) fn play(_: &str, row: &Row) -> Result<(), String> {
    let host = row.text("host").ok_or("no host")?;
    if host.starts_with('.') {
        // No URL has such a host.
        return row.text("registrable").map_or(Ok(()), |domain| Err(format!("{domain} cannot be reached")));
    }
    let (below, now) = (cookies::url(&format!("http://below.{host}/"))?, time::now(row)?);
    let found = registrable(host, &below, now);
    if found != row.text("registrable") {
        return Err(format!("the registrable domain is {found:?}"));
    }
    let taken = is_taken(host, &below, now);
    let refused = row.get("cookie_domain_refused").and_then(Value::as_bool).unwrap_or(false);
    if taken == refused { Err(format!("a cookie for it is taken: {taken}")) } else { Ok(()) }
}

/// The shortest domain of the host that a cookie may be for.
fn registrable<'a>(host: &'a str, below: &Uri, now: SystemTime) -> Option<&'a str> {
    let parents = host.match_indices('.').map(|(dot, _)| &host[dot + 1..]);
    let domains: Vec<&str> = iter::once(host).chain(parents).collect();
    domains.into_iter().rev().find(|domain| is_taken(domain, below, now))
}

fn is_taken(domain: &str, below: &Uri, now: SystemTime) -> bool {
    Jar::new().set_cookie_at(format!("a=1; Domain={domain}").as_bytes(), below, now)
}
