//! Limits on time through the whole client.

use std::time::Duration;

use treq::error::{Elapsed, Phase};
use treq::timeout::TimeoutLayer;
use treq::{Body, Client, Error, Kind};
use treq_testing::{RawServer, Step};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const SHORT: Duration = Duration::from_millis(80);

/// The phase and, for one that the client's layers ended, the limit.
fn phase(error: &Error) -> Phase {
    let Kind::Timeout(phase) = error.kind() else { panic!("{error:?}") };
    assert!(super::chain(error).contains("127.0.0.1"), "{error}");
    if let Some(elapsed) = error.find::<Elapsed>() {
        assert_eq!(elapsed.phase, phase);
    }
    phase
}

async fn read(request: treq::RequestBuilder) -> Result<String, Error> {
    request.await?.text().await
}

#[tokio::test]
async fn each_part_that_takes_too_long_is_named_and_the_client_goes_on() {
    let server = RawServer::builder()
        .connection([Step::ReadRequest, Step::Stall])
        .connection([Step::ReadRequest, Step::send("HTTP/1.1 200 OK\r\nX: "), Step::Stall])
        .connection([Step::ReadRequest, Step::send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart"), Step::Stall])
        .connection([Step::ReadHead, Step::Stall])
        .connection([Step::ReadRequest, Step::send(OK), Step::ReadRequest, Step::send(OK)])
        .start()
        .await;
    let client =
        Client::builder().timeout_layer(TimeoutLayer::new().head(SHORT).read(SHORT).write(SHORT)).build().unwrap();
    let url = server.url("/");
    assert_eq!(phase(&read(client.get(&url)).await.unwrap_err()), Phase::Head);
    assert_eq!(phase(&read(client.get(&url)).await.unwrap_err()), Phase::Head);
    assert_eq!(phase(&read(client.get(&url)).await.unwrap_err()), Phase::Read);
    // More than sockets' buffers hold.
    let large = vec![0; 64 << 20];
    assert_eq!(phase(&read(client.post(&url).body(large)).await.unwrap_err()), Phase::Write);
    // What was late is closed, not kept, and the next request is fine.
    assert_eq!(read(client.get(&url)).await.unwrap(), "ok");
    assert_eq!(client.pool().unwrap().stats().open, 1);
    let patient = client.get(&url).head_timeout(None).read_timeout(None).write_timeout(None).timeout(None);
    assert_eq!(read(patient).await.unwrap(), "ok");
}

#[tokio::test(start_paused = true)]
async fn what_making_a_connection_takes_counts_for_no_other_limit() {
    let answer = tower::service_fn(|_: http::Request<Body>| async {
        Ok::<_, std::convert::Infallible>(http::Response::new(Body::from("ok")))
    });
    let server = treq_testing::MemoryServer::new(answer).connect_delay(Duration::from_secs(5));
    let limits = TimeoutLayer::new().head(SHORT).read(SHORT).write(SHORT);
    let client = Client::builder().connector(server.connector()).timeout_layer(limits).build().unwrap();
    assert_eq!(read(client.get("http://a.test/")).await.unwrap(), "ok");
    let fresh = client.post("http://a.test/").persistent(false).body("body");
    assert_eq!(read(fresh).await.unwrap(), "ok");
}

#[tokio::test]
async fn one_deadline_covers_redirects_and_the_body() {
    let wait = Duration::from_millis(60);
    let moved = "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n";
    let server = RawServer::builder()
        .connection([Step::ReadRequest, Step::Sleep(wait), Step::send(moved), Step::Again])
        .repeat_last()
        .start()
        .await;
    let client = Client::builder().timeout(Duration::from_millis(200)).build().unwrap();
    assert_eq!(phase(&read(client.get(server.url("/"))).await.unwrap_err()), Phase::Total);
    assert!(server.requests().len() >= 2, "{:?}", server.requests());
    let trickle = Step::Trickle { bytes: vec![b'x'; 1000].into(), step: 1, every: Duration::from_millis(5) };
    let server = RawServer::builder()
        .connection([Step::ReadRequest, Step::send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"), trickle])
        .start()
        .await;
    assert_eq!(phase(&read(client.get(server.url("/")).timeout(SHORT)).await.unwrap_err()), Phase::Total);
}

#[tokio::test]
async fn a_connection_that_is_not_made_is_given_up_in_time() {
    // Takes connections, and never answers the first bytes of TLS.
    let server = RawServer::builder().connection([Step::Stall]).repeat_last().start().await;
    let client = Client::builder().connect_timeout(SHORT).build().unwrap();
    let url = server.url("/").replace("http:", "https:");
    let error = read(client.get(url)).await.unwrap_err();
    assert_eq!(phase(&error), Phase::Connect);
    assert_eq!(error.resend(), treq::error::Resend::Safe);
    assert_eq!(client.pool().unwrap().stats().open, 0);
}

#[tokio::test]
async fn limits_that_no_clock_reaches_are_none() {
    let server =
        RawServer::builder().connection([Step::ReadRequest, Step::send(OK), Step::Again]).repeat_last().start().await;
    for forever in [Duration::MAX, Duration::from_secs(u64::MAX), Duration::from_secs(1 << 40)] {
        let client = Client::builder()
            .timeout(forever)
            .connect_timeout(forever)
            .timeout_layer(TimeoutLayer::new().head(forever).read(forever).write(forever))
            .build()
            .unwrap();
        assert_eq!(read(client.post(server.url("/")).body(Body::from("x"))).await.unwrap(), "ok");
        client.pool().unwrap().close_idle();
    }
}

#[tokio::test(start_paused = true)]
async fn by_default_nothing_silent_is_waited_for_longer_than_a_minute() {
    let server = RawServer::builder()
        .connection([Step::ReadRequest, Step::Stall])
        .connection([Step::ReadRequest, Step::send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), Step::Stall])
        .start_in_memory();
    let client = Client::builder().connector(server.connector()).build().unwrap();
    for expected in [Phase::Head, Phase::Read] {
        let begun = tokio::time::Instant::now();
        let error = read(client.get("http://127.0.0.1/")).await.unwrap_err();
        assert_eq!((phase(&error), begun.elapsed().as_millis()), (expected, 60_000));
    }
}

/// Over HTTP/1.1 a body that has given all of its length is not asked whether that was its end.
#[tokio::test]
async fn an_upload_of_known_length_is_over_with_its_last_byte() {
    let late = Step::Sleep(3 * SHORT);
    let server = RawServer::builder()
        .connection([
            Step::ReadRequest,
            late.clone(),
            Step::send(OK),
            Step::ReadRequest,
            late,
            Step::send(OK),
            Step::ReadRequest,
            Step::Stall,
        ])
        .start()
        .await;
    let client = Client::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("five");
    std::fs::write(&path, "abcde").unwrap();
    // One that ends a moment later, and one that knows its length and asks the disk for its end.
    let stream = || {
        let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>("abcde")]);
        let end = futures_util::stream::once(tokio::time::sleep(SHORT / 8));
        let end = futures_util::StreamExt::filter_map(end, |()| std::future::ready(None));
        Body::from_stream(futures_util::StreamExt::chain(pieces, end))
    };
    let file = tokio::fs::File::open(&path).await.unwrap();
    for request in [
        client.post(server.url("/")).data(file),
        client.post(server.url("/")).header("content-length", "5").body(stream()),
    ] {
        assert_eq!(read(request.write_timeout(SHORT)).await.unwrap(), "ok");
    }
    let request = client.post(server.url("/")).header("content-length", "5").body(stream());
    let error = read(request.write_timeout(None).head_timeout(SHORT)).await.unwrap_err();
    assert_eq!(phase(&error), Phase::Head);
}

/// Nothing is sent of an empty file, and nothing is waited for.
#[tokio::test]
async fn an_upload_of_nothing_waits_for_the_head() {
    let server = RawServer::builder().connection([Step::ReadRequest, Step::Stall]).start().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let request = Client::new().put(server.url("/")).data(file.path()).write_timeout(None).head_timeout(SHORT);
    let error = tokio::time::timeout(20 * SHORT, read(request)).await.expect("a hang past the limits").unwrap_err();
    assert_eq!(phase(&error), Phase::Head);
}

/// What has come whole within the time has come, whenever the caller looks.
#[tokio::test]
async fn a_whole_response_is_read_after_its_deadline_too() {
    let server =
        RawServer::builder().connection([Step::ReadRequest, Step::send(OK), Step::Again]).repeat_last().start().await;
    let client = Client::builder().timeout(4 * SHORT).build().unwrap();
    let get = || async { client.get(server.url("/")).await.unwrap() };
    for way in 0..4 {
        let mut response = get().await.chunk_size(1 + way % 2);
        if way > 1 {
            response.content().await.unwrap();
        }
        let mut text = response.chunk().await.unwrap().unwrap().to_vec();
        tokio::time::sleep(5 * SHORT).await;
        while let Some(piece) = response.chunk().await.unwrap() {
            text.extend(piece);
        }
        assert_eq!(text, b"ok", "{way}");
        assert_eq!(response.body_end(), Some(treq::body::BodyEnd::Complete), "{way}");
    }
}

/// The body of a request that goes out again has its own time, and what the first one said is over.
#[tokio::test]
async fn a_second_sending_has_the_limits_of_the_first() {
    for (write, head, first, outcome) in [
        (Some(20 * SHORT), SHORT, Some(3 * SHORT), Ok("ok")),
        (None, SHORT, Some(3 * SHORT), Ok("ok")),
        (Some(SHORT), 20 * SHORT, None, Err(Phase::Write)),
    ] {
        let server = RawServer::builder()
            .connection([Step::ReadRequest, Step::send(OK), Step::ReadHead, Step::Close])
            .connection([Step::ReadRequest, Step::send(OK)])
            .start()
            .await;
        let client = Client::new();
        assert_eq!(read(client.get(server.url("/"))).await.unwrap(), "ok");
        let made = std::sync::atomic::AtomicUsize::new(0);
        let body = Body::from_fn(move || {
            let wait = match made.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                0 => Some(Duration::ZERO),
                _ => first,
            };
            let piece = futures_util::stream::once(async move {
                match wait {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => std::future::pending().await,
                }
                Ok::<_, std::io::Error>("tea")
            });
            Body::from_stream(piece)
        });
        let request = client.put(server.url("/")).body(body).write_timeout(write).head_timeout(head);
        let told = tokio::time::timeout(40 * SHORT, read(request)).await.expect("a hang past the limits");
        assert_eq!(told.as_deref().map_err(phase), outcome);
    }
}

#[tokio::test]
async fn an_empty_response_is_read_after_its_deadline_too() {
    let client = Client::builder().timeout(4 * SHORT).build().unwrap();
    for head in
        ["200 OK\r\nContent-Length: 0", "204 No Content", "304 Not Modified", "404 Not Found\r\nContent-Length: 0"]
    {
        let server = RawServer::builder()
            .connection([Step::ReadRequest, Step::send(format!("HTTP/1.1 {head}\r\n\r\n"))])
            .start()
            .await;
        let mut response = client.get(server.url("/")).await.unwrap();
        tokio::time::sleep(5 * SHORT).await;
        assert_eq!(response.text().await.unwrap(), "", "{head}");
    }
}

/// Where a request is sent by one thread and its body taken by another, it has gone once it was taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_has_gone_has_gone_on_any_thread() {
    let steps = [Step::ReadRequest, Step::Sleep(2 * SHORT), Step::send(OK), Step::Again];
    let server = RawServer::builder().connection(steps).repeat_last().start().await;
    let client = Client::new();
    for round in 0..12 {
        let request = client.post(server.url("/")).body("abcde").write_timeout(SHORT).head_timeout(None);
        assert_eq!(read(request).await.unwrap(), "ok", "{round}");
    }
}
