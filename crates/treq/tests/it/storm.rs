//! The default client in a storm: random requests by many tasks against a server that does everything servers do wrong.
//!
//! `cargo xtask storm` plays more seeds, or one: `TREQ_SEEDS=20000`, `TREQ_SEED=17`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use treq::body::BodyEnd;
use treq::connect::{Connected, Peer, Target};
use treq::options::HttpVersion;
use treq::pool::PoolLayer;
use treq::timeout::TimeoutLayer;
use treq::{Body, Client, Error, Kind, RequestBuilder, Response};
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
    /// It goes to a file, again from what is there where it fails.
    Download,
}

struct Plan {
    id: u64,
    client: Client,
    url: String,
    request: RequestBuilder,
    method: Method,
    how: Use,
    /// After this time nobody wants it any more.
    patience: Option<Duration>,
}

fn plan(client: &Client, id: u64, random: &mut Random) -> Plan {
    let downloads = random.one_in(60);
    let host = Storm::HOSTS[random.below(3)];
    let methods =
        [Method::GET, Method::GET, Method::GET, Method::HEAD, Method::PUT, Method::POST, Method::POST, Method::DELETE];
    let method = if downloads { Method::GET } else { random.pick(&methods).clone() };
    let url = format!("http://{host}/s/{id}/0");
    let mut request = client.request(method.as_str(), &url);
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
    let how = match downloads {
        true => Use::Download,
        false => *random.pick(&[Use::Content, Use::Content, Use::Content, Use::Pieces, Use::Some, Use::Drop]),
    };
    let patience = random.one_in(6).then(|| Duration::from_millis(random.below(80) as u64));
    Plan { id, client: client.clone(), url, request, method, how, patience }
}

/// A body that is there once, in pieces.
fn stream(content: Vec<u8>) -> Body {
    let pieces: Vec<_> = content
        .chunks(9_000)
        .map(|piece| Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::copy_from_slice(piece))))
        .collect();
    Body::new(http_body_util::StreamBody::new(futures_util::stream::iter(pieces)))
}

