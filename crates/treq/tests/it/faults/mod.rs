//! Each call of IO fails in turn: what a client then does is answer, or say by a typed error why not, and go on.
//!
//! Each scenario runs once for each call that it makes: connects, reads, writes, flushes, shutdowns. A run ends in success
//! or in a [`treq::Error`]; it ends at all; the same client's next request is answered; nothing panics; no connection is in
//! use and no task alive when all is over.

mod scenarios;

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tower::Layer;
use treq::connect::TcpConnect;
use treq::options::HttpVersion;
use treq::testing::{InMemory, RequestTraversalAgent};
use treq::{Client, ClientBuilder, Error, Kind, TlsConfig};
use treq_httpbin::{Httpbin, Server};
use treq_testing::{Faults, suite};

/// What a scenario runs with.
pub(crate) struct Ground {
    pub(crate) client: Client,
    /// Where an httpbin is, without a slash at its end.
    pub(crate) base: String,
    /// For a connector of the scenario's own.
    pub(crate) faults: Faults,
}

impl Ground {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

pub(crate) type Run = fn(Ground) -> Pin<Box<dyn Future<Output = Result<(), Error>>>>;

/// How many panics there were, caught by tokio or not.
fn panics() -> &'static AtomicUsize {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    static HOOK: std::sync::Once = std::sync::Once::new();
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.fetch_add(1, Ordering::SeqCst);
            usual(info);
        }));
    });
    &PANICS
}

/// Runs a scenario, then asks the same client once more; returns how the scenario ended.
async fn one(run: Run, ground: Ground, limit: Duration, goes_on: bool) -> Result<(), Error> {
    let (client, healthy, faults) = (ground.client.clone(), ground.url("/get"), ground.faults.clone());
    let outcome = tokio::time::timeout(limit, run(ground))
        .await
        .unwrap_or_else(|_| panic!("the scenario hangs: {:?}", faults.list()));
    if let Err(error) = &outcome {
        assert!(!error.to_string().is_empty());
    }
    if goes_on && faults.injected() > 0 {
        let after = || tokio::time::timeout(limit, client.get(&healthy).into_future());
        let mut next = after().await.expect("the request after it hangs");
        // That a kept connection has gone silent shows when it is used.
        let gone = |error: &Error| matches!(error.kind(), Kind::Timeout(_) | Kind::Connect);
        if faults.is_stalling() && next.as_ref().is_err_and(gone) {
            next = after().await.expect("the second request after it hangs");
        }
        next.expect("the request after it").content().await.expect("the content after it");
    }
    // What a connection still has to do for an answer given up, it does in the background.
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(client.pool().unwrap().stats().in_use(), 0, "connections that stay in use");
    client.pool().unwrap().close();
    outcome
}

/// Fails each call of each scenario in turn; returns how many failed.
fn sweep(
    over: &str,
    scenarios: &[(&str, Run)],
    plan: fn(usize) -> Faults,
    mut run: impl FnMut(Run, &Faults) -> Result<(), Error>,
) -> usize {
    let mut total = 0;
    for &(name, scenario) in scenarios {
        let none = Faults::none();
        run(scenario, &none).unwrap_or_else(|error| panic!("{over}, {name}, without a fault: {error:?}"));
        let (mut injected, mut failed) = (0, 0);
        for n in 0.. {
            let faults = plan(n);
            let outcome = run(scenario, &faults);
            if faults.injected() == 0 {
                break;
            }
            (injected, failed) = (injected + 1, failed + usize::from(outcome.is_err()));
        }
        println!("{over}, {name}: {injected} faults, {failed} errors");
        assert!(injected > 0, "{over}, {name}: no call of IO could be made to fail");
        total += injected;
    }
    assert_eq!(panics().load(Ordering::SeqCst), 0, "{over}: something panicked");
    println!("{over}: {total} faults injected in {} scenarios", scenarios.len());
    total
}

fn in_memory(over: &str, http_version: HttpVersion, scenarios: &[(&str, Run)]) -> usize {
    sweep(over, scenarios, Faults::nth, |scenario, faults| once(http_version, scenario, faults, true))
}

/// One run in memory; with `goes_on` the client's next request has to be answered.
fn once(http_version: HttpVersion, scenario: Run, faults: &Faults, goes_on: bool) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let outcome = runtime.block_on(async {
        let agent = RequestTraversalAgent::new(Httpbin::new());
        let connector = faults.layer(agent.connector());
        let client = base(http_version).connector(connector).agent_layer(InMemory).build().unwrap();
        let ground = Ground { client, base: "http://bin.test".to_owned(), faults: faults.clone() };
        one(scenario, ground, Duration::from_secs(3600), goes_on).await
    });
    nothing_is_left(&runtime, faults);
    outcome
}

fn base(http_version: HttpVersion) -> ClientBuilder {
    Client::builder().http_version(http_version).timeout(Duration::from_secs(300))
}

