use super::*;

/// By the names of the methods, `key` beside those with an `Idempotency-Key`: which are sent again.
fn again(policy: &dyn Policy, outcome: Outcome<'_>) -> String {
    const METHODS: [&str; 10] = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "POST", "PATCH", "X", "POST key"];
    let names = METHODS.into_iter().filter(|name| {
        let (method, keyed) = name.strip_suffix(" key").map_or((*name, false), |method| (method, true));
        let mut request = Request::builder().method(method).uri("http://a.test/");
        if keyed {
            request = request.header("idempotency-key", "\"1\"");
        }
        match policy.decide(&Attempt::new(1, &request.body(()).unwrap(), outcome)) {
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
    for status in 100..600 {
        let response = Response::builder().status(status).body(()).unwrap();
        let outcome = Outcome::from(&response);
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
    let request = Request::get("http://hidden:hidden@a.test/?hidden").extension("hidden").body(()).unwrap();
    let response = Response::builder().header("set-cookie", "hidden").extension("hidden").body(()).unwrap();
    let attempt = Attempt::new(1, &request, Outcome::from(&response));
    let text = format!("{attempt:?}");
    assert!(text.contains("200") && text.contains("GET") && !text.contains("hidden"), "{text}");
}

#[test]
fn an_attempt_tells_of_request_and_response() {
    let request = Request::post("http://a.test/x").header("idempotency-key", "1").extension(7_u8).body(()).unwrap();
    let response = Response::builder().status(418).version(Version::HTTP_2).header("x-tea", "1").extension(8_u8);
    let response = response.body(()).unwrap();
    let attempt = Attempt::new(3, &request, Outcome::from(&response));
    assert_eq!((attempt.number(), attempt.method(), attempt.url().path()), (3, &Method::POST, "/x"));
    assert_eq!((attempt.has_idempotency_key(), attempt.is_repeatable()), (true, true));
    assert_eq!(attempt.extensions().get(), Some(&7_u8));
    let Outcome::Response(head) = attempt.outcome() else { panic!("{attempt:?}") };
    assert_eq!(
        (head.status().as_u16(), head.version(), head.headers()["x-tea"].as_bytes()),
        (418, Version::HTTP_2, &b"1"[..])
    );
    assert_eq!(head.extensions().get(), Some(&8_u8));
}

#[test]
fn closures_and_pointers_are_policies() {
    fn again_after(policy: impl Policy, status: u16) -> bool {
        let (request, response) = (Request::new(()), Response::builder().status(status).body(()).unwrap());
        policy.decide(&Attempt::new(1, &request, Outcome::from(&response))) == Action::Again
    }
    let teapot = || {
        retry_fn(|attempt| match attempt.outcome() {
            Outcome::Response(head) if head.status() == 418 => Action::Again,
            _ => Action::Stop,
        })
    };
    let (shared, boxed): (Arc<dyn Policy>, Box<dyn Policy>) = (Arc::new(teapot()), Box::new(Standard::new()));
    assert!(again_after(teapot(), 418) && !again_after(teapot(), 503));
    assert!(again_after(Arc::clone(&shared), 418) && !again_after(shared, 503));
    assert!(!again_after(boxed, 418) && again_after(Box::new(Standard::new()), 503));
}
