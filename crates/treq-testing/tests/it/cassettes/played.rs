//! What was recorded is played as it was.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use futures::join_all;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Version};
use http_body_util::{BodyExt, Full};
use tower::{ServiceExt, service_fn};
use tower_layer::Layer;
use treq_core::{Body, BoxError, Reason, TryClone};
use treq_testing::{Cassette, Mode, contract};

use super::{Seen, Shelf, get, gone, httpbin, post, seen, send};

/// So that nothing else need be depended on.
mod futures {
    pub(super) async fn join_all<F>(all: impl IntoIterator<Item = F>) -> Vec<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let tasks: Vec<_> = all.into_iter().map(tokio::spawn).collect();
        let mut outputs = Vec::new();
        for task in tasks {
            outputs.push(task.await.unwrap());
        }
        outputs
    }
}

fn session() -> Vec<Request<Body>> {
    let at = |path: &str| format!("http://bin.test{path}");
    let mut all: Vec<_> = [
        "/get?b=2&a=1&a=%20",
        "/bytes/2048?seed=1",
        "/gzip",
        "/deflate",
        "/status/204",
        "/status/304",
        "/status/418",
        "/redirect/2",
        "/relative-redirect/1",
        "/response-headers?x-twice=1&x-twice=2&x-once=%C3%A9",
        "/stream/3",
        "/stream-bytes/1000?seed=2&chunk_size=7",
        "/image/png",
        "/encoding/utf8",
        "/cookies/set?tea=green-tea-leaves&milk=none",
        "/uuid",
        "/uuid",
        "/etag/mine",
        "/basic-auth/somebody/something",
        "/digest-auth/auth/somebody/something",
    ]
    .into_iter()
    .map(|path| get(&at(path)))
    .collect();
    all.push(Request::head(at("/get")).body(Body::empty()).unwrap());
    all.push(Request::get(at("/etag/mine")).header("if-none-match", "\"mine\"").body(Body::empty()).unwrap());
    all.push(post(&at("/post"), "application/x-www-form-urlencoded", "a=1&b=%26"));
    all.push(post(&at("/post"), "application/json", "{\"b\": [1, 2.50, \"\u{1f9c0}\"]}"));
    all.push(post(&at("/anything/x"), "application/octet-stream", vec![0, 255, 1, 254]));
    all.push(Request::builder().method(Method::OPTIONS).uri(at("/get")).body(Body::empty()).unwrap());
    all
}

#[tokio::test]
async fn a_session_is_played_byte_for_byte_without_the_server() {
    let shelf = Shelf::new();
    let cassette = Cassette::open(shelf.path(), Mode::Once).unwrap();
    assert!(cassette.is_recording());
    let mut recorded = Vec::new();
    for request in session() {
        recorded.push(send(&cassette, httpbin(), request).await.unwrap());
    }
    assert_eq!(cassette.len(), recorded.len());
    cassette.finish().unwrap();

    let cassette = Cassette::open(shelf.path(), Mode::Once).unwrap();
    assert!(!cassette.is_recording());
    assert_eq!(cassette.unplayed().len(), recorded.len());
    for (request, recorded) in session().into_iter().zip(recorded) {
        let url = request.uri().to_string();
        let mut played = send(&cassette, gone(), request).await.unwrap();
        if played.size.is_some() && recorded.size.is_none() {
            played.size = None;
        }
        // The value of a cookie is masked.
        let is_cookie = |(name, _): &(String, Vec<u8>)| name == "set-cookie";
        let recorded = Seen { headers: recorded.headers.into_iter().filter(|it| !is_cookie(it)).collect(), ..recorded };
        played.headers.retain(|it| !is_cookie(it));
        assert_eq!(played, recorded, "{url}");
    }
    cassette.assert_played();
    cassette.finish().unwrap();
}

