//! Which cookies are kept, and which go along.

use super::{Difference, is_control};
use crate::{Case, Json};

pub(super) const RULES: &[Difference] = &[
    Difference::meant("a cookie has a value: what has none does not compile", |_, it| {
        it.field == "step.outcome" && it.seen == "a cookie whose value is no text"
    }),
    Difference::meant("hosts of other scripts have cookies too", |case, it| {
        let odd = steps(case).any(|step| step.get("get").and_then(Json::text).is_some_and(|url| !url.is_ascii()));
        odd && (it.field == "step.cookies" && it.want.is_empty() || it.field.starts_with("jar."))
    }),
    Difference::meant("bytes beyond ASCII in a cookie break no answer", |case, it| {
        let odd = steps(case)
            .any(|step| step.get("server_sets").is_some_and(|set| super::some_text(set, &|it| !it.is_ascii())));
        odd && (matches!(it.field.as_str(), "jar.with" | "step.cookies")
            || (it.field == "step.outcome" && it.seen == "an answer"))
    }),
    Difference::meant(
        "cookies given with one call go with that call, to its origin alone, and are not kept",
        |case, it| match super::field(it) {
            "request.field.cookie" => {
                it.seen.is_empty() && case.call("cookies").is_some() && super::chains::crosses(case, super::hop(it))
            }
            "jar.without" => {
                name(&it.want).is_some_and(|name| by_call(case).contains(&name) && !set(case, |_, it| it == name))
            }
            "step.cookies" => {
                let pairs = it.want.strip_prefix("Cookie: ").unwrap_or_default().split("; ");
                let given = by_call(case);
                let left: Vec<_> =
                    pairs.filter(|pair| !given.contains(&pair.split('=').next().unwrap_or_default())).collect();
                let left = if left.is_empty() { String::new() } else { format!("Cookie: {}", left.join("; ")) };
                left == it.seen
            }
            _ => false,
        },
    ),
    Difference::meant("a cookie that would break the syntax of its field is refused", |case, it| {
        let breaks = |text: &str| is_control(text) || text.contains(';');
        it.field == "step.outcome"
            && it.want == "an answer"
            && steps(case).any(|step| step.get("cookies").is_some_and(|cookies| super::some_text(cookies, &breaks)))
    }),
    Difference::meant("the attribute Port is ignored: RFC 6265bis", |case, it| {
        matches!(it.field.as_str(), "jar.with" | "jar.without" | "step.cookies")
            && set(case, |attributes, _| attributes.contains("port"))
    }),
    Difference::meant("a Max-Age that is no number is ignored: RFC 6265bis, section 5.6.2", |case, it| {
        let no_number = |attributes: &str| {
            let value = attributes.split(';').find_map(|one| one.trim().strip_prefix("max-age="));
            value.is_some_and(|value| value.trim_start_matches('-').bytes().any(|byte| !byte.is_ascii_digit()))
        };
        matches!(it.field.as_str(), "jar.with" | "step.cookies" | "cookie.persistent")
            && set(case, |attributes, _| no_number(attributes))
    }),
    Difference::meant("a cookie without a name is one: RFC 6265bis, section 5.6", |case, it| {
        let nameless = |step: &Json| {
            let all = step.get("server_sets").and_then(Json::list).unwrap_or_default().iter().filter_map(Json::text);
            all.into_iter()
                .any(|cookie| cookie.starts_with('=') || !cookie.split(';').next().unwrap_or_default().contains('='))
        };
        matches!(it.field.as_str(), "jar.with" | "jar.without" | "step.cookies") && steps(case).any(nameless)
    }),
    Difference::meant("a Path that does not begin with a slash is none: RFC 6265bis, section 5.6.4", |case, it| {
        let no_slash = |attributes: &str| {
            let path = attributes.split(';').find_map(|one| one.trim().strip_prefix("path="));
            path.is_some_and(|path| !path.starts_with('/'))
        };
        matches!(it.field.as_str(), "jar.with" | "jar.without" | "step.cookies")
            && set(case, |attributes, _| no_slash(attributes))
    }),
    Difference::meant("the attribute Version is ignored: RFC 6265bis", |case, it| {
        matches!(it.field.as_str(), "jar.with" | "jar.without" | "step.cookies")
            && set(case, |attributes, _| attributes.contains("version="))
    }),
    Difference::meant("the prefixes __Host- and __Secure- are enforced: RFC 6265bis, section 5.7", |_, it| {
        matches!(it.field.as_str(), "jar.without" | "step.cookies")
            && (it.want.contains("__Host-") || it.want.contains("__Secure-"))
    }),
    Difference::meant("no cookie is kept for a public suffix: RFC 6265bis, section 5.7", |case, it| {
        let public = |attributes: &str| {
            let domain = attributes.split(';').find_map(|one| one.trim().strip_prefix("domain="));
            let domain = domain.map(|domain| domain.trim_start_matches('.'));
            domain.is_some_and(|domain| psl::suffix_str(domain) == Some(domain))
        };
        matches!(it.field.as_str(), "jar.without" | "step.cookies") && set(case, |attributes, _| public(attributes))
    }),
    Difference::meant(
        "Secure is set over https, over http by localhost alone: RFC 6265bis, section 5.7",
        |case, it| {
            let in_the_clear = steps(case)
                .any(|step| step.get("get").and_then(Json::text).is_some_and(|url| url.starts_with("http:")));
            matches!(it.field.as_str(), "jar.without" | "step.cookies")
                && in_the_clear
                && set(case, |attributes, _| attributes.split(';').any(|one| one.trim() == "secure"))
        },
    ),
    Difference::meant("a cookie without Domain goes to its host alone: RFC 6265bis, section 5.6.3", |case, it| {
        it.field == "step.cookies"
            && it.seen.len() < it.want.len()
            && set(case, |attributes, _| !attributes.contains("domain="))
            && hosts(case).len() > 1
    }),
    Difference::meant(
        "a cookie without an expiry lasts as long as its jar, and is saved where that is asked for",
        |_, it| it.field == "cookie.discard" && it.seen == "true",
    ),
    Difference::meant("a cookie knows no port: RFC 6265bis, section 8.5", |_, it| it.field == "cookie.port"),
    Difference::meant("a cookie without Domain is kept for the host as it is written, without .local", |_, it| {
        matches!(it.field.as_str(), "jar.without" | "jar.with" | "cookie.domain")
            && it.want.contains(".local") != it.seen.contains(".local")
    }),
];

