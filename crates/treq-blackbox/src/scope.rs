//! Which cases are played unless they are named: those of the concerns that the client has.

/// Concerns that are whole.
const AREAS: [&str; 10] =
    ["auth", "proxy", "redirect", "cookies", "decode", "pool", "http1", "http2", "request", "timeouts"];

/// Why the cases of an area are not played yet.
pub fn later(area: &str) -> Option<String> {
    (!AREAS.contains(&area)).then(|| format!("the area {area} is not this client's yet"))
}
