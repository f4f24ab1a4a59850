//! Secrets in fields and URLs.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::header::{
    AUTHORIZATION, CONTENT_LOCATION, COOKIE, LINK, LOCATION, PROXY_AUTHORIZATION, REFERER, REFRESH, SET_COOKIE,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{MASKED, Masker, body};
use crate::form;

impl Masker {
    /// The fields with secret values masked.
    pub(super) fn named_headers(&self, headers: &HeaderMap, found: &mut Vec<Vec<u8>>) -> HeaderMap {
        let mut masked = headers.clone();
        for (name, value) in masked.iter_mut() {
            let of_url = [LOCATION, CONTENT_LOCATION, REFERER, REFRESH].contains(name);
            let text = if self.masks.is_secret_header(name, value) {
                secret(name, value, found)
            } else if of_url {
                self.named_url(&String::from_utf8_lossy(value.as_bytes()), found)
            } else if name == LINK {
                // Each URL ends with a bracket, and behind it are parameters.
                let text = String::from_utf8_lossy(value.as_bytes());
                text.split('>').map(|piece| self.named_url(piece, found)).collect::<Vec<_>>().join(">")
            } else {
                continue;
            };
            if text.as_bytes() != value.as_bytes() {
                // Of a valid value and the mask nothing else can come; of bytes that are no text the rest is lost.
                *value = HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(MASKED));
            }
        }
        masked
    }

    /// A URL, whole or relative, with userinfo and secret parameters masked.
    pub(super) fn named_url(&self, url: &str, found: &mut Vec<Vec<u8>>) -> String {
        let mut spans = Vec::new();
        let end = url.find(['?', '#']).unwrap_or(url.len());
        if let Some(at) = url[..end].find("//") {
            let start = at + 2;
            let authority = &url[start..end];
            let authority = &authority[..authority.find('/').unwrap_or(authority.len())];
            if let Some(userinfo) = authority.rfind('@').filter(|_| self.masks.by_name) {
                let (user, password) = authority[..userinfo].split_once(':').unwrap_or(("", &authority[..userinfo]));
                found.push(secret_of(&decoded(user), &decoded(password)));
                found.push(format!("{user}:{password}").into_bytes());
                spans.push(start..start + userinfo);
            }
        }
        let is_secret = |name: &str| self.masks.is_secret_parameter(name);
        let mut start = end;
        for part in url[end..].split_inclusive(['?', '#']) {
            let text = part.trim_end_matches(['?', '#']);
            for secret in body::pairs(text.as_bytes(), start, is_secret) {
                found.push(secret.value);
                spans.push(secret.range);
            }
            start += part.len();
        }
        let mut masked = url.to_owned();
        for span in spans.into_iter().rev() {
            masked.replace_range(span, MASKED);
        }
        masked
    }
}

/// Text that is percent-encoded, without that.
pub(super) fn decoded(text: &str) -> Vec<u8> {
    // A plus is a plus here.
    let text = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    form::pairs(text.as_bytes()).pop().map(|(name, _)| name.into_bytes()).unwrap_or_default()
}

fn secret(name: &HeaderName, value: &HeaderValue, found: &mut Vec<Vec<u8>>) -> String {
    let text = String::from_utf8_lossy(value.as_bytes());
    if name == COOKIE {
        return text.split(';').map(|pair| cookie(pair, found)).collect::<Vec<_>>().join(";");
    }
    if name == SET_COOKIE {
        let (pair, attributes) = text.split_at(text.find(';').unwrap_or(text.len()));
        return cookie(pair, found) + attributes;
    }
    if name == AUTHORIZATION || name == PROXY_AUTHORIZATION {
        return credentials(&text, found);
    }
    found.push(value.as_bytes().to_vec());
    if text.is_empty() { String::new() } else { MASKED.to_owned() }
}

/// Which of the two is the secret: a key is sent as the user where there is no password, or only a word in its place.
fn secret_of(user: &[u8], password: &[u8]) -> Vec<u8> {
    let is_none = password.is_empty() || password == b"x-oauth-basic" || password == b"X";
    if is_none { user.to_vec() } else { password.to_vec() }
}