fn steps(case: &Case) -> impl Iterator<Item = &Json> {
    case.given.get("same_client").and_then(Json::list).unwrap_or_default().iter()
}

fn hosts(case: &Case) -> Vec<String> {
    let urls = steps(case).filter_map(|step| step.get("get")?.text());
    let mut hosts: Vec<_> = urls.filter_map(|url| Some(url::Url::parse(url).ok()?.host_str()?.to_owned())).collect();
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

/// The names of cookies that are given with calls.
fn by_call(case: &Case) -> Vec<&str> {
    let maps = steps(case).filter_map(|step| step.get("cookies")?.map());
    maps.flatten().map(|(name, _)| name.as_str()).collect()
}

/// Whether a server sets a cookie of which this is true: of its attributes in lower case, and its name.
fn set(case: &Case, is: impl Fn(&str, &str) -> bool) -> bool {
    let all = steps(case).filter_map(|step| step.get("server_sets")?.list()).flatten().filter_map(Json::text);
    all.into_iter().any(|cookie| {
        let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
        is(&attributes.to_ascii_lowercase(), pair.split('=').next().unwrap_or_default().trim())
    })
}

/// The name out of domain, path and name.
fn name(place: &str) -> Option<&str> {
    place.splitn(3, ' ').nth(2)
}
