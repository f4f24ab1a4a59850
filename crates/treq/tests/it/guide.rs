//! The pages of the guide say what is so.

use std::collections::BTreeSet;

const PYTHON: &str = include_str!("../../guide/python.md");
const REQWEST: &str = include_str!("../../guide/reqwest.md");
const DEFAULTS: &str = include_str!("../../guide/defaults.md");
const DIFFERENCES: &str = include_str!("../../guide/differences.md");
const NAMES: &str = include_str!("../data/python_names.txt");

/// The rows of all tables whose first cell's head is one of these, each as its trimmed cells.
fn rows<'a>(page: &'a str, heads: &[&str]) -> Vec<Vec<&'a str>> {
    let mut rows = Vec::new();
    let mut in_table = false;
    for line in page.lines() {
        let Some(inner) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) else {
            in_table = false;
            continue;
        };
        let cells: Vec<_> = inner.split('|').map(str::trim).collect();
        if !in_table {
            in_table = heads.contains(&cells[0]);
        } else if !inner.contains("---") {
            rows.push(cells);
        }
    }
    rows
}

/// What stands between backticks.
fn code(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn each_name_of_the_originals_has_its_row() {
    let wanted: BTreeSet<_> = NAMES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let listed: Vec<_> =
        rows(PYTHON, &["Python"]).into_iter().flat_map(|row| code(row[0]).collect::<Vec<_>>()).collect();
    let once: BTreeSet<_> = listed.iter().copied().collect();
    assert_eq!(once.len(), listed.len(), "a name has several rows");
    assert!(wanted.len() > 200, "{}", wanted.len());
    assert_eq!(wanted.difference(&once).collect::<Vec<_>>(), Vec::<&&str>::new(), "not on the page");
    assert_eq!(once.difference(&wanted).collect::<Vec<_>>(), Vec::<&&str>::new(), "not in the list");
}

/// Rustdoc refuses a link that leads nowhere, so a name in a link is one that there is.
#[test]
fn each_row_links_to_what_it_names() {
    for (page, heads) in [(PYTHON, ["Python"]), (REQWEST, ["reqwest"]), (DEFAULTS, ["setting"])] {
        let rows = rows(page, &heads);
        assert!(rows.len() > 60, "{}", rows.len());
        for row in rows {
            let cell = if heads == ["setting"] { row[3] } else { row[1] };
            let fine =
                cell.contains("[`treq::") || cell.starts_with("feature ") || cell.starts_with("fixed in the client");
            assert!(fine, "{row:?}");
        }
    }
    // Outside of links nothing of ours is named: it would not be looked up.
    for page in [PYTHON, REQWEST, DEFAULTS, DIFFERENCES] {
        for row in rows(page, &["Python", "reqwest", "setting", "difference", ""]) {
            for cell in row {
                let named = cell.matches("`treq::").count();
                assert_eq!(named, cell.matches("[`treq::").count(), "{cell}");
            }
        }
    }
}

#[test]
fn each_difference_and_each_default_has_its_reason() {
    for (page, head) in [(DIFFERENCES, "difference"), (DIFFERENCES, "here"), (DEFAULTS, "setting")] {
        let rows = rows(page, &[head]);
        assert!(rows.len() > 10, "{head}");
        for row in rows {
            let why = if head == "setting" { row[2] } else { row[1] };
            assert!(!why.is_empty(), "{row:?}");
        }
    }
}

/// The page says what a client is made with, as its `Debug` shows it.
#[cfg(all(feature = "gzip", feature = "deflate", feature = "brotli", feature = "zstd"))]
#[test]
fn the_defaults_are_those_of_the_code() {
    let shown = format!("{:?}", treq::Client::builder());
    let defaults = rows(DEFAULTS, &["setting"]);
    let table = [
        ("connecting", "10 s", "ConnectTimeoutLayer { limit: Some(10s) }"),
        ("head of an answer", "60 s", "head: Some(60s)"),
        ("each read of a body", "60 s", "read: Some(60s)"),
        ("each write of a body", "60 s", "write: Some(60s)"),
        ("the whole request", "none", "DeadlineLayer { total: None }"),
        ("waiting for a connection", "10 s", "wait: Some(10s)"),
        ("each attempt", "none", "attempt_timeout: None"),
        ("next address", "250 ms", "attempt_delay: 250ms"),
        ("idle connections of an origin", "32", "idle_per_host: 32,"),
        ("idle connections in all", "256", "idle_total: 256,"),
        ("time that an idle connection is kept", "90 s", "idle_time: 90s"),
        ("connections to an origin", "none", "per_host: None"),
        ("connections in all", "none", "total: None, max_age"),
        ("age of a connection", "none", "max_age: None"),
        ("sending again on a dead kept connection", "once", "resend: true"),
        ("Nagle's delay", "off", "nodelay: true"),
        (
            "TCP keep-alive",
            "after 15 s, every 15 s, 3 probes",
            "keepalive: Some(Keepalive { after: 15s, every: Some(15s), probes: Some(3) })",
        ),
        ("what was sent and not acknowledged", "30 s, on Linux and Android", "user_timeout: Some(30s)"),
        ("local address", "any", "local: None"),
        ("offered", "gzip, deflate, br, zstd", "offer: Some(\"gzip, deflate, br, zstd\")"),
        ("decoded size", "none", "Limits { size: None"),
        ("decoded bytes for each coded one", "none", "ratio: None"),
        ("how many", "20", "follow: Standard, limit: 20,"),
        ("https to http", "followed, without credentials and body", "limit: 20, https_only: false"),
        ("`Referer`", "none", "referrer: None"),
        ("credentials over http", "sent", "AuthLayer { credentials: [], https_only: false"),
        ("proxy", "none", "proxies: Proxies(none)"),
        ("attempts", "1", "RetryLayer { attempts: 1,"),
        ("first pause", "up to 100 ms", "base: 100ms"),
        ("longest pause", "10 s", "cap: 10s"),
        ("longest `Retry-After`", "60 s", "retry_after_limit: 60s"),
        (
            "budget",
            "20 % of the requests and 10 a second, within 10 s",
            "Budget { window: 10s, min_per_second: 10, percent: 20,",
        ),
        ("`Idempotency-Key`", "not added", "idempotency_key: false"),
    ];
    for (setting, value, code) in table {
        let row = defaults.iter().find(|row| row[0] == setting);
        assert_eq!(row.map(|row| row[1]), Some(value), "{setting}");
        assert!(shown.contains(code), "{setting}: no {code} in {shown}");
    }
}

/// Those of TLS, as its `Debug` shows them.
#[cfg(any(feature = "tls", feature = "tls-ring"))]
#[test]
fn the_defaults_of_tls_are_those_of_the_code() {
    let shown = format!("{:?}", treq::TlsConfig::default());
    let defaults = rows(DEFAULTS, &["setting"]);
    for (setting, value, code) in [
        ("verification", "as the platform does it, with its roots", "platform: true, roots: 0, any_certificate: false"),
        ("versions", "TLS 1.2 and 1.3", "min_version: Tls12"),
        ("client certificate", "none", "client_certificate: false"),
        ("log of keys", "off", "key_log: false"),
    ] {
        let row = defaults.iter().find(|row| row[0] == setting);
        assert_eq!(row.map(|row| row[1]), Some(value), "{setting}");
        assert!(shown.contains(code), "{setting}: no {code} in {shown}");
    }
}

/// What no `Debug` shows is seen on the wire: what a bare request says, and where a head is too large.
#[tokio::test]
async fn what_a_bare_request_says_and_where_a_head_ends_is_what_the_page_says() {
    use treq_testing::{RawServer, Step};

    let padded = |fields: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{fields}\r\n");
    let fields = |count: usize| (1..count).map(|number| format!("X-{number}: y\r\n")).collect::<String>();
    let answer = |head: String| [Step::ReadRequest, Step::send(head)];
    let bytes = |count: usize| padded(&format!("X: {}\r\n", "y".repeat(count - padded("X: \r\n").len())));
    let server = RawServer::builder()
        .connection(
            answer(padded(&fields(100)))
                .into_iter()
                .chain(answer(bytes(64 * 1024)))
                .chain(answer(padded(&fields(101)))),
        )
        .connection(answer(bytes(64 * 1024 + 1)))
        .start()
        .await;
    let client = treq::Client::new();
    for _ in 0..2 {
        assert_eq!(client.get(server.url("/")).await.unwrap().status(), 200);
    }
    for _ in 0..2 {
        assert_eq!(client.get(server.url("/")).await.unwrap_err().kind(), treq::Kind::Protocol);
    }
    let request = &server.requests()[0];
    let names: Vec<_> = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    assert!(names.iter().all(|name| ["host", "accept-encoding"].contains(&name.as_str())), "{names:?}");
    let defaults = rows(DEFAULTS, &["setting"]);
    for (setting, value) in
        [("bytes of a head", "64 KiB"), ("fields of a head", "100"), ("`User-Agent`, `Accept`", "none")]
    {
        assert!(defaults.iter().any(|row| row[0] == setting && row[1] == value), "{setting}");
    }
}

/// Bodies in memory: the limit, and one byte more.
#[tokio::test]
async fn a_body_of_the_limit_is_held_and_a_longer_one_is_an_error() {
    use treq_testing::{RawServer, Step};

    const LIMIT: usize = 32 * 1024 * 1024;
    let row = rows(DEFAULTS, &["setting"]).into_iter().find(|row| row[0].starts_with("body that `content`"));
    assert_eq!(row.map(|row| row[1]), Some("32 MiB"));
    let answer = |bytes: usize| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n");
        [Step::ReadRequest, Step::send(head), Step::send(vec![b'x'; bytes])]
    };
    let server = RawServer::builder().connection(answer(LIMIT)).connection(answer(LIMIT + 1)).start().await;
    let fresh = || treq::get(server.url("/")).persistent(false);
    assert_eq!(fresh().await.unwrap().content().await.unwrap().len(), LIMIT);
    assert_eq!(fresh().await.unwrap().content().await.unwrap_err().kind(), treq::Kind::Body);
}

/// How a caller's own `Accept-Encoding` is had alone, which two of the pages name.
#[cfg(feature = "gzip")]
#[tokio::test]
async fn a_clients_own_accept_encoding_is_the_only_one_and_what_comes_is_decoded() {
    let server = treq_httpbin::Server::start().await.unwrap();
    let client = treq::Client::builder().header("accept-encoding", "gzip").build().unwrap();
    let mut response = client.get(server.url("/gzip")).await.unwrap();
    let text = response.text().await.unwrap();
    assert!(text.contains("\"Accept-Encoding\": \"gzip\""), "{text}");
}
