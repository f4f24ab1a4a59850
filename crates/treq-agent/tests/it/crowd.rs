//! Many requests at once over HTTP/2, and servers that refuse them, go away, or change their minds.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt as _;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower::{Layer as _, ServiceExt as _};
use treq_agent::{Agent, HttpHandshake, NewConnection};
use treq_core::{Body, Connected, Error, HttpVersion, Kind, Peer, Resend, Target};
use treq_pool::PoolLayer;
use treq_testing::{MemoryServer, RawServer, Step};

use crate::http2::{frame, go_away, greeting, ok, reset, wishing};
use crate::support::{Pooled, get, pooled, request, send};

const REFUSED: u32 = 7;
const HTTP_1_1_REQUIRED: u32 = 13;

/// A script that greets, lets requests come in, and goes on.
fn greeted(steps: impl IntoIterator<Item = Step>) -> Vec<Step> {
    [Step::ReadBytes(24), greeting(), Step::sleep_ms(50)].into_iter().chain(steps).collect()
}

fn settings(streams: u32) -> Step {
    Step::Send(frame(4, 0, 0, &[&[0, 3][..], &streams.to_be_bytes()].concat()))
}

/// So many requests at once, and how each ended.
async fn at_once(agent: &Agent<Pooled>, count: usize, make: fn() -> Request<Body>) -> Vec<Result<u16, Error>> {
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        let agent = agent.clone();
        tasks.spawn(async move { send(&agent, make()).await.map(|response| response.status().as_u16()) });
    }
    timeout(Duration::from_secs(30), tasks.join_all()).await.expect("a request hangs")
}

fn plain_get() -> Request<Body> {
    wishing(get("http://a.test/"))
}

fn lone_get() -> Request<Body> {
    let mut request = plain_get();
    request.extensions_mut().insert(NewConnection::new());
    request
}

/// Nothing is in use, and nothing is open once what is idle is closed.
fn assert_at_rest(pool: &Pooled, case: &str) {
    assert_eq!((pool.stats().in_use(), pool.stats().waiting), (0, 0), "{case}: {:?}", pool.stats());
    pool.close_idle();
    assert_eq!(pool.stats().open, 0, "{case}");
}