/// Client and servers are dropped: their tasks end.
fn nothing_is_left(runtime: &tokio::runtime::Runtime, faults: &Faults) {
    runtime.block_on(async {
        // An attempt to connect that was overtaken goes on for as long as its limit of ten seconds.
        for _ in 0..2_000 {
            if tokio::runtime::Handle::current().metrics().num_alive_tasks() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("tasks are left after {:?}", faults.list());
    });
}

#[test]
fn over_http1_in_memory_every_fault_is_an_error_or_goes_unnoticed() {
    assert!(in_memory("HTTP/1.1 in memory", HttpVersion::Any, scenarios::ALL) > 500);
}

#[test]
fn over_http2_in_memory_every_fault_is_an_error_or_goes_unnoticed() {
    assert!(in_memory("HTTP/2 in memory", HttpVersion::Http2, scenarios::ALL) > 500);
}

#[test]
fn outside_of_plain_exchanges_every_fault_is_an_error_or_goes_unnoticed() {
    assert!(in_memory("scripted servers", HttpVersion::Http1, scenarios::SCRIPTED) > 50);
}

#[test]
fn a_call_that_never_ends_is_ended_by_a_limit_on_time() {
    for http_version in [HttpVersion::Http1, HttpVersion::Http2] {
        let over = format!("stalls, {http_version:?}");
        let stalling = |n| Faults::nth(n).stalling();
        let stalled =
            sweep(&over, scenarios::ALL, stalling, |scenario, faults| once(http_version, scenario, faults, true));
        assert!(stalled > 500);
    }
}

#[test]
fn several_faults_in_one_run_are_errors_or_go_unnoticed() {
    let (_, mut injected) = (panics(), 0);
    for seed in 0..40 {
        for http_version in [HttpVersion::Http1, HttpVersion::Http2] {
            for (_, scenario) in scenarios::SHORT {
                let faults = Faults::seeded(seed, 8);
                let _ = once(http_version, *scenario, &faults, false);
                injected += faults.injected();
            }
        }
    }
    assert_eq!(panics().load(Ordering::SeqCst), 0);
    println!("several at once: {injected} faults injected");
    assert!(injected > 400, "{injected}");
}

/// How many calls of each case of the suites fail in turn; all of them where `TREQ_FAULTS` is `all`.
const CALLS: usize = 32;

#[test]
fn in_each_case_of_the_suites_every_fault_is_an_error_or_goes_unnoticed() {
    let all = std::env::var("TREQ_FAULTS").is_ok_and(|which| which == "all");
    let (mut total, mut cases) = (0, 0);
    for n in 0.. {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let plans = std::cell::RefCell::new(Vec::new());
        let report = runtime.block_on(suite::all(|connector| {
            let faults = Faults::nth(n);
            plans.borrow_mut().push(faults.clone());
            // Requests and answers no longer match where one was lost, so a server may wait for ever.
            let builder = Client::builder().timeout(Duration::from_secs(20));
            builder.connector(faults.layer(connector)).agent_layer(InMemory).build().unwrap()
        }));
        for verdict in report.passed().chain(report.failed()) {
            let unsound: Vec<_> = verdict.faults().iter().filter(|fault| fault.is_unsound()).collect();
            assert!(unsound.is_empty(), "{}, call {n}: {unsound:?}", verdict.case().name());
        }
        let injected: usize = plans.borrow().iter().map(Faults::injected).sum();
        (total, cases) = (total + injected, plans.borrow().len());
        if injected == 0 || (!all && n + 1 == CALLS) {
            break;
        }
    }
    assert_eq!(panics().load(Ordering::SeqCst), 0);
    println!("suites: {total} faults injected in {cases} cases");
    assert!(total > 2_000, "{total}");
}

/// Over real sockets and TLS, in real time, the handshake's calls among them.
fn over_tls(over: &str, http_version: HttpVersion) -> usize {
    let background = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = background.block_on(Server::start_tls()).unwrap();
    let trusted = TlsConfig::builder().roots_pem(server.ca_pem().unwrap()).build().unwrap();
    sweep(over, scenarios::SHORT, Faults::nth, |scenario, faults| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let outcome = runtime.block_on(async {
            let connector = faults.layer(TcpConnect::new());
            let client = base(http_version).tls(trusted.clone()).connector(connector).build().unwrap();
            let ground = Ground { client, base: server.url(""), faults: faults.clone() };
            one(scenario, ground, Duration::from_secs(30), true).await
        });
        nothing_is_left(&runtime, faults);
        outcome
    })
}

#[test]
fn over_tls_and_http1_every_fault_is_an_error_or_goes_unnoticed() {
    assert!(over_tls("HTTP/1.1 over TLS", HttpVersion::Http1) > 100);
}

#[test]
fn over_tls_and_http2_every_fault_is_an_error_or_goes_unnoticed() {
    assert!(over_tls("HTTP/2 over TLS", HttpVersion::Any) > 100);
}
