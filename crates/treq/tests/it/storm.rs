//! The default client in a storm: random requests by many tasks against a server that does everything servers do wrong.
//!
//! `cargo xtask storm` plays more seeds, or one: `TREQ_SEEDS=20000`, `TREQ_SEED=17`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use tokio::task::JoinSet;
use treq::{Body, BodyEnd, Client, Error, Kind, PoolLayer, RequestBuilder, Response, TimeoutLayer, Wish};
use treq_testing::{Random, Storm};

/// Seeds of each protocol played where nothing else is said.
const SEEDS: u64 = 60;

/// What each request may take, in tokio's time; its parts have limits below that.
const TOTAL: Duration = Duration::from_secs(120);

/// What a seed may take of this machine's: far more than any does.
const CPU: Duration = Duration::from_secs(60);

/// What a caller does with a response.
#[derive(Clone, Copy, Debug)]
enum Use {
    Content,
    Pieces,
    /// Some pieces, and then it is dropped.
    Some,
    Drop,
}

struct Plan {
    id: u64,
    request: RequestBuilder,
    method: Method,
    how: Use,
    /// After this time nobody wants it any more.
    patience: Option<Duration>,
}

fn plan(client: &Client, id: u64, random: &mut Random) -> Plan {
    let host = Storm::HOSTS[random.below(3)];
    let methods =
        [Method::GET, Method::GET, Method::GET, Method::HEAD, Method::PUT, Method::POST, Method::POST, Method::DELETE];
    let method = methods[random.below(methods.len())].clone();
    let mut request = client.request(method.as_str(), format!("http://{host}/s/{id}/0"));
    if matches!(method, Method::PUT | Method::POST) {
        let content = Storm::content(id);
        request = match random.below(3) {
            0 => request.body(content),
            1 => request.body(stream(content)),
            _ => request.body(content).header("expect", "100-continue"),
        };
    }
    if random.one_in(6) {
        request = request.persistent(false);
    }
    if random.one_in(5) {
        request = request.attempts(3);
    }
    if random.one_in(6) {
        request = request.head_timeout(Duration::from_millis(1 + random.below(60) as u64));
    }
    if random.one_in(8) {
        request = request.timeout(Duration::from_millis(1 + random.below(200) as u64));
    }
    let how = [Use::Content, Use::Content, Use::Content, Use::Pieces, Use::Some, Use::Drop][random.below(6)];
    let patience = random.one_in(6).then(|| Duration::from_millis(random.below(80) as u64));
    Plan { id, request, method, how, patience }
}

/// A body that is there once, in pieces.
fn stream(content: Vec<u8>) -> Body {
    let pieces: Vec<_> = content
        .chunks(9_000)
        .map(|piece| Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::copy_from_slice(piece))))
        .collect();
    Body::stream(http_body_util::StreamBody::new(futures_util::stream::iter(pieces)))
}

/// What is wrong with how a request ended, if anything is.
async fn play(plan: Plan) -> Option<String> {
    let Plan { id, request, method, how, patience } = plan;
    let begun = tokio::time::Instant::now();
    let whole = async { check(id, &method, request.await?, how).await };
    let outcome = match patience {
        Some(patience) => match tokio::time::timeout(patience, whole).await {
            Ok(outcome) => outcome,
            Err(_) => return None,
        },
        None => whole.await,
    };
    let elapsed = begun.elapsed();
    if elapsed > TOTAL + Duration::from_secs(1) {
        return Some(format!("{method} {id} took {elapsed:?}"));
    }
    match outcome {
        Ok(wrong) => wrong,
        Err(error) => wrong(&error).map(|wrong| format!("{method} {id}: {wrong}: {error:?}")),
    }
}

/// What no server can have brought about.
fn wrong(error: &Error) -> Option<&'static str> {
    match error.kind() {
        Kind::Connect | Kind::Protocol | Kind::Timeout(_) | Kind::Body | Kind::Redirect => None,
        Kind::Cancelled => Some("nobody cancelled it"),
        _ => Some("this error has no cause in the storm"),
    }
}

async fn check(id: u64, method: &Method, mut response: Response, how: Use) -> Result<Option<String>, Error> {
    let (own, length) = (field(&response, "x-storm"), field(&response, "x-length"));
    let status = response.status().as_u16();
    if own.is_some_and(|own| own != id) {
        return Ok(Some(format!("{method} {id} has the response of {own:?}")));
    }
    if status != 200 || *method == Method::HEAD {
        let known = [200, 401, 413, 417, 429, 503, 301, 302, 303, 307, 308].contains(&status);
        return Ok((!known).then(|| format!("{method} {id} has the status {status}")));
    }
    let whole = Storm::content(id);
    if length != Some(whole.len() as u64) {
        return Ok(Some(format!("{method} {id} has the length {length:?}")));
    }
    let (mut read, mut pieces) = (Vec::new(), 0);
    match how {
        Use::Drop => return Ok(None),
        Use::Content => read = response.content().await?.to_vec(),
        Use::Pieces | Use::Some => {
            while let Some(piece) = response.chunk().await? {
                read.extend_from_slice(&piece);
                pieces += 1;
                if matches!(how, Use::Some) && pieces > 2 {
                    return Ok(
                        (!whole.starts_with(&read)).then(|| format!("{method} {id} has the beginning of another"))
                    );
                }
            }
        }
    }
    if !whole.starts_with(&read) {
        return Ok(Some(format!("{method} {id} has a body of {} bytes that are not its own", read.len())));
    }
    // By the end of the connection alone nobody can know.
    let may_be_cut = response.body_end() == Some(BodyEnd::PossiblyCut);
    Ok((read.len() < whole.len() && !may_be_cut)
        .then(|| format!("{method} {id} is cut at {} without an error", read.len())))
}

