//! Where a body ends, and what is known of that end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use treq::body::BodyEnd;
use treq::options::{HttpVersion, OnInformational};
use treq::{Body, Client, Kind};
use treq_testing::{MemoryServer, RawServer, Step};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async fn answered(wire: &str) -> (RawServer, Client) {
    let server =
        RawServer::builder().connection([Step::ReadRequest, Step::send(wire.to_owned()), Step::Close]).start().await;
    (server, Client::new())
}

#[tokio::test]
async fn complete_possibly_cut_and_cut_are_told_apart() {
    for (wire, body, end) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", BodyEnd::Complete),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello", BodyEnd::Complete),
        ("HTTP/1.1 200 OK\r\n\r\nhello", "hello", BodyEnd::PossiblyCut),
        ("HTTP/1.0 200 OK\r\n\r\nhello", "hello", BodyEnd::PossiblyCut),
        ("HTTP/1.1 204 No Content\r\n\r\n", "", BodyEnd::Complete),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "", BodyEnd::Complete),
    ] {
        let (server, client) = answered(wire).await;
        let mut response = client.get(server.url("/")).await.unwrap();
        assert_eq!(response.text().await.unwrap(), body, "{wire:?}");
        assert_eq!(response.body_end(), Some(end), "{wire:?}");
    }
    let (server, client) = answered("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello").await;
    let mut response = client.get(server.url("/")).await.unwrap();
    assert_eq!(response.chunk().await.unwrap().unwrap(), "hello");
    assert_eq!(response.body_end(), None);
    assert_eq!(response.chunk().await.unwrap_err().kind(), Kind::Body);
    assert_eq!(response.body_end(), None);
}

#[tokio::test]
async fn a_head_request_has_the_length_and_no_body() {
    let wire = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    let server = RawServer::builder().connection([Step::ReadRequest, Step::send(wire), Step::Again]).start().await;
    let client = Client::new();
    for _ in 0..2 {
        let mut response = client.head(server.url("/")).await.unwrap();
        assert_eq!(response.content_length(), Some(5));
        assert_eq!(response.body_end(), Some(BodyEnd::Complete));
        assert!(response.content().await.unwrap().is_empty());
    }
    assert_eq!(server.connections(), 1);
}

/// The length of what a GET would bring is no length of what is read, over HTTP/2 neither.
#[tokio::test]
async fn a_head_request_of_something_large_has_no_content() {
    for http_version in [HttpVersion::Http1, HttpVersion::Http2] {
        let server = MemoryServer::new(tower::service_fn(|_: http::Request<treq::Body>| async {
            http::Response::builder().header("content-length", 1_u64 << 40).body(treq::Body::empty())
        }));
        let client = Client::builder().connector(server.connector()).http_version(http_version).build().unwrap();
        let mut response = client.head("http://a.test/").await.unwrap();
        assert_eq!(response.content_length(), Some(1 << 40));
        assert!(response.content().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn trailers_are_frames_of_the_body() {
    use http_body_util::BodyExt as _;

    let (server, client) =
        answered("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n").await;
    let body = client.get(server.url("/")).await.unwrap().into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["x-sum"], "7");
    assert_eq!(body.to_bytes(), "ok");
}

#[tokio::test]
async fn interim_answers_are_skipped_and_can_be_seen() {
    let wire = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n\
                HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let (server, client) = answered(wire).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&seen);
    let observer = OnInformational::new(move |interim| {
        let link = interim.headers().get("link").map(|value| value.to_str().unwrap().to_owned());
        note.lock().unwrap().push((interim.status().as_u16(), link));
    });
    let mut response = client.get(server.url("/")).extension(observer).await.unwrap();
    assert_eq!(response.text().await.unwrap(), "ok");
    assert_eq!(*seen.lock().unwrap(), [(103, Some("</a.css>".to_owned())), (102, None)]);
}

#[tokio::test(start_paused = true)]
async fn the_body_waits_for_the_servers_word_when_asked_to() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let post = |server: &RawServer| {
        let client = Client::builder().connector(server.connector()).build().unwrap();
        client.post("http://a.test/").header("expect", "100-continue").body("the body")
    };

    let server = RawServer::builder()
        .connection([
            Step::ReadHead,
            Step::sleep_ms(500),
            Step::send("HTTP/1.1 100 Continue\r\n\r\n"),
            Step::ReadBody,
            Step::send(ok),
        ])
        .start_in_memory();
    assert_eq!(post(&server).await.unwrap().text().await.unwrap(), "ok");
    assert_eq!(server.requests()[0].body, "the body");

    // A refusal comes instead: the body is never sent, and the connection is not used again.
    let refusal = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig";
    let server =
        RawServer::builder().connection([Step::ReadHead, Step::send(refusal), Step::ReadToEnd]).start_in_memory();
    let mut response = post(&server).await.unwrap();
    assert_eq!((response.status().as_u16(), response.text().await.unwrap().as_str()), (413, "big"));
    server.wait_closed().await;
    assert_eq!(server.connection(0).extra, "");

    // A server that says nothing gets the body after a second.
    let server = RawServer::builder().connection([Step::ReadRequest, Step::send(ok)]).start_in_memory();
    let begun = tokio::time::Instant::now();
    assert_eq!(post(&server).await.unwrap().text().await.unwrap(), "ok");
    assert_eq!(begun.elapsed(), Duration::from_secs(1));
}

