//! Where redirects lead, and what goes along.

use url::Url;

use super::{Difference, caller_fields, field, hop, server, url};
use crate::{Case, Json};

pub(super) const RULES: &[Difference] = &[
    Difference::meant("URLs of a history are those that were asked for: without a fragment", |_, it| {
        it.field == "history.url" && it.want.split('#').next() == Some(&it.seen)
    }),
    Difference::meant(
        "the URL of an answer that no redirect gave is the one asked for: without a fragment",
        |case, it| it.field == "final_url" && locations(case).is_empty() && it.want.split('#').next() == Some(&it.seen),
    ),
    Difference::meant("a host is the same in any case: RFC 9110, section 4.2.3", |case, it| {
        let Some(here) = chain(case).into_iter().nth(hop(it)) else { return false };
        let spelt = locations(case).get(hop(it).wrapping_sub(1)).copied().unwrap_or_default();
        let other_case = !spelt.contains(here.as_str().trim_end_matches('/'))
            && spelt.to_ascii_lowercase().contains(here.host_str().unwrap_or_default());
        let alike = it.want.eq_ignore_ascii_case(&it.seen);
        other_case
            && match field(it) {
                "to" | "request.field.host" => alike,
                "connection" => true,
                "request.field.authorization" | "request.field.cookie" => it.want.is_empty(),
                _ => false,
            }
    }),
    Difference::meant("a redirect is resolved against the URL that gave it: RFC 9110, section 10.2.2", |case, it| {
        let chain = chain(case);
        let Some(here) = chain.get(hop(it)) else { return false };
        let elsewhere = from_the_first(case).get(hop(it)).is_some_and(|other| other != here);
        let is_end = matches!(it.field.as_str(), "final_url" | "history.url");
        match field(it) {
            "request.target" => elsewhere && it.seen == target(here),
            "to" => elsewhere && it.seen == to(here),
            "request.field.host" => elsewhere && it.seen == authority(here),
            "connection" => elsewhere,
            _ => is_end && chain.iter().any(|url| url.as_str() == it.seen),
        }
    }),
    Difference::meant("fields that look like keys, and an explicit Host, stay with their origin", |case, it| {
        let Some(name) = field(it).strip_prefix("request.field.") else { return false };
        let chain = chain(case);
        let crossed = crosses(case, hop(it));
        let secret = ["key", "token", "secret", "auth", "session", "password", "credential", "signature"];
        let kept = caller_fields(case, name);
        crossed
            && !kept.is_empty()
            && match name {
                "host" => chain.get(hop(it)).is_some_and(|url| it.seen == authority(url)),
                _ => it.seen.is_empty() && secret.iter().any(|word| name.contains(word)),
            }
    }),
    Difference::meant("what describes a body stays behind with it: RFC 9110, section 15.4", |case, it| {
        // The next request announces there what does not come, and no server answers it.
        let waits = it.field == "outcome" && it.want == "nothing" && it.seen.starts_with("200 after ");
        (hop(it) > 0 && field(it).starts_with("request.field.content-") && it.seen.is_empty())
            || (waits && !caller_fields(case, "content-length").is_empty() && !locations(case).is_empty())
    }),
    Difference::meant("a short body of a redirect is read, so that its connection is used again", |case, it| {
        let body = |piece: &str| piece.split_once("\r\n\r\n").is_some_and(|(_, body)| !body.is_empty());
        let earlier = |text: &str| text.parse::<usize>().unwrap_or(0);
        field(it) == "connection"
            && hop(it) > 0
            && server(case).next().is_some_and(body)
            && earlier(&it.seen) < earlier(&it.want)
    }),
    Difference::meant("what servers leave raw in a Location is percent-encoded: the URL standard", |case, it| {
        let raw = |text: &str| text.contains(|char: char| char == ' ' || !char.is_ascii());
        let next = next_of_bytes(case).unwrap_or_default();
        it.field == "outcome" && locations(case).iter().any(|it| raw(it)) && it.seen.contains(&format!(" {next} "))
    }),
    Difference::meant("a redirect that leads nowhere is an answer", |case, it| {
        let causes = case.expect.get("error").and_then(|error| error.get("causes")?.list()).unwrap_or_default();
        let nowhere = |cause: &Json| cause.get("kind").and_then(Json::text) == Some("RedirectWithNoLocation");
        // An empty one leads there to the same URL again.
        let followed = matches!(
            field(it),
            "status"
                | "reason"
                | "length"
                | "header.location"
                | "final_url"
                | "history"
                | "read"
                | "requests"
                | "connection"
        );
        let empty = followed && locations(case).contains(&"");
        (it.field == "outcome" && causes.iter().any(nowhere) && it.seen.starts_with('3')) || empty
    }),
    Difference::meant("several Locations that differ are refused", |case, it| {
        let first = server(case).next().unwrap_or_default();
        it.field == "outcome" && it.seen.starts_with("Redirect: ") && first.matches("\r\nLocation: ").count() > 1
    }),
    Difference::meant("URLs are normalised as the URL standard says", |case, it| {
        let chain = chain(case);
        let same = |url: &Url| it.seen.split('#').next() == url.as_str().split('#').next();
        match field(it) {
            "request.target" => hop(it) > 0 && chain.get(hop(it)).is_some_and(|url| it.seen == target(url)),
            "final_url" => chain.len() > 1 && chain.last().is_some_and(same),
            _ => false,
        }
    }),
    Difference::meant(
        "browser-like: 301 and 302 make GET of POST alone, 307 and 308 of nothing: RFC 9110, section 15.4",
        |case, it| {
            let browser = case.call("browser_like_redirects") == Some(&Json::Bool(true));
            let data = case.call("data").and_then(|data| data.marked("bytes")).and_then(Json::text).unwrap_or_default();
            browser
                && match field(it) {
                    "request.method" => hop(it) > 0 && Some(it.seen.as_str()) == method(case, hop(it)).as_deref(),
                    "request.body" => hop(it) > 0 && it.seen == data,
                    "request.field.content-length" => hop(it) > 0 && it.seen == data.len().to_string(),
                    // What follows an answer to HEAD is none of its body.
                    "read" => it.seen.is_empty() && case.call("method").and_then(Json::text) == Some("HEAD"),
                    "requests" | "outcome" => it.seen.contains("200 after ") || it.seen == "2",
                    _ => false,
                }
        },
    ),
    Difference::meant("userinfo of a URL is no part of its host", |case, it| {
        let without = matches!(field(it), "to" | "connect_to" | "request.field.host" | "final_url" | "history.url")
            && it.want.contains('@');
        // A name is looked up there of which it is a part.
        let reached = it.field == "outcome"
            && it.want == "ValueError"
            && it.seen.starts_with("200 after ")
            && chain(case).iter().any(userinfo);
        (without || reached) && !it.seen.contains('@')
    }),
    Difference::meant("userinfo of a URL is sent to its origin, as Basic credentials", |case, it| {
        field(it) == "request.field.authorization"
            && it.want.is_empty()
            && it.seen.starts_with("Basic ")
            && chain(case).get(hop(it)).is_some_and(userinfo)
    }),
];

