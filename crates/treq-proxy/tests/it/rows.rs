use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use treq_core::uri;
use treq_proxy::{Proxies, Proxy};

fn rows(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Where a row and a documented rule of ours disagree: the rule, and the rows that it speaks of.
fn listed(row: &Value) -> Option<&'static str> {
    let env = |name: &str| row["env"].get(name).and_then(Value::as_str).unwrap_or_default();
    let host = uri::parse(row["url"].as_str()?).ok().map(|located| located.uri.host().unwrap().to_owned());
    let dotted = |list: &str| list.split([',', ' ']).any(|entry| entry.strip_prefix('.') == host.as_deref());
    if host.is_some() && (dotted(env("NO_PROXY")) || dotted(env("no_proxy"))) && row["expect_proxy"].is_string() {
        return Some("a leading dot means nothing, as in curl and requests: Go alone leaves the name itself out");
    }
    if row["expect_proxy"].as_str().is_some_and(|proxy| Proxy::try_from(proxy).is_err()) {
        return Some("a proxy of an unknown scheme is an error at once, not when it is used");
    }
    if env("http_proxy").trim().contains(' ') {
        return Some("a malformed proxy is an error, where the row leaves that or ignoring it open");
    }
    if host.is_none() {
        return Some("an IPv6 zone makes a URL an error before any proxy is chosen; it never matches by its end");
    }
    None
}

#[test]
fn of_the_environment() {
    let mut exceptions = BTreeSet::new();
    let rows = rows("proxy-env.jsonl");
    assert_eq!(rows.len(), 59);
    for row in &rows {
        let vars = row["env"].as_object().unwrap().iter();
        let proxies = Proxies::from_vars(vars.map(|(name, value)| (name, value.as_str().unwrap())));
        if let Some(reason) = listed(row) {
            exceptions.insert((row["id"].as_str().unwrap().to_owned(), reason));
            match row["id"].as_str().unwrap() {
                "go-08" | "ours-19" => assert!(proxies.is_err(), "{row}"),
                "go-15" | "go-use-15" => {
                    assert_eq!(proxies.unwrap().proxy_for(&row["url"].as_str().unwrap().parse().unwrap()), None);
                }
                "go-22" => {
                    // As far as `http` takes such a URL, it goes through the proxy as the row has it.
                    let url = row["url"].as_str().unwrap().parse().unwrap();
                    assert!(proxies.unwrap().proxy_for(&url).is_some(), "{row}");
                }
                _ => panic!("not known to differ: {row}"),
            }
            continue;
        }
        let url = uri::parse(row["url"].as_str().unwrap()).unwrap().uri;
        let got = proxies.unwrap().proxy_for(&url);
        let want = row["expect_proxy"].as_str().map(|text| Proxy::try_from(text).unwrap());
        assert_eq!(got, want, "{row}");
    }
    let ids: Vec<&str> = exceptions.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["go-08", "go-15", "go-22", "go-use-15", "ours-19"]);
}

#[test]
fn of_hosts_that_go_direct() {
    let rows = rows("curl-noproxy.jsonl");
    assert_eq!(rows.len(), 39);
    for row in rows {
        let proxies = Proxies::all(Proxy::try_from("p.test").unwrap()).no_proxy(row["no_proxy"].as_str().unwrap());
        let host = row["host"].as_str().unwrap();
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let url = format!("http://{host}/").parse().unwrap();
        assert_eq!(proxies.proxy_for(&url).is_none(), row["expect_bypass"].as_bool().unwrap(), "{row}");
    }
}