fn field(response: &Response, name: &str) -> Option<u64> {
    response.headers().get(name).and_then(|value| value.to_str().ok()?.parse().ok())
}

async fn one(seed: u64, wish: Wish) -> Vec<String> {
    let mut random = Random::new(seed);
    let storm = Storm::in_memory(seed);
    let mut pool = PoolLayer::new();
    match random.below(4) {
        0 => pool = pool.max_per_host(1 + random.below(3)),
        1 => pool = pool.max_total(1 + random.below(4)),
        2 => pool = pool.idle_per_host(random.below(3)),
        _ => {}
    }
    let limit = Duration::from_secs(10);
    let client = Client::builder()
        .connector(storm.connector())
        .http_version(wish)
        .pool(pool)
        .timeouts(TimeoutLayer::new().head(limit).read(limit).write(limit))
        .timeout(TOTAL)
        .build()
        .unwrap();
    let (tasks, requests) = (1 + random.below(8), 1 + random.below(8));
    let mut playing = JoinSet::new();
    for task in 0..tasks {
        let client = client.clone();
        let mut random = Random::new(random.below(usize::MAX) as u64);
        playing.spawn(async move {
            let mut wrong = Vec::new();
            for request in 0..requests {
                let id = (task * 100 + request) as u64;
                let plan = plan(&client, id, &mut random);
                wrong.extend(play(plan).await);
                if random.one_in(3) {
                    tokio::time::sleep(Duration::from_millis(random.below(100) as u64)).await;
                }
            }
            wrong
        });
    }
    let mut wrong: Vec<_> = Vec::new();
    while let Some(done) = playing.join_next().await {
        match done {
            Ok(found) => wrong.extend(found),
            Err(error) => wrong.push(format!("a task failed: {error}")),
        }
    }
    wrong.extend(storm.ledger().faults());
    // Each request may go out three times on each of up to four hops, three times over, and each time make a connection.
    let most = tasks * requests * 36;
    if storm.connections() > most {
        wrong.push(format!("{} connections for {} requests", storm.connections(), tasks * requests));
    }
    // What was given up comes to its end by itself, within the limits on making a connection.
    tokio::time::sleep(Duration::from_secs(60)).await;
    let stats = client.pool_stats().unwrap();
    if (stats.in_use(), stats.connecting, stats.waiting) != (0, 0, 0) {
        wrong.push(format!("something is left: {stats:?}"));
    }
    client.close_idle();
    let stats = client.pool_stats().unwrap();
    if stats.open != 0 {
        wrong.push(format!("something is open: {stats:?}"));
    }
    drop(client);
    tokio::time::sleep(Duration::from_secs(60)).await;
    if storm.open() != 0 {
        wrong.push(format!("{} connections outlive the client", storm.open()));
    }
    drop(storm);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let left = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    if left != 0 {
        wrong.push(format!("{left} tasks are left"));
    }
    wrong
}

/// Ends the process where a seed never ends: nothing in it would.
#[allow(clippy::print_stderr)]
fn watch(name: &'static str) -> (Arc<AtomicU64>, Arc<AtomicBool>) {
    let (current, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (seed, ended) = (Arc::clone(&current), Arc::clone(&over));
    std::thread::spawn(move || {
        let (mut last, mut since) = (0, Instant::now());
        while !ended.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(200));
            let now = seed.load(Ordering::SeqCst);
            if now != last {
                (last, since) = (now, Instant::now());
            }
            if since.elapsed() > CPU {
                eprintln!("{name}: TREQ_SEED={now} spins for more than {CPU:?}");
                std::process::exit(101);
            }
        }
    });
    (current, over)
}

#[allow(clippy::print_stdout)]
fn storm(name: &'static str, wish: Wish) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let seeds = match number("TREQ_SEED") {
        Some(seed) => seed..=seed,
        None => 1..=number("TREQ_SEEDS").unwrap_or(SEEDS),
    };
    let (current, over) = watch(name);
    let (begun, mut found, mut played) = (Instant::now(), 0, 0);
    for seed in seeds {
        current.store(seed, Ordering::SeqCst);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let wrong = runtime.block_on(one(seed, wish));
        for wrong in &wrong {
            println!("{name}: TREQ_SEED={seed}: {wrong}");
        }
        (found, played) = (found + usize::from(!wrong.is_empty()), played + 1);
    }
    over.store(true, Ordering::SeqCst);
    let rate = f64::from(played) / begun.elapsed().as_secs_f64();
    println!("{name}: {played} seeds, {found} with a finding, {rate:.0} a second");
    assert_eq!(found, 0, "{name}");
}

#[test]
fn over_http1_every_request_ends_as_it_should() {
    storm("HTTP/1.1", Wish::Http1);
}

#[test]
fn over_http2_every_request_ends_as_it_should() {
    storm("HTTP/2", Wish::Http2);
}