#[tokio::test(start_paused = true)]
async fn a_crowd_that_is_refused_goes_on_elsewhere_and_leaves_nothing_in_use() {
    for (case, steps) in [
        ("refused", vec![reset(1, REFUSED), reset(3, REFUSED), reset(5, REFUSED)]),
        ("gone away", vec![go_away(0, 0), Step::sleep_ms(1), Step::HalfClose]),
        ("gone away, still open", vec![go_away(0, 0)]),
        ("refused by two words", vec![reset(5, REFUSED), go_away(0, 0)]),
    ] {
        let server = RawServer::builder()
            .connection(greeted(steps))
            .connection(greeted([ok(1), ok(3), ok(5)]))
            .start_in_memory();
        let (agent, pool) = pooled(server.connector());
        let done = at_once(&agent, 3, plain_get).await;
        assert!(done.iter().all(|done| matches!(done, Ok(200))), "{case}: {done:?}");
        assert_eq!(server.connections(), 2, "{case}");
        assert_at_rest(&pool, case);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_dies_under_a_crowd_hangs_nobody() {
    for end in [Step::Reset, Step::Close] {
        let server = RawServer::builder()
            .connection(greeted([ok(1), Step::sleep_ms(50), end]))
            .connection(greeted([ok(1), ok(3), ok(5)]))
            .start_in_memory();
        let (agent, pool) = pooled(server.connector());
        send(&agent, plain_get()).await.unwrap();
        let done = at_once(&agent, 3, plain_get).await;
        // One that is not repeated says why; which it is depends on what of the others has been read.
        assert!(done.iter().all(|done| !matches!(done, Err(error) if error.kind() == Kind::Cancelled)), "{done:?}");
        assert!(server.connections() <= 2);
        assert_at_rest(&pool, "dead");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_with_a_connection_of_their_own_come_in_pairs_too() {
    let served = |streams: &[u32]| greeted(streams.iter().map(|stream| ok(*stream)));
    let server = RawServer::builder().connection(served(&[1])).connection(served(&[1])).repeat_last().start_in_memory();
    let (agent, pool) = pooled(server.connector());
    send(&agent, plain_get()).await.unwrap();
    let done = at_once(&agent, 2, lone_get).await;
    assert!(done.iter().all(|done| matches!(done, Ok(200))), "{done:?}");
    // Those two are closed after their exchange; the first waits for its next.
    assert_eq!((server.connections(), pool.stats().open, pool.stats().idle), (3, 1, 1));
    assert_at_rest(&pool, "alone");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_refuses_is_not_the_first_choice() {
    let refuses = (0..20).map(|turn| reset(2 * turn + 1, REFUSED));
    let serves = (0..40).flat_map(|turn| [Step::sleep_ms(1), ok(2 * turn + 1)]);
    let server = RawServer::builder()
        .connection(greeted(refuses.flat_map(|refusal| [refusal, Step::sleep_ms(100)])))
        .connection(greeted(serves))
        .start_in_memory();
    let (agent, pool) = pooled(server.connector());
    for _ in 0..10 {
        assert!(timeout(Duration::from_secs(9), send(&agent, plain_get())).await.unwrap().is_ok());
    }
    assert_eq!(server.connections(), 2);
    assert_at_rest(&pool, "refusing");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_everything_is_asked_a_few_times_and_believed() {
    let refuses = greeted((0..8).flat_map(|turn| [reset(2 * turn + 1, REFUSED), Step::sleep_ms(50)]));
    let server = RawServer::builder().connection(refuses).repeat_last().start_in_memory();
    let (agent, pool) = pooled(server.connector());
    let error = send(&agent, wishing(request("POST", "http://a.test/", Body::from("body")))).await.unwrap_err();
    assert_eq!((error.kind(), error.resend(), server.connections()), (Kind::Protocol, Resend::Safe, 3), "{error}");
    assert_at_rest(&pool, "refusing");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_wants_http1_is_served_over_http1() {
    for method in ["GET", "POST"] {
        let tls = MemoryServer::new(tower::service_fn(|_: Request<Body>| async {
            Ok::<_, Infallible>(Response::new(Body::from("ok")))
        }));
        let plain = tls.connector();
        let refusing =
            RawServer::builder().connection(greeted([reset(1, HTTP_1_1_REQUIRED)])).repeat_last().start_in_memory();
        let refusing = refusing.connector();
        // What ALPN would have chosen, by the target's HTTP version.
        let connector = tower::service_fn(move |target: Target| {
            let (plain, refusing) = (plain.clone(), refusing.clone());
            async move {
                let is_http1 = target.http_version == HttpVersion::Http1;
                let connected = if is_http1 { plain.oneshot(target).await } else { refusing.oneshot(target).await }?;
                let mut tls = treq_core::TlsFacts::default();
                tls.alpn = Some(bytes::Bytes::from_static(if is_http1 { b"http/1.1" } else { b"h2" }));
                let mut connected: Connected<_> = connected;
                connected.tls = Some(Arc::new(tls));
                Ok::<_, Error>(connected)
            }
        });
        let pool = PoolLayer::new().layer(HttpHandshake::new(connector));
        let agent = Agent::new(pool.clone());
        let request = request(method, "https://a.test/", Body::from("body"));
        let response = agent.oneshot(request).await.unwrap();
        assert_eq!(response.version(), http::Version::HTTP_11);
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "ok");
        assert_eq!(pool.stats().in_use(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn the_limit_on_streams_is_waited_for_and_every_change_of_it_is_seen() {
    let script = [
        Step::ReadBytes(24),
        Step::sleep_ms(200),
        settings(2),
        Step::Send(frame(4, 1, 0, &[])),
        ok(1),
        // Two are under way, and two wait.
        Step::sleep_ms(200),
        settings(4),
        Step::sleep_ms(400),
        ok(3),
        ok(5),
        ok(7),
        ok(9),
    ];
    let server = RawServer::builder().connection(script).start_in_memory();
    let pool: Pooled =
        PoolLayer::new().max_per_host(1).wait(Duration::from_millis(450)).layer(HttpHandshake::new(server.connector()));
    let agent = Agent::new(pool.clone());
    send(&agent, plain_get()).await.unwrap();
    let done = at_once(&agent, 4, plain_get).await;
    assert!(done.iter().all(|done| matches!(done, Ok(200))), "{done:?}");
    assert_eq!(server.connections(), 1);
    assert_at_rest(&pool, "limited");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_says_its_limit_is_taken_to_admit_what_all_should() {
    let script = [Step::ReadBytes(24), Step::Sleep(Duration::from_secs(2)), greeting(), ok(1), ok(3), ok(5)];
    let server = RawServer::builder().connection(script).start_in_memory();
    let (agent, pool) = pooled(server.connector());
    let done = at_once(&agent, 3, plain_get).await;
    assert!(done.iter().all(|done| matches!(done, Ok(200))), "{done:?}");
    assert_eq!(server.connections(), 1);
    assert_at_rest(&pool, "mute");
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_given_up_do_not_harm_the_patient_ones() {
    const GIVEN_UP: u32 = 3_000;
    // What was given up is answered all the same, later.
    let late: Vec<_> = (1..=GIVEN_UP).map(|turn| frame(1, 0x5, 2 * turn + 1, &[0x88])).collect();
    let script = [
        Step::ReadBytes(24),
        greeting(),
        Step::Sleep(Duration::from_secs(10)),
        Step::Send(late.concat().into()),
        ok(1),
    ];
    let server = RawServer::builder().connection(script).start_in_memory();
    let (agent, pool) = pooled(server.connector());
    let patient = tokio::spawn({
        let agent = agent.clone();
        async move { send(&agent, plain_get()).await }
    });
    sleep(Duration::from_millis(10)).await;
    for _ in 0..GIVEN_UP / 6 {
        let mut tasks = JoinSet::new();
        for _ in 0..6 {
            let agent = agent.clone();
            tasks.spawn(async move { timeout(Duration::from_millis(10), send(&agent, plain_get())).await.is_err() });
        }
        assert!(tasks.join_all().await.into_iter().all(|gave_up| gave_up));
    }
    let response = patient.await.unwrap();
    assert!(response.is_ok(), "{response:?}");
    assert_eq!(server.connections(), 1);
    assert_at_rest(&pool, "impatient");
}

#[tokio::test(start_paused = true)]
async fn responses_that_nobody_reads_do_not_stall_the_others() {
    let server = MemoryServer::new(tower::service_fn(|request: Request<Body>| async move {
        let size = if request.uri().path() == "/large" { 3 << 20 } else { 1 << 20 };
        Ok::<_, Infallible>(Response::new(Body::from(vec![b'x'; size])))
    }));
    let (agent, _pool) = pooled(server.connector());
    let mut unread = Vec::new();
    for _ in 0..8 {
        unread.push(agent.clone().oneshot(wishing(get("http://a.test/large"))).await.unwrap());
    }
    sleep(Duration::from_secs(1)).await;
    let response = timeout(Duration::from_secs(5), send(&agent, plain_get())).await.expect("stalled").unwrap();
    assert_eq!((response.body().len(), server.connections()), (1 << 20, 1));
}

/// A real server with a low limit on streams, which says so after its clients may have begun.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_before_a_low_limit_makes_no_more_connections_than_it_needs() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, made) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&made);
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, SeqCst);
            tokio::spawn(async move {
                // Requests are there before the word that there are too many.
                sleep(Duration::from_millis(5)).await;
                let mut server = h2::server::Builder::new();
                let mut connection = server.max_concurrent_streams(3).handshake::<_, bytes::Bytes>(stream).await?;
                while let Some(request) = connection.accept().await {
                    let (_, mut respond) = request?;
                    tokio::spawn(async move {
                        sleep(Duration::from_millis(1)).await;
                        respond.send_response(Response::new(()), true).map(drop)
                    });
                }
                Ok::<_, h2::Error>(())
            });
        }
    });
    let connector = tower::service_fn(move |_: Target| async move {
        let stream = tokio::net::TcpStream::connect(address).await?;
        Ok::<_, std::io::Error>(Connected::new(stream, Peer::Tcp(address)))
    });
    let pool = PoolLayer::new().layer(HttpHandshake::new(connector));
    let agent = Agent::new(pool.clone());
    send_one(&agent).await.unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..64 {
        let agent = agent.clone();
        tasks.spawn(async move {
            for _ in 0..50 {
                send_one(&agent).await?;
            }
            Ok::<_, Error>(())
        });
    }
    let done = timeout(Duration::from_secs(60), tasks.join_all()).await.expect("a request hangs");
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    assert!(made.load(SeqCst) <= 22, "{} connections", made.load(SeqCst));
    assert_eq!(pool.stats().in_use(), 0);
    server.abort();
}

async fn send_one<C>(agent: &C) -> Result<(), Error>
where
    C: tower::Service<Request<Body>, Error = Error> + Clone,
    C::Response: crate::support::IntoBytes,
{
    let response = agent.clone().oneshot(plain_get()).await?;
    crate::support::IntoBytes::into_bytes(response).await.map(drop)
}