#[tokio::test]
async fn what_no_archive_has_is_kept_all_the_same() {
    let odd = service_fn(|_: Request<Body>| async {
        let mut trailers = HeaderMap::new();
        trailers.append("x-sum", HeaderValue::from_static("1"));
        trailers.append("x-sum", HeaderValue::from_static("2"));
        let body =
            Full::new(Bytes::from_static(b"\xef\xbb\xbftext\0")).with_trailers(std::future::ready(Some(Ok(trailers))));
        let mut response = Response::new(body);
        *response.version_mut() = Version::HTTP_10;
        response.headers_mut().append("x-latin", HeaderValue::from_bytes(b"caf\xe9").unwrap());
        response.headers_mut().append("x-empty", HeaderValue::from_static(""));
        response.extensions_mut().insert(Reason::new(Bytes::from_static(b"Fine By Me")));
        *response.status_mut() = 299.try_into().unwrap();
        Ok::<_, Infallible>(response)
    });
    let shelf = Shelf::new();
    let cassette = Cassette::open(shelf.path(), Mode::Always).unwrap();
    let recorded = send(&cassette, odd, get("http://a.test/")).await.unwrap();
    cassette.finish().unwrap();
    let cassette = Cassette::open(shelf.path(), Mode::Replay).unwrap();
    let response = cassette.layer().layer(gone()).oneshot(get("http://a.test/")).await.unwrap();
    assert_eq!(response.extensions().get(), Some(&Reason::new(Bytes::from_static(b"Fine By Me"))));
    let played = seen(response).await.unwrap();
    assert_eq!(played.reason.as_deref(), Some(&b"Fine By Me"[..]));
    assert_eq!(Seen { reason: None, ..played }, recorded);
}

#[tokio::test]
async fn what_is_loaded_is_written_the_same() {
    let shelf = Shelf::new();
    let cassette = Cassette::open(shelf.path(), Mode::Once).unwrap();
    for request in session() {
        send(&cassette, httpbin(), request).await.unwrap();
    }
    let har = cassette.to_har();
    cassette.finish().unwrap();
    assert_eq!(shelf.text(), har);
    let again = Cassette::open(shelf.path(), Mode::Replay).unwrap();
    assert_eq!(again.to_har(), har);
}

#[tokio::test]
async fn requests_at_the_same_time_are_told_apart() {
    let shelf = Shelf::new();
    let (cassette, agent) = (Cassette::open(shelf.path(), Mode::Once).unwrap(), httpbin());
    let url = |number: usize| format!("http://bin.test/anything/{number}");
    let layer = cassette.layer();
    let all = (0..20).map(|number| {
        let service = layer.layer(agent.clone());
        async move { seen(service.oneshot(get(&url(number))).await.unwrap()).await.unwrap() }
    });
    let recorded = join_all(all).await;
    cassette.finish().unwrap();
    let cassette = Cassette::open(shelf.path(), Mode::Replay).unwrap();
    let player = cassette.player();
    let all = (0..20).rev().map(|number| {
        let player = player.clone();
        async move { seen(player.oneshot(get(&url(number))).await.unwrap()).await.unwrap() }
    });
    let mut played = join_all(all).await;
    played.reverse();
    for (played, recorded) in played.into_iter().zip(recorded) {
        assert_eq!(played.body, recorded.body);
    }
    cassette.assert_played();
}

#[tokio::test]
async fn a_request_that_is_sent_again_is_kept_as_it_was_sent_last() {
    // As the agent does it: a copy, made before, goes after the first was lost half-way.
    let resends = service_fn(|request: Request<Body>| async move {
        let copy = request.body().try_clone().unwrap();
        _ = http_body::Body::size_hint(&copy);
        let mut body = request.into_body();
        _ = body.frame().await;
        let sent = copy.collect().await?.to_bytes();
        drop(body);
        Ok::<_, BoxError>(Response::new(Body::from(sent)))
    });
    let cassette = Cassette::open(Shelf::new().path(), Mode::Always).unwrap();
    let seen = send(&cassette, resends, post("http://a.test/", "text/plain", Body::from_fn(|| Body::from("once"))))
        .await
        .unwrap();
    assert_eq!(seen.body, "once");
    let har: serde_json::Value = serde_json::from_str(&cassette.to_har()).unwrap();
    assert_eq!(har["log"]["entries"][0]["request"]["postData"]["text"], "once");
}

#[tokio::test]
async fn a_body_that_is_left_half_read_ends_there() {
    let chunks = service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(Response::new(Pieces(usize::MAX))) });
    let shelf = Shelf::new();
    let cassette = Cassette::open(shelf.path(), Mode::Always).unwrap();
    let response = cassette.layer().layer(chunks).oneshot(get("http://a.test/")).await.unwrap();
    let mut body = Box::pin(response.into_body());
    let first = poll_fn(|cx| http_body::Body::poll_frame(body.as_mut(), cx)).await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "piece");
    drop(body);
    cassette.finish().unwrap();
    let cassette = Cassette::open(shelf.path(), Mode::Replay).unwrap();
    let response = cassette.player().oneshot(get("http://a.test/")).await.unwrap();
    let mut body = response.into_body();
    assert_eq!(http_body::Body::size_hint(&body).exact(), None);
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "piece");
    let error = body.frame().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), treq_core::Kind::Body);
    assert!(error.to_string().contains("was not read"), "{error}");
    assert!(body.frame().await.is_none());
}