#[tokio::test]
async fn an_early_answer_does_not_wait_for_the_upload() {
    let early = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig";
    let server = RawServer::builder().connection([Step::ReadHead, Step::send(early), Step::Stall]).start().await;
    let client = Client::new();
    let sent = client.post(server.url("/")).body(vec![b'x'; 50_000_000]);
    let exchange = async { sent.await?.text().await };
    let text = tokio::time::timeout(Duration::from_secs(5), exchange).await.unwrap().unwrap();
    assert_eq!(text, "big");
    assert_eq!(client.pool().unwrap().stats().open, 0);
}

#[tokio::test]
async fn a_body_of_unknown_length_is_sent_in_chunks_whatever_the_method() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    for method in ["GET", "POST"] {
        let server = RawServer::builder().connection([Step::ReadRequest, Step::send(ok)]).start().await;
        let (sender, body) = channel();
        let request = Client::new().request(method, server.url("/")).body(Body::new(body));
        let feed = async {
            for piece in ["one ", "two"] {
                sender.send(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            drop(sender);
        };
        let (response, ()) = tokio::join!(request, feed);
        response.unwrap();
        let request = &server.requests()[0];
        assert_eq!((request.header("transfer-encoding"), &request.body[..]), (Some("chunked"), &b"one two"[..]));
    }
}

#[tokio::test]
async fn a_body_that_breaks_its_announced_length_is_an_error() {
    for (announced, part) in [("3", "longer"), ("30", "shorter")] {
        let server = RawServer::builder().connection([Step::ReadRequest, Step::Stall]).start().await;
        let (sender, body) = channel();
        let request = treq::post(server.url("/")).header("content-length", announced).body(Body::new(body));
        let feed = async {
            sender.send("four five").await.unwrap();
            drop(sender);
        };
        let (response, ()) = tokio::join!(request, feed);
        let error = response.unwrap_err();
        assert_eq!(error.kind(), Kind::Body, "{error}");
        assert!(error.to_string().contains(part) && error.to_string().contains(announced), "{error}");
    }
}

/// What follows behind the length is neither sent nor passed over, nor is an error there.
#[tokio::test]
async fn a_body_that_goes_on_behind_its_length_is_an_error() {
    let server = treq_httpbin::Server::start().await.unwrap();
    for version in [treq::options::HttpVersion::Http1, treq::options::HttpVersion::Http2] {
        for (length, pieces, part) in [
            ("5", &["hello", "world"][..], "longer than"),
            ("5", &["hello", "", "world"], "longer than"),
            ("5", &["hello", "", "disk"], "could not be read"),
            ("10", &["hello", "world", "disk"], "could not be read"),
            ("10", &["hello", "world"], ""),
            ("10", &["hello", "", "world", ""], ""),
            ("0", &["hello"], "unknown length"),
            ("0", &["disk"], "unknown length"),
        ] {
            let piece = |piece: &'static str| match piece {
                "disk" => Err(std::io::Error::other(piece)),
                piece => Ok(piece),
            };
            let body = Body::from_stream(futures_util::stream::iter(pieces.iter().copied().map(piece)));
            let request =
                treq::post(server.url("/post")).http_version(version).header("content-length", length).body(body);
            match request.await {
                Ok(response) => assert!(part.is_empty() && response.status() == 200, "{version:?} {length} {pieces:?}"),
                Err(error) => {
                    assert!(!part.is_empty() && error.to_string().contains(part), "{version:?} {length}: {error}")
                }
            }
        }
    }
}