fn userinfo(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Whether another origin than the first has been asked by this request of the chain.
pub(super) fn crosses(case: &Case, hop: usize) -> bool {
    let chain = chain(case);
    chain.iter().take(hop + 1).any(|url| to(url) != to(&chain[0]))
}

/// Whether some `Location` is no URL.
pub(super) fn leads_to_no_url(case: &Case) -> bool {
    let here = url(case).and_then(|url| Url::parse(url).ok());
    here.is_some_and(|here| locations(case).iter().any(|location| here.join(location).is_err()))
}

/// The values of all `Location` fields, in order.
fn locations(case: &Case) -> Vec<&str> {
    let mut all = Vec::new();
    for piece in server(case) {
        let head = piece.split("\r\n\r\n").next().unwrap_or_default();
        let lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
        all.extend(lines.filter(|(name, _)| name.eq_ignore_ascii_case("location")).map(|(_, value)| value.trim()));
    }
    all
}

/// The target of the first hop, the bytes of its `Location` encoded as they are.
fn next_of_bytes(case: &Case) -> Option<String> {
    let encode = |char: char| if char.is_ascii() { char.to_string() } else { format!("%{:02X}", u32::from(char)) };
    let location: String = locations(case).first()?.chars().map(encode).collect();
    chain(case).first()?.join(&location).ok().as_ref().map(target)
}

/// The URLs that one after the other leads to.
fn chain(case: &Case) -> Vec<Url> {
    let mut chain: Vec<Url> = url(case).and_then(|url| Url::parse(url).ok()).into_iter().collect();
    for location in locations(case) {
        let next = chain.last().and_then(|last| last.join(location).ok());
        chain.extend(next);
    }
    chain
}

/// The URLs that the original takes.
fn from_the_first(case: &Case) -> Vec<Url> {
    let mut all: Vec<Url> = url(case).and_then(|url| Url::parse(url).ok()).into_iter().collect();
    for location in locations(case) {
        let next = all.first().and_then(|first| first.join(location).ok());
        all.extend(next);
    }
    all
}

/// The method of a request of the chain.
fn method(case: &Case, hop: usize) -> Option<String> {
    let mut method = case.call("method")?.text()?.to_owned();
    for piece in server(case).take(hop) {
        match piece.split(' ').nth(1)? {
            "301" | "302" if method == "POST" => method = "GET".to_owned(),
            "303" if method != "HEAD" => method = "GET".to_owned(),
            _ => {}
        }
    }
    Some(method)
}

fn target(url: &Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

fn to(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    format!("{}://{host}:{}", url.scheme(), url.port_or_known_default().unwrap_or(0))
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Mismatch;

    #[test]
    fn a_chain_goes_from_hop_to_hop() {
        let case = r#"{"id":"x","given":{"call":{"method":"GET","url":"http://a.test/a"},"server":[
            "HTTP/1.1 302 X\r\nLocation: http://b.test/b/c\r\n\r\n","HTTP/1.1 302 X\r\nLocation: d\r\n\r\n"]},"expect":{}}"#;
        let case = Case::parse(&case.replace('\n', "")).unwrap();
        assert_eq!(chain(&case)[2].as_str(), "http://b.test/b/d");
        assert_eq!(from_the_first(&case)[2].as_str(), "http://a.test/d");
        let seen = Mismatch::new("hop2.to", "http://a.test:80", "http://b.test:80");
        assert!(crate::differences::reason(&case, &seen).is_some());
        assert!(
            crate::differences::reason(&case, &Mismatch::new("hop2.to", "http://a.test:80", "http://c.test:80"))
                .is_none()
        );
    }
}