/// What is wrong with how a request ended, if anything is.
async fn play(plan: Plan) -> Option<String> {
    let Plan { id, client, url, request, method, how, patience } = plan;
    let begun = tokio::time::Instant::now();
    let whole = async {
        match how {
            Use::Download => download(id, &client, &url).await,
            _ => check(id, &method, request.await?, how).await,
        }
    };
    let outcome = match patience {
        Some(patience) => match tokio::time::timeout(patience, whole).await {
            Ok(outcome) => outcome,
            Err(_) => return None,
        },
        None => whole.await,
    };
    let elapsed = begun.elapsed();
    // A download is up to three requests.
    if elapsed > TOTAL * 3 || (elapsed > TOTAL + Duration::from_secs(1) && !matches!(how, Use::Download)) {
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

/// The file is there whole or not at all, and at most three failures lie before it.
async fn download(id: u64, client: &Client, url: &str) -> Result<Option<String>, Error> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("file");
    for _ in 0..3 {
        let downloaded = client.get(url).download(&path).resume(true).await;
        let file = std::fs::read(&path).ok();
        match downloaded {
            Ok(_) if file.as_ref().is_none_or(|file| *file != Storm::content(id)) => {
                return Ok(Some(format!("the download of {id} is not its own")));
            }
            Ok(_) => return Ok(None),
            Err(_) if file.is_some() => return Ok(Some(format!("the download of {id} failed, and is there"))),
            // Only a 200 is a download.
            Err(error) if error.kind() == Kind::Status => return Ok(None),
            Err(error) => match wrong(&error) {
                Some(wrong) => return Ok(Some(format!("the download of {id}: {wrong}: {error:?}"))),
                None => continue,
            },
        }
    }
    Ok(None)
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
        Use::Drop | Use::Download => return Ok(None),
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

/// A pool with limits by seed.
fn pool(random: &mut Random) -> PoolLayer {
    let pool = PoolLayer::new();
    match random.below(4) {
        0 => pool.max_per_host(1 + random.below(3)),
        1 => pool.max_total(1 + random.below(4)),
        2 => pool.idle_per_host(random.below(3)),
        _ => pool,
    }
}

fn timeouts(limit: Duration) -> TimeoutLayer {
    TimeoutLayer::new().head(limit).read(limit).write(limit)
}

/// Plays some requests by some tasks; returns what was wrong, and the number of requests.
async fn play_all(client: &Client, random: &mut Random) -> (Vec<String>, usize) {
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
    (wrong, tasks * requests)
}

async fn in_memory(seed: u64, http_version: HttpVersion) -> Vec<String> {
    let mut random = Random::new(seed);
    let storm = Storm::in_memory(seed);
    let client = Client::builder()
        .connector(storm.connector())
        .http_version(http_version)
        .pool_layer(pool(&mut random))
        .timeout_layer(timeouts(Duration::from_secs(10)))
        .timeout(TOTAL)
        .build()
        .unwrap();
    let (mut wrong, requests) = play_all(&client, &mut random).await;
    wrong.extend(storm.ledger().faults());
    // Each request may go out three times on each of up to four hops, three times over, and each time make a connection.
    let most = requests * 36;
    if storm.connections() > most {
        wrong.push(format!("{} connections for {} requests", storm.connections(), requests));
    }
    // What was given up comes to its end by itself, within the limits on making a connection.
    tokio::time::sleep(Duration::from_secs(60)).await;
    let stats = client.pool().unwrap().stats();
    if (stats.in_use(), stats.connecting, stats.waiting) != (0, 0, 0) {
        wrong.push(format!("something is left: {stats:?}"));
    }
    client.pool().unwrap().close_idle();
    let stats = client.pool().unwrap().stats();
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

/// The same over sockets, in the time of the machine: what the kernel buffers, resets and closes is another storm than memory's.
async fn over_sockets(seed: u64, http_version: HttpVersion) -> Vec<String> {
    let mut random = Random::new(seed);
    let storm = Storm::listen(seed).await.unwrap();
    let addr = storm.addr().unwrap();
    let connector = tower::service_fn(move |_: Target| async move {
        let socket = TcpStream::connect(addr).await?;
        Ok::<_, std::io::Error>(Connected::new(socket, Peer::Tcp(addr)))
    });
    let client = Client::builder()
        .connector(connector)
        .http_version(http_version)
        .pool_layer(pool(&mut random))
        .timeout_layer(timeouts(Duration::from_millis(400)))
        .timeout(Duration::from_secs(3))
        .build()
        .unwrap();
    let (mut wrong, _) = play_all(&client, &mut random).await;
    wrong.extend(storm.ledger().faults());
    let begun = Instant::now();
    let is_busy = || {
        let stats = client.pool().unwrap().stats();
        (stats.in_use(), stats.connecting, stats.waiting) != (0, 0, 0)
    };
    while is_busy() && begun.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    if is_busy() {
        wrong.push(format!("something is left: {:?}", client.pool().map(|pool| pool.stats())));
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
fn storm(name: &'static str, http_version: HttpVersion) {
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
        let wrong = runtime.block_on(in_memory(seed, http_version));
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
    storm("HTTP/1.1", HttpVersion::Http1);
}

#[test]
fn over_http2_every_request_ends_as_it_should() {
    storm("HTTP/2", HttpVersion::Http2);
}

/// All at once: each of them waits most of the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_sockets_every_request_ends_as_it_should() {
    let mut playing = JoinSet::new();
    for seed in 1..=40 {
        let http_version = if seed % 2 == 0 { HttpVersion::Http1 } else { HttpVersion::Http2 };
        playing.spawn(async move { (seed, over_sockets(seed, http_version).await) });
    }
    while let Some(done) = playing.join_next().await {
        let (seed, wrong) = done.unwrap();
        assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");
    }
}
