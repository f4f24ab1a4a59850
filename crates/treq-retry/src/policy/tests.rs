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
    let io = |kind: io::ErrorKind| move |error: Error| error.with_source(io::Error::from(kind));
    let plain = |error: Error| error;
    let reset = io(io::ErrorKind::ConnectionReset);
    let table: [(Kind, &dyn Fn(Error) -> Error, &str, &str); 18] = [
        (Kind::Resolve, &plain, ALL, REPEATABLE),
        (Kind::Connect, &plain, ALL, REPEATABLE),
        (Kind::Proxy, &plain, ALL, REPEATABLE),
        (Kind::Protocol, &plain, ALL, REPEATABLE),
        (Kind::Body, &plain, ALL, REPEATABLE),
        (Kind::Other, &plain, ALL, REPEATABLE),
        (Kind::Timeout(Phase::Connect), &plain, ALL, REPEATABLE),
        (Kind::Timeout(Phase::Head), &plain, ALL, REPEATABLE),
        (Kind::Timeout(Phase::Wait), &plain, NONE, NONE),
        (Kind::Timeout(Phase::Total), &plain, NONE, NONE),
        (Kind::Tls, &plain, NONE, NONE),
        (Kind::Tls, &io(io::ErrorKind::InvalidData), NONE, NONE),
        (Kind::Tls, &reset, ALL, REPEATABLE),
        (Kind::Builder, &plain, NONE, NONE),
        (Kind::Redirect, &plain, NONE, NONE),
        (Kind::Auth, &plain, NONE, NONE),
        (Kind::Decode, &plain, NONE, NONE),
        (Kind::Cancelled, &reset, NONE, NONE),
    ];
    for (kind, cause, safe, maybe) in table {
        for (resend, want) in [(Resend::Safe, safe), (Resend::MaybeProcessed, maybe)] {
            let error = cause(Error::new(kind, "failed")).with_resend(resend);
            assert_eq!(again(&Standard::new(), Outcome::Error(&error)), want, "{kind:?} {resend:?}");
        }
    }
}