#[tokio::test]
async fn empty_pieces_without_end_behind_the_length_hold_nothing_up() {
    let server = treq_httpbin::Server::start().await.unwrap();
    let pieces = futures_util::stream::iter(std::iter::once("abc").chain(std::iter::repeat("")));
    let body = Body::from_stream(futures_util::StreamExt::map(pieces, Ok::<_, std::io::Error>));
    let response = treq::post(server.url("/post")).header("content-length", "3").body(body).await.unwrap();
    assert_eq!(response.status(), 200);
}

/// Neither on the wire, where a server would take many for an attack, nor for progress, nor for an end of what can be given up.
#[tokio::test]
async fn empty_pieces_are_nothing() {
    let server = treq_httpbin::Server::start().await.unwrap();
    for version in [HttpVersion::Http1, HttpVersion::Http2] {
        let client = Client::builder().http_version(version).build().unwrap();
        let pieces = || std::iter::once("ab").chain(std::iter::repeat_n("", 500)).chain(["cd"]);
        let body = |pieces| Body::from_stream(futures_util::stream::iter(pieces));
        let echo: serde_json::Value = client
            .post(server.url("/post"))
            .body(body(pieces().map(Ok::<_, std::io::Error>).collect::<Vec<_>>()))
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(echo["data"], "abcd", "{version:?}");

        let dropped = Arc::new(());
        let held = Arc::clone(&dropped);
        let endless = std::iter::repeat_with(move || {
            let _held = &held;
            Ok::<_, std::io::Error>("")
        });
        let endless = Body::from_stream(futures_util::stream::iter(endless));
        let request = client.post(server.url("/post")).write_timeout(Duration::from_millis(100)).body(endless);
        let error = request.await.unwrap_err();
        assert!(error.is_timeout() && error.to_string().contains("100ms"), "{version:?}: {error}");
        // The task that has sent them is over.
        while Arc::strong_count(&dropped) > 1 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// With chunks, which the caller asks for although the length is known, trailers go out.
#[tokio::test]
async fn trailers_behind_a_known_length_are_sent_in_chunks() {
    let server = RawServer::builder().connection([Step::ReadHead, Step::ReadBytes(29), Step::send(OK)]).start().await;
    let mut trailers = http::HeaderMap::new();
    trailers.insert("x-checksum", "7f".parse().unwrap());
    let body = Body::new(http_body_util::BodyExt::with_trailers(
        http_body_util::Full::new(bytes::Bytes::from_static(b"abc")),
        std::future::ready(Some(Ok(trailers))),
    ));
    let request = treq::post(server.url("/")).header("transfer-encoding", "chunked").header("trailer", "x-checksum");
    assert_eq!(request.body(body).await.unwrap().status(), 200);
    assert_eq!(server.connection(0).extra, "3\r\nabc\r\n0\r\nx-checksum: 7f\r\n\r\n");
}

/// One that says that it has ended, and has not sent what it said before.
#[tokio::test]
async fn a_body_that_ends_early_and_knows_it_is_an_error() {
    struct Short(Option<&'static str>);
    impl http_body::Body for Short {
        type Data = bytes::Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
            std::task::Poll::Ready(self.0.take().map(|data| Ok(http_body::Frame::data(data.into()))))
        }

        fn is_end_stream(&self) -> bool {
            self.0.is_none()
        }

        fn size_hint(&self) -> http_body::SizeHint {
            http_body::SizeHint::with_exact(5)
        }
    }

    let server = RawServer::builder().connection([Step::ReadHead, Step::Stall]).start().await;
    let error = treq::post(server.url("/")).body(Body::new(Short(Some("ab")))).await.unwrap_err();
    assert!(error.kind() == Kind::Body && error.to_string().contains("shorter than"), "{error}");
}

/// A body that is fed by hand and does not know its length.
fn channel() -> (tokio::sync::mpsc::Sender<&'static str>, Fed) {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    (sender, Fed(receiver))
}

struct Fed(tokio::sync::mpsc::Receiver<&'static str>);

impl http_body::Body for Fed {
    type Data = bytes::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
        self.0
            .poll_recv(cx)
            .map(|piece| piece.map(|piece| Ok(http_body::Frame::data(bytes::Bytes::from_static(piece.as_bytes())))))
    }
}
