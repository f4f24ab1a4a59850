//! How URLs are read.

use url::Url;

use super::{Difference, field, url};
use crate::{Case, Json};

const STANDARD: &str = "URLs are normalised as the URL standard says";

pub(super) const RULES: &[Difference] = &[
    Difference::meant(STANDARD, |case, it| {
        let Some(url) = url(case).and_then(|url| Url::parse(url).ok()) else { return false };
        let plain = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let host = url.host_str().unwrap_or_default();
        let own_port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        match it.field.as_str() {
            "request.target" => {
                // Not where the original has the same, and the params behind it differ.
                let plain_there = it.want.split('?').next() == plain.split('?').next();
                let params_too = plain_there && case.call("params").is_some();
                let behind = it.seen.strip_prefix(plain.as_str());
                !params_too && behind.is_some_and(|rest| rest.is_empty() || rest.starts_with(['?', '&']))
            }
            "request.field.host" => it.seen == format!("{host}{own_port}"),
            "connect_to" => {
                it.seen == format!("{}://{host}:{}", url.scheme(), url.port_or_known_default().unwrap_or(0))
            }
            _ => false,
        }
    }),
    Difference::meant(STANDARD, |_, it| {
        let normal = Url::parse(&it.want).is_ok_and(|url| url.as_str() == it.seen);
        matches!(field(it), "final_url" | "history.url" | "joined") && normal
    }),
    Difference::meant(STANDARD, |case, it| {
        let Some(url) = parsed(case) else { return false };
        let host = url.host_str().unwrap_or_default();
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        match it.field.as_str() {
            "url.netloc" => it.seen == format!("{host}{port}"),
            "url.host" => it.seen == host.trim_matches(['[', ']']),
            "url.port" => Some(it.seen.as_str()) == url.port_or_known_default().map(|port| port.to_string()).as_deref(),
            "url.path" => it.seen == url.path(),
            "url.request_target" => it.seen == url[url::Position::BeforePath..url::Position::AfterQuery],
            "url.query" => it.seen == url.query().unwrap_or_default(),
            "url.fragment" => it.seen == url.fragment().unwrap_or_default(),
            "url.back_to_text" => it.seen == url.as_str(),
            _ => false,
        }
    }),
    Difference::meant("an empty fragment is one: the URL standard", |_, it| {
        it.field == "joined" && it.seen.strip_suffix('#') == Some(&it.want)
    }),
    Difference::meant("http and https are the schemes", |case, it| {
        let text = case.given.get("parse").and_then(Json::text).unwrap_or_default().trim();
        it.field == "url" && !text.starts_with("http:") && !text.starts_with("https:")
    }),
    Difference::meant("what the URL standard takes for no URL is refused", |case, it| {
        let text = case.given.get("parse").and_then(Json::text);
        it.field == "url" && text.is_some_and(|text| Url::parse(text).is_err())
    }),
    Difference::meant("what the URL standard takes for no URL is refused", |case, it| {
        let bad = || url(case).is_some_and(|url| Url::parse(url).is_err()) || super::chains::leads_to_no_url(case);
        let refused = it.seen.starts_with("Builder: the URL ") || it.seen.starts_with("Redirect: the URL ");
        it.field == "outcome" && it.want == "an answer" && refused && bad()
    }),
    Difference::meant("nobody listens at port 0", |case, it| {
        let port = url(case).and_then(|url| Url::parse(url).ok()?.port());
        it.field == "outcome" && it.seen.starts_with("Builder: ") && port == Some(0)
    }),
    Difference::meant("IPv6 literals and host names with an underscore are hosts", |case, it| {
        let host = url(case).and_then(|url| Url::parse(url).ok()?.host_str().map(str::to_owned)).unwrap_or_default();
        it.field == "outcome" && it.seen.starts_with("200 after ") && (host.starts_with('[') || host.contains('_'))
    }),
    Difference::meant("a URL is what the URL standard takes for one", |case, it| {
        const REFUSED: [&str; 4] = ["ValueError", "IDNAError", "InvalidCodepoint", "URLParseError"];
        it.field == "outcome"
            && REFUSED.contains(&it.want.as_str())
            && it.seen.starts_with("200 after ")
            && url(case).is_some_and(|url| Url::parse(url).is_ok_and(|url| url.username().is_empty()))
    }),
];

fn parsed(case: &Case) -> Option<Url> {
    Url::parse(case.given.get("parse")?.text()?).ok()
}
