use super::*;

/// By the names of the methods, `key` beside those with an `Idempotency-Key`: which are sent again.
fn again(policy: &dyn Policy, outcome: Outcome<'_>) -> String {
    const METHODS: [&str; 10] = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "POST", "PATCH", "X", "POST key"];
    let names = METHODS.into_iter().filter(|name| {
        let (method, keyed) = name.strip_suffix(" key").map_or((*name, false), |method| (method, true));
        let attempt = Attempt {
            number: 1,
            method: &method.parse().unwrap(),
            url: &Uri::from_static("http://a.test/"),
            extensions: &Extensions::new(),
            keyed,
            outcome,
        };
        match policy.decide(&attempt) {
            Action::Stop => false,
            Action::Again => true,
            Action::After(_) => panic!("the backoff is the layer's"),
        }
    });
    names.collect::<Vec<_>>().join(",")
}

const ALL: &str = "GET,HEAD,OPTIONS,TRACE,PUT,DELETE,POST,PATCH,X,POST key";
const REPEATABLE: &str = "GET,HEAD,OPTIONS,TRACE,PUT,DELETE,POST key";
const NONE: &str = "";

#[test]
fn statuses_are_retried_where_the_request_is_repeatable() {
    let headers = HeaderMap::new();
    for status in 100..600 {
        let outcome = Outcome::Response { status: StatusCode::from_u16(status).unwrap(), headers: &headers };
        let want = if [408, 429, 502, 503, 504].contains(&status) { REPEATABLE } else { NONE };
        assert_eq!(again(&Standard::new(), outcome), want, "{status}");
        let others = Standard::new().statuses([StatusCode::INTERNAL_SERVER_ERROR]);
        assert_eq!(again(&others, outcome), if status == 500 { REPEATABLE } else { NONE }, "{status}");
    }
}

#[test]
fn errors_are_retried_by_verdict_and_kind() {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, InvalidData};
    let table = [
        (Kind::Resolve, None, ALL, REPEATABLE),
        (Kind::Connect, None, ALL, REPEATABLE),
        (Kind::Connect, Some(ConnectionRefused), ALL, REPEATABLE),
        (Kind::Protocol, None, ALL, REPEATABLE),
        (Kind::Other, None, ALL, REPEATABLE),
        (Kind::Timeout(Phase::Connect), None, ALL, REPEATABLE),
        (Kind::Timeout(Phase::Head), None, ALL, REPEATABLE),
        (Kind::Timeout(Phase::Write), None, ALL, REPEATABLE),
        (Kind::Timeout(Phase::Wait), None, NONE, NONE),
        (Kind::Timeout(Phase::Total), None, NONE, NONE),
        (Kind::Tls, None, NONE, NONE),
        (Kind::Tls, Some(InvalidData), NONE, NONE),
        (Kind::Tls, Some(ConnectionReset), ALL, REPEATABLE),
        (Kind::Proxy, None, NONE, NONE),
        (Kind::Proxy, Some(ConnectionRefused), ALL, REPEATABLE),
        (Kind::Builder, None, NONE, NONE),
        (Kind::Redirect, None, NONE, NONE),
        (Kind::Auth, None, NONE, NONE),
        (Kind::Decode, None, NONE, NONE),
        (Kind::Body, None, NONE, NONE),
        (Kind::Status, None, NONE, NONE),
        (Kind::Cancelled, Some(ConnectionReset), NONE, NONE),
    ];
    for (kind, cause, safe, maybe) in table {
        for (resend, want) in [(Resend::Safe, safe), (Resend::MaybeProcessed, maybe)] {
            let error = Error::new(kind, "failed").with_resend(resend);
            let error = match cause {
                Some(cause) => error.with_source(io::Error::from(cause)),
                None => error,
            };
            assert_eq!(again(&Standard::new(), Outcome::Error(&error)), want, "{kind:?} {resend:?}");
        }
    }
}

#[test]
fn debug_shows_neither_userinfo_nor_query_nor_values() {
    let headers = HeaderMap::from_iter([(http::header::SET_COOKIE, "hidden".parse().unwrap())]);
    let attempt = Attempt {
        number: 1,
        method: &Method::GET,
        url: &Uri::from_static("http://hidden:hidden@a.test/?hidden"),
        extensions: &Extensions::new(),
        keyed: false,
        outcome: Outcome::Response { status: StatusCode::OK, headers: &headers },
    };
    let text = format!("{attempt:?}");
    assert!(text.contains("200") && text.contains("GET") && !text.contains("hidden"), "{text}");
}
