//! Which cases are played unless they are named: those of the concerns that the client has.

/// Concerns that are whole.
const AREAS: [&str; 12] =
    ["auth", "cookies", "decode", "http1", "http2", "pool", "proxy", "redirect", "request", "retry", "timeouts", "tls"];

/// Why the cases of an area are not played yet.
pub fn later(area: &str) -> Option<String> {
    (!AREAS.contains(&area)).then(|| format!("the area {area} is not this client's yet"))
}