/// `name=value`: an empty value, which deletes a cookie, stays.
fn cookie(pair: &str, found: &mut Vec<Vec<u8>>) -> String {
    let (name, value) = match pair.split_once('=') {
        Some((name, value)) => (format!("{name}="), value),
        None => (pair[..pair.len() - pair.trim_start().len()].to_owned(), pair.trim_start()),
    };
    if value.trim().is_empty() {
        return pair.to_owned();
    }
    found.push(value.trim().trim_matches('"').as_bytes().to_vec());
    name + MASKED
}

/// The scheme stays, where it is one.
fn credentials(text: &str, found: &mut Vec<Vec<u8>>) -> String {
    const SCHEMES: [&str; 9] =
        ["aws4-hmac-sha256", "basic", "bearer", "digest", "dpop", "hoba", "negotiate", "ntlm", "token"];
    let (scheme, rest) = text.split_once(' ').unwrap_or(("", text));
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("basic") {
        // Both paddings are met.
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let pair = GeneralPurpose::new(&STANDARD, config).decode(rest).unwrap_or_default();
        if let Some(colon) = pair.iter().position(|byte| *byte == b':') {
            found.push(secret_of(&pair[..colon], &pair[colon + 1..]));
        }
    }
    found.push(rest.as_bytes().to_vec());
    if SCHEMES.contains(&scheme.to_ascii_lowercase().as_str()) {
        return format!("{scheme} {MASKED}");
    }
    found.push(text.as_bytes().to_vec());
    if text.is_empty() { String::new() } else { MASKED.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::Masks;
    use super::*;

    fn header(name: &'static str, value: &'static str) -> (String, Vec<String>) {
        let mut found = Vec::new();
        let headers = HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))]);
        let masked = Masker::new(Masks::new()).named_headers(&headers, &mut found);
        let found = found.into_iter().map(|value| String::from_utf8(value).unwrap());
        (masked[name].to_str().unwrap().to_owned(), found.collect())
    }

    #[test]
    fn values_are_masked_and_names_kept() {
        let table = [
            ("authorization", "Basic dTpwYXNz", "Basic treq-masked", &["pass", "dTpwYXNz"][..]),
            ("authorization", "Bearer abc", "Bearer treq-masked", &["abc"]),
            ("authorization", "my secret", "treq-masked", &["secret", "my secret"]),
            ("cookie", "a=1; b=\"2\"", "a=treq-masked; b=treq-masked", &["1", "2"]),
            ("cookie", "x; a=", "treq-masked; a=", &["x"]),
            ("set-cookie", "a=1=2; Path=/; Secure", "a=treq-masked; Path=/; Secure", &["1=2"]),
            ("set-cookie", "a=; Max-Age=0", "a=; Max-Age=0", &[]),
            ("x-api-key", "k", "treq-masked", &["k"]),
            (
                "location",
                "/a?x=1&token=t%20u#access_token=v",
                "/a?x=1&token=treq-masked#access_token=treq-masked",
                &["t u", "v"],
            ),
            ("location", "//key%2F1:@h", "//treq-masked@h", &["key/1", "key%2F1:"]),
            ("location", "//key1:x-oauth-basic@h", "//treq-masked@h", &["key1", "key1:x-oauth-basic"]),
            ("authorization", "Basic c2tfMToxOg==", "Basic treq-masked", &["1:", "c2tfMToxOg=="]),
            ("authorization", "Basic c2tfMTo=", "Basic treq-masked", &["sk_1", "c2tfMTo="]),
            ("refresh", "0; url=/a?token=t&x=1", "0; url=/a?token=treq-masked&x=1", &["t"]),
            (
                "link",
                "</a?page=2&token=t>; rel=\"next\", <//h?token=u>; rel=\"a?b\"",
                "</a?page=2&token=treq-masked>; rel=\"next\", <//h?token=treq-masked>; rel=\"a?b\"",
                &["t", "u"],
            ),
            ("location", "//u:p%40+q@h:1/a@b", "//treq-masked@h:1/a@b", &["p@+q", "u:p%40+q"]),
            ("accept", "token=1", "token=1", &[]),
        ];
        for (name, value, want, found) in table {
            let (seen, values) = header(name, value);
            assert_eq!((seen.as_str(), values), (want, found.iter().map(|text| (*text).to_owned()).collect()));
        }
    }
}
