use std::collections::HashMap;

use md5::Md5;
use serde_json::json;
use sha2::{Digest, Sha256, Sha512};

use crate::call::Call;
use crate::reply::Reply;
use crate::{cookies, echo};

const REALM: &str = "treq-httpbin";

/// Digest ([RFC 7616](https://www.rfc-editor.org/rfc/rfc7616)): nothing is kept here, a nonce's age is told by cookies.
pub(crate) fn digest(call: &Call) -> Reply {
    let asked = Asked::of(call);
    let Some(given) = call.header("authorization").as_deref().and_then(params) else { return asked.challenge(false) };
    let cookies = cookies::sent(call);
    let cookie = |name: &str| cookies.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    if asked.needs_cookies && cookies.is_empty() {
        return asked.challenge(false);
    }
    if asked.needs_cookies && cookie("fake") != Some("fake_value") {
        let told = Reply::json(&json!({ "errors": ["missing cookie set on challenge"] }));
        return asked.faked(told.status(403));
    }
    let nonce = given.get("nonce").map_or("", String::as_str);
    let stale = cookie("stale_after") == Some("0") || cookie("last_nonce") == Some(nonce);
    if stale || !asked.answered(call, &given) {
        return asked.set(asked.challenge(stale), "last_nonce", nonce);
    }
    let welcome = asked.faked(Reply::json(&json!({ "authenticated": true, "user": call.segment(2) })));
    match cookie("stale_after").map(str::parse::<u64>) {
        None => welcome,
        Some(Ok(left)) => asked.set(welcome, "stale_after", &left.saturating_sub(1).to_string()),
        Some(Err(_)) => asked.set(welcome, "stale_after", "never"),
    }
}

/// What the path and the query ask for.
struct Asked<'a> {
    call: &'a Call,
    /// None where the path names neither: then both are offered.
    qop: Option<&'a str>,
    algorithm: &'static str,
    needs_cookies: bool,
}

impl<'a> Asked<'a> {
    fn of(call: &'a Call) -> Asked<'a> {
        let needs = call.arg("require-cookie").unwrap_or_default().to_ascii_lowercase();
        Asked {
            call,
            qop: Some(call.segment(1)).filter(|qop| ["auth", "auth-int"].contains(qop)),
            algorithm: known(call.segment(4)).unwrap_or("MD5"),
            needs_cookies: ["1", "t", "true"].contains(&needs.as_str()),
        }
    }

    fn challenge(&self, stale: bool) -> Reply {
        let field = format!(
            "Digest realm=\"{REALM}\", nonce=\"{}\", qop=\"{}\", opaque=\"{}\", algorithm={}, stale={}",
            echo::random_hex(),
            self.qop.unwrap_or("auth, auth-int"),
            echo::random_hex(),
            self.algorithm,
            if stale { "TRUE" } else { "FALSE" },
        );
        let after = Some(self.call.segment(5)).filter(|after| !after.is_empty()).unwrap_or("never");
        let reply = Reply::empty(401).header("www-authenticate", &field);
        self.faked(self.set(reply, "stale_after", after))
    }

    /// Whether the response is the one to the password of the path.
    fn answered(&self, call: &Call, given: &HashMap<String, String>) -> bool {
        let param = |name: &str| given.get(name).map_or("", String::as_str);
        let Some(algorithm) = known(given.get("algorithm").map_or("MD5", String::as_str)) else { return false };
        let hash = |text: String| hash(algorithm, text.as_bytes());
        let (user, uri) = (call.segment(2), call.target());
        let secret = hash(format!("{user}:{}:{}", param("realm"), call.segment(3)));
        let (qop, method) = (param("qop"), &call.method);
        let asked = match qop {
            "auth-int" => format!("{method}:{uri}:{}", self::hash(algorithm, &call.content.data)),
            _ => format!("{method}:{uri}"),
        };
        let between = match qop {
            "" => param("nonce").to_owned(),
            qop => format!("{}:{}:{}:{qop}", param("nonce"), param("nc"), param("cnonce")),
        };
        let wanted = hash(format!("{secret}:{between}:{}", hash(asked)));
        (param("username"), param("uri"), param("response")) == (user, uri.as_str(), wanted.as_str())
    }

    fn faked(&self, reply: Reply) -> Reply {
        self.set(reply, "fake", "fake_value")
    }

    fn set(&self, reply: Reply, name: &str, value: &str) -> Reply {
        cookies::with_cookie(reply, self.call, name, value)
    }
}

fn known(algorithm: &str) -> Option<&'static str> {
    ["MD5", "SHA-256", "SHA-512"].into_iter().find(|name| *name == algorithm)
}

fn hash(algorithm: &str, bytes: &[u8]) -> String {
    match algorithm {
        "SHA-256" => hex(&Sha256::digest(bytes)),
        "SHA-512" => hex(&Sha512::digest(bytes)),
        _ => hex(&Md5::digest(bytes)),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The parameters of a field of the scheme; None for another scheme, and for what cannot be read.
fn params(field: &str) -> Option<HashMap<String, String>> {
    let (scheme, mut rest) = field.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("digest") {
        return None;
    }
    let mut params = HashMap::new();
    loop {
        rest = rest.trim_start_matches([' ', ',', '\t']);
        if rest.is_empty() {
            return Some(params);
        }
        let (name, behind) = rest.split_once('=')?;
        let (value, behind) = match behind.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let end = behind.find(',').unwrap_or(behind.len());
                (behind[..end].trim().to_owned(), &behind[end..])
            }
        };
        params.insert(name.trim().to_ascii_lowercase(), value);
        rest = behind;
    }
}

/// The text of a quoted string behind its first quote, and what follows the last.
fn unquoted(quoted: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut letters = quoted.char_indices();
    loop {
        match letters.next()? {
            (at, '"') => return Some((text, &quoted[at + 1..])),
            (_, '\\') => text.push(letters.next()?.1),
            (_, letter) => text.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_come_in_quotes_and_without() {
        let params = params(r#"digest username="a \"b\", c",nc=00000001 , , Response="x=", uri="/?a=b""#).unwrap();
        let pairs = [("username", "a \"b\", c"), ("nc", "00000001"), ("response", "x="), ("uri", "/?a=b")];
        assert_eq!(params, pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn what_is_no_digest_has_no_parameters() {
        for field in ["Digest", "Basic YTpi", "Digest username=\"a", "Digest username", "Digest a=\"\\"] {
            assert_eq!(params(field), None, "{field}");
        }
    }
}
