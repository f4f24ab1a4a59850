//! The suites for any client, put over clients that are wrong in one way each.

use std::convert::Infallible;
use std::future::{Ready, pending, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{HeaderValue, Method, Request, Response, Uri};
use http_body_util::BodyExt;
use tower::service_fn;
use tower_service::Service;
use treq_core::{Body, BoxError};
use treq_testing::suite::{self, Bare, Level, Report};

type Answer = Response<Body>;

/// A client of one function over [`Bare`].
fn client<F>(send: impl FnMut(Request<Body>) -> F) -> impl Service<Request<Body>, Response = Answer, Error = BoxError>
where
    F: Future<Output = Result<Answer, BoxError>>,
{
    service_fn(send)
}

fn failed(report: &Report) -> Vec<&str> {
    report.failed().map(|verdict| verdict.case().name()).collect()
}

/// Follows every `Location` that is an absolute URL or path, as GET, and takes along all that the request has.
async fn careless(mut bare: Bare, request: Request<Body>) -> Result<Answer, BoxError> {
    let fields = request.headers().clone();
    let mut base = request.uri().clone();
    let mut answer = bare.call(request).await?;
    for _ in 0..30 {
        let Some(location) = answer.headers().get(LOCATION) else { return Ok(answer) };
        let location: Uri = location.to_str()?.parse()?;
        let mut parts = location.into_parts();
        parts.scheme = parts.scheme.or(base.scheme().cloned());
        parts.authority = parts.authority.or(base.authority().cloned());
        base = Uri::from_parts(parts)?;
        let mut next = Request::new(Body::empty());
        *next.uri_mut() = base.clone();
        *next.headers_mut() = fields.clone();
        answer = bare.call(next).await?;
    }
    Ok(answer)
}

#[tokio::test(start_paused = true)]
async fn careless_redirects_fail_by_name() {
    let report = suite::redirects(|connector| {
        let bare = Bare::new(connector);
        client(move |request| careless(bare.clone(), request))
    })
    .await;
    let failed = failed(&report);
    for name in [
        "a_303_leaves_head_as_it_is",
        "a_307_sends_post_and_content_again",
        "a_201_with_location_is_an_answer",
        "credentials_do_not_go_to_another_host",
        "credentials_do_not_go_from_https_to_http",
        "credentials_do_not_come_back_with_the_origin",
    ] {
        assert!(failed.contains(&name), "{name}\n{report}");
    }
    for name in ["follows_302_with_get", "a_302_makes_get_of_post", "an_endless_loop_comes_to_an_end"] {
        assert!(!failed.contains(&name), "{name}\n{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_wrong_field_is_found_with_both_sides_and_its_section() {
    let report = suite::redirects(|connector| {
        let bare = Bare::new(connector);
        client(move |request| careless(bare.clone(), request))
    })
    .await
    .only(|case| case.name() == "credentials_do_not_go_to_another_host");
    let [verdict] = report.verdicts() else { panic!("{report}") };
    let [fault] = verdict.faults() else { panic!("{report}") };
    assert_eq!((fault.what(), fault.expected(), fault.found()), ("request 2, authorization", "none", "Basic dTpw"));
    assert_eq!(
        report.to_string(),
        "redirects  passed   0, failed   1\n  \
           MUST   credentials_do_not_go_to_another_host (Fetch, HTTP-redirect fetch, step 13)\n         \
                  request 2, authorization: expected none, found Basic dTpw\n"
    );
}

#[tokio::test(start_paused = true)]
async fn a_jar_that_knows_no_rules_fails_by_name() {
    let report = suite::cookies(|connector| {
        let (mut bare, jar) = (Bare::new(connector), Arc::new(Mutex::new(Vec::<String>::new())));
        client(move |mut request| {
            let kept = jar.lock().unwrap().join("; ");
            if !kept.is_empty() {
                request.headers_mut().insert(COOKIE, HeaderValue::from_str(&kept).unwrap());
            }
            let (answering, jar) = (bare.call(request), Arc::clone(&jar));
            async move {
                let answer = answering.await?;
                for set in answer.headers().get_all(SET_COOKIE) {
                    let pair = set.to_str()?.split(';').next().unwrap_or_default();
                    jar.lock().unwrap().push(pair.to_owned());
                }
                Ok(answer)
            }
        })
    })
    .await;
    let failed = failed(&report);
    for name in [
        "a_cookie_of_a_host_stays_there",
        "a_foreign_domain_is_refused",
        "a_path_includes_what_is_below_it",
        "secure_goes_to_https_alone",
        "http_sets_no_secure_cookie",
        "a_max_age_of_0_removes_a_cookie",
        "host_prefix_needs_the_root_and_no_domain",
    ] {
        assert!(failed.contains(&name), "{name}\n{report}");
    }
    for name in ["a_cookie_is_sent_back", "two_cookies_are_one_field", "ports_are_not_told_apart"] {
        assert!(!failed.contains(&name), "{name}\n{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_decodes_nothing_passes_what_must_be_left_alone() {
    let report = suite::decoding(Bare::new).await;
    let failed = failed(&report);
    for name in ["undoes_gzip", "undoes_br", "gzip_that_breaks_off_is_an_error", "codings_are_undone_in_reverse"] {
        assert!(failed.contains(&name), "{name}\n{report}");
    }
    for name in
        ["an_unknown_coding_is_left_alone", "head_has_nothing_to_decode", "a_part_of_a_coded_body_is_left_alone"]
    {
        assert!(!failed.contains(&name), "{name}\n{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_loses_the_ends_of_bodies_fails_by_name() {
    let report = suite::framing(|connector| {
        let mut bare = Bare::new(connector);
        service_fn(move |request| {
            let answering = bare.call(request);
            async move {
                let (parts, mut body) = answering.await?.into_parts();
                let mut whole = Vec::new();
                // An error is taken for the end.
                while let Some(Ok(frame)) = body.frame().await {
                    whole.extend(frame.into_data().unwrap_or_default());
                }
                Ok::<_, BoxError>(Response::from_parts(parts, Body::from(whole)))
            }
        })
    })
    .await;
    let failed = failed(&report);
    for name in ["a_body_that_is_too_short_is_an_error", "a_chunk_that_breaks_off_is_an_error"] {
        assert!(failed.contains(&name), "{name}\n{report}");
    }
    for name in ["reads_a_body_in_chunks", "what_comes_behind_an_answer_is_no_next_answer", "passes_over_100"] {
        assert!(!failed.contains(&name), "{name}\n{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_fails_its_cases_and_ends() {
    let report = suite::framing(|_| service_fn(|_| pending::<Result<Response<Body>, Infallible>>())).await;
    assert_eq!(report.passed().count(), 0);
    assert!(report.to_string().contains("found nothing: the client hangs"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_panics_fails_its_cases_and_nothing_else() {
    let made = |_| -> Bare { panic!("no client today") };
    let report = suite::cookies(made).await;
    assert_eq!(report.passed().count(), 0);
    assert!(report.to_string().contains(r#"found the panic "no client today""#), "{report}");

    let called = suite::cookies(|_| {
        service_fn(|request: Request<Body>| -> Ready<Result<Response<Body>, Infallible>> {
            assert_eq!(request.method(), Method::OPTIONS, "only OPTIONS");
            ready(Ok(Response::default()))
        })
    })
    .await;
    assert_eq!(called.passed().count(), 0);
}

/// Bare, which begins a task for each request that nobody ends.
#[derive(Clone)]
struct Leaky(Bare);

impl Service<Request<Body>> for Leaky {
    type Response = Answer;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        tokio::spawn(pending::<()>());
        self.0.call(request)
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_tasks_or_connections_fails() {
    let report = suite::cookies(|connector| Leaky(Bare::new(connector))).await;
    assert_eq!(report.passed().count(), 0);
    assert!(report.to_string().contains("tasks once the client is dropped: expected none, found 1 alive"), "{report}");

    let report = suite::framing(|connector| {
        // The client is never dropped, nor the connection that it has made.
        let mut connector = connector.clone();
        service_fn(move |_| {
            let target =
                treq_core::Target::new(treq_core::Origin::from_uri(&Uri::from_static("http://a.test")).unwrap());
            let connecting = connector.call(target);
            async move {
                std::mem::forget(connecting.await.unwrap());
                Ok::<_, Infallible>(Response::new(Body::empty()))
            }
        })
    })
    .await;
    assert!(report.to_string().contains("connections once the client is dropped: expected none, found"), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_report_can_be_narrowed_and_fails_a_test() {
    let report = suite::decoding(Bare::new).await;
    let count = report.verdicts().len();
    assert_eq!(report.passed().count() + report.failed().count(), count);
    let musts = report.clone().only(|case| case.level() == Level::Must).verdicts().len();
    let shoulds = report.clone().only(|case| case.level() == Level::Should).verdicts().len();
    assert_eq!(musts + shoulds, count);
    report.clone().only(|case| case.name() == "head_has_nothing_to_decode").assert_passed();
    let panic = std::panic::catch_unwind(|| report.assert_passed()).unwrap_err();
    assert!(
        panic.downcast_ref::<String>().is_some_and(|said| said.contains("undoes_gzip (RFC 9110, section 8.4.1.3)"))
    );
    let none = report.clone().only(|_| false);
    assert!(std::panic::catch_unwind(|| none.assert_passed()).is_err());
}

#[tokio::test(start_paused = true)]
async fn every_case_has_a_section_and_a_name_of_its_own() {
    let report = suite::all(Bare::new).await;
    let mut names: Vec<_> = report.verdicts().iter().map(|verdict| verdict.case().name()).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    for suite in ["redirects", "cookies", "decoding", "framing"] {
        assert!(report.verdicts().iter().filter(|verdict| verdict.case().suite() == suite).count() >= 25, "{suite}");
    }
    for verdict in report.verdicts() {
        let case = verdict.case();
        let known = ["RFC ", "Fetch, HTTP-redirect fetch, step "].iter().any(|start| case.section().starts_with(start));
        assert!(known && !case.section().ends_with(' '), "{}: {:?}", case.name(), case.section());
    }
    let secure = |name: &str| {
        let mut cases = report.verdicts().iter().map(|verdict| verdict.case());
        cases.find(|case| case.name() == name).is_some_and(suite::Case::needs_https)
    };
    assert!(secure("secure_goes_to_https_alone") && secure("credentials_do_not_go_to_another_scheme"));
    assert!(!secure("undoes_gzip"));
}