/// So many pieces, of a length that is not told.
struct Pieces(usize);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        let Some(left) = self.0.checked_sub(1) else { return Poll::Ready(None) };
        self.0 = left;
        Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(b"piece")))))
    }
}

#[tokio::test]
async fn an_upload_is_read_as_the_server_reads_it() {
    let hasty = service_fn(|request: Request<Body>| async {
        let mut body = request.into_body();
        _ = body.frame().await;
        Ok::<_, Infallible>(Response::new(Body::from("enough")))
    });
    let upload = |pieces| Request::post("http://a.test/").body(Body::new(Pieces(pieces))).unwrap();
    let shelf = Shelf::new();
    let cassette = Cassette::open(shelf.path(), Mode::Always).unwrap();
    assert_eq!(send(&cassette, hasty, upload(usize::MAX)).await.unwrap().body, "enough");
    cassette.finish().unwrap();
    // What was not read may be anything; what was may not.
    let open = || Cassette::open(shelf.path(), Mode::Replay).unwrap();
    assert_eq!(send(&open(), gone(), upload(9)).await.unwrap().body, "enough");
    assert!(send(&open(), gone(), post("http://a.test/", "text/plain", "other")).await.is_err());
}

#[tokio::test]
async fn what_was_not_answered_is_not_kept() {
    let shelf = Shelf::new();
    let cassette = Cassette::open(shelf.path(), Mode::Always).unwrap();
    let error = send(&cassette, gone(), get("http://a.test/")).await.unwrap_err();
    assert!(error.find::<treq_core::Error>().is_none());
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("reached the network"));
    let pending = service_fn(|_: Request<Body>| std::future::pending::<Result<Response<Body>, Infallible>>());
    let mut asking = Box::pin(cassette.layer().layer(pending).oneshot(get("http://a.test/")));
    assert!(poll_fn(|cx| Poll::Ready(asking.as_mut().poll(cx).is_pending())).await);
    drop(asking);
    assert!(cassette.is_empty());
    cassette.finish().unwrap();
    assert!(!shelf.path().exists());
}

#[tokio::test]
async fn an_answer_that_is_still_held_is_told() {
    let cassette = Cassette::open(Shelf::new().path(), Mode::Always).unwrap();
    let answer = cassette.layer().layer(httpbin()).oneshot(get("http://bin.test/get")).await.unwrap();
    let error = cassette.clone().finish().unwrap_err().to_string();
    assert!(error.contains("1 of its exchanges are not over"), "{error}");
    drop(answer);
    cassette.finish().unwrap();
}

#[tokio::test]
async fn bodies_beyond_the_limit_pass_but_are_not_kept() {
    let shelf = Shelf::new();
    let cassette = Cassette::options().mode(Mode::Always).max_body(100).open(shelf.path()).unwrap();
    let large = send(&cassette, httpbin(), get("http://bin.test/bytes/101?token=kept-out")).await.unwrap();
    assert_eq!(large.body.len(), 101);
    send(&cassette, httpbin(), get("http://bin.test/bytes/100")).await.unwrap();
    send(&cassette, httpbin(), post("http://bin.test/upload-count", "text/plain", "x".repeat(101))).await.unwrap();
    let error = cassette.finish().unwrap_err().to_string();
    let told = "GET http://bin.test/bytes/101?token=treq-masked is not kept: the body of its answer is larger than the limit of 100 bytes";
    assert!(error.contains(told), "{error}");
    assert!(error.contains("the body of its request is larger"), "{error}");
    assert_eq!(Cassette::open(shelf.path(), Mode::Replay).unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_records_keeps_the_contract() {
    let folder = Shelf::new();
    let open = |mode| Cassette::options().mode(mode).open(folder.path()).unwrap();
    contract::check(open(Mode::Always).layer()).await;
    assert!(folder.path().exists());
    std::fs::remove_file(folder.path()).unwrap();
    contract::check(open(Mode::Once).layer()).await;
}

#[tokio::test]
async fn a_request_is_kept_in_the_version_of_its_answer() {
    let shelf = Shelf::new();
    let cassette = Cassette::open(shelf.path(), Mode::Once).unwrap();
    let newer =
        service_fn(|_: Request<Body>| async { Response::builder().version(Version::HTTP_2).body(Body::empty()) });
    send(&cassette, newer, get("http://a.test/")).await.unwrap();
    cassette.finish().unwrap();
    assert_eq!(shelf.text().matches(r#""httpVersion": "HTTP/2""#).count(), 2, "{}", shelf.text());
}
