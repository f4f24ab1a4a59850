//! What comes back, and how it is read.

use std::sync::{Arc, Mutex};

use treq::error::StatusError;
use treq::{Client, Kind};
use treq_httpbin::Server;
use treq_testing::{RawServer, Step};

use crate::chain;

#[tokio::test]
async fn the_head_says_what_the_server_said() {
    let wire = "HTTP/1.1 299 Rather Fine\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 2\r\n\r\nok";
    let server = RawServer::builder().connection([Step::ReadRequest, Step::send(wire)]).start().await;
    let response = treq::get(server.url("/x?y=z")).await.unwrap();
    assert_eq!((response.status().as_u16(), response.reason()), (299, "Rather Fine"));
    assert_eq!(response.version(), http::Version::HTTP_11);
    assert_eq!(response.headers().get_all("x-a").iter().count(), 2);
    assert_eq!(response.content_length(), Some(2));
    assert_eq!(response.url().to_string(), server.url("/x?y=z"));
    assert_eq!(response.remote_addr(), Some(server.addr()));
}

#[tokio::test]
async fn content_text_and_json_may_be_read_again() {
    let server = Server::start().await.unwrap();
    let mut response = treq::get(server.url("/json")).await.unwrap();
    let first = response.content().await.unwrap();
    assert_eq!(response.content().await.unwrap(), first);
    assert_eq!(response.text().await.unwrap().as_bytes(), first);
    for _ in 0..2 {
        let json: serde_json::Value = response.json().await.unwrap();
        assert!(json["slideshow"].is_object());
    }
    // What is here already is handed on piece by piece too, once.
    assert_eq!(response.chunk().await.unwrap().unwrap(), first);
    assert!(response.chunk().await.unwrap().is_none());
}

#[tokio::test]
async fn pieces_and_the_whole_exclude_each_other() {
    let server = Server::start().await.unwrap();
    let mut response = treq::get(server.url("/stream/5")).await.unwrap();
    assert!(response.chunk().await.unwrap().is_some());
    let error = response.content().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Body);
    assert!(error.to_string().contains("`chunk`"), "{error}");
}

#[tokio::test]
async fn collect_and_streams_pass_on_every_byte() {
    let server = Server::start().await.unwrap();
    let url = server.url("/bytes/100000?seed=1");
    let whole = treq::get(&url).await.unwrap().content().await.unwrap();

    let collected = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&collected);
    treq::get(&url).await.unwrap().collect(move |piece| sink.lock().unwrap().extend_from_slice(&piece)).await.unwrap();
    assert_eq!(*collected.lock().unwrap(), whole);

    let mut stream = treq::get(&url).await.unwrap().into_stream();
    let mut streamed = Vec::new();
    while let Some(piece) =
        std::future::poll_fn(|cx| futures_core::Stream::poll_next(std::pin::Pin::new(&mut stream), cx)).await
    {
        streamed.extend_from_slice(&piece.unwrap());
    }
    assert_eq!(streamed, whole);
}

#[tokio::test]
async fn the_limit_on_content_is_named_and_streams_have_none() {
    let server = Server::start().await.unwrap();
    let client = Client::builder().content_limit(1000).build().unwrap();
    for path in ["/bytes/1001", "/stream-bytes/5000"] {
        let error = client.get(server.url(path)).await.unwrap().content().await.unwrap_err();
        assert_eq!(error.kind(), Kind::Body);
        assert!(error.to_string().contains("1000 bytes"), "{error}");
    }
    assert_eq!(client.get(server.url("/bytes/1000")).await.unwrap().content().await.unwrap().len(), 1000);
    let mut bytes = 0;
    client.get(server.url("/bytes/5000")).await.unwrap().collect(|piece| bytes += piece.len()).await.unwrap();
    assert_eq!(bytes, 5000);
    // A length that is announced but never sent reserves nothing like it.
    let lying = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nx";
    let server = RawServer::builder().connection([Step::ReadRequest, Step::send(lying), Step::Stall]).start().await;
    let error = treq::get(server.url("/")).await.unwrap().content().await.unwrap_err();
    assert!(error.to_string().contains("33554432"), "{error}");
}

#[tokio::test]
async fn a_status_of_failure_is_an_error_when_asked_that_keeps_the_excerpt() {
    let server = Server::start().await.unwrap();
    let fine = treq::get(server.url("/status/204")).await.unwrap().error_for_status().await.unwrap();
    assert_eq!(fine.status(), 204);

    let wire = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 12\r\n\r\ncome back ok";
    let raw = RawServer::builder().connection([Step::ReadRequest, Step::send(wire)]).start().await;
    let error = treq::get(raw.url("/x?key=secret")).await.unwrap().error_for_status().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Status);
    let cause = error.find::<StatusError>().unwrap();
    assert_eq!((cause.status().as_u16(), &cause.excerpt()[..]), (503, &b"come back ok"[..]));
    assert_eq!(cause.headers()["retry-after"], "7");
    let text = chain(&error);
    assert!(text.contains("503 Service Unavailable") && text.contains("12 bytes"), "{text}");
    assert!(
        !text.contains("come back") && !format!("{error:?}").contains("come back"),
        "the body may hold secrets: {text}"
    );
    assert!(!text.contains("secret"), "{text}");
}

#[tokio::test]
async fn json_of_another_shape_names_the_place() {
    let server = Server::start().await.unwrap();
    let error = treq::get(server.url("/html")).await.unwrap().json::<Vec<u8>>().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Decode);
    assert!(error.to_string().contains("line 1"), "{error}");
}

#[tokio::test]
async fn save_is_all_or_nothing() {
    let server = Server::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.bin");
    let bytes = treq::get(server.url("/zeros/1000000")).await.unwrap().save(&path).await.unwrap();
    assert_eq!((bytes, std::fs::metadata(&path).unwrap().len()), (1_000_000, 1_000_000));

    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut";
    let raw = RawServer::builder().connection([Step::ReadRequest, Step::send(cut), Step::Close]).start().await;
    let error = treq::get(raw.url("/")).await.unwrap().save(&path).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Body);
    // The earlier file stands, and nothing else is left in the folder.
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 1_000_000);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

    let nowhere = folder.path().join("no/such/folder/file");
    let error = treq::get(server.url("/get")).await.unwrap().save(&nowhere).await.unwrap_err();
    assert!(error.to_string().contains("no/such/folder"), "{error}");
}

/// A program's trait around the client: its mock makes responses without a client.
#[tokio::test]
async fn a_mock_makes_responses() {
    trait Shop {
        fn tea(&self) -> impl Future<Output = Result<treq::Response, treq::Error>> + Send;
    }
    struct Real(Client, String);
    impl Shop for Real {
        async fn tea(&self) -> Result<treq::Response, treq::Error> {
            self.0.get(&self.1).await
        }
    }
    struct Mock;
    impl Shop for Mock {
        async fn tea(&self) -> Result<treq::Response, treq::Error> {
            let canned = http::Response::builder().status(418).header("content-type", "text/plain; charset=latin1");
            Ok(canned.body(http_body_util::Full::new(bytes::Bytes::from_static(b"caf\xe9"))).unwrap().into())
        }
    }
    let server = Server::start().await.unwrap();
    let real = Real(Client::new(), server.url("/status/418"));
    assert_eq!(real.tea().await.unwrap().status(), 418);
    let mut response = Mock.tea().await.unwrap();
    assert_eq!((response.status().as_u16(), response.text().await.unwrap().as_str()), (418, "café"));
    assert_eq!(response.body_end(), Some(treq::body::BodyEnd::Complete));
}

#[tokio::test]
async fn a_response_becomes_one_of_http_and_back() {
    use http_body_util::BodyExt as _;

    let server = Server::start().await.unwrap();
    let client = Client::new();
    let whole = client.get(server.url("/bytes/3000")).await.unwrap().content().await.unwrap();
    assert_eq!(whole.len(), 3000);
    for taken in ["nothing", "a piece", "all", "all, and a piece again"] {
        let mut response = client.get(server.url("/bytes/3000?seed=7")).await.unwrap().chunk_size(1000);
        let expected = client.get(server.url("/bytes/3000?seed=7")).await.unwrap().content().await.unwrap();
        let mut begun = Vec::new();
        if taken.starts_with("all") {
            response.content().await.unwrap();
        }
        if taken.ends_with("piece") || taken.ends_with("again") {
            begun.extend(response.chunk().await.unwrap().unwrap());
        }
        let response = http::Response::<treq::body::ResponseBody>::from(response);
        assert!(response.extensions().get::<treq::connect::Facts>().is_some(), "{taken}");
        let back = treq::Response::from(response);
        assert!(back.facts().is_some() && back.status() == 200, "{taken}");
        begun.extend(back.into_body().collect().await.unwrap().to_bytes());
        assert_eq!(begun, expected, "{taken}");
    }
    // What failed does not end well elsewhere.
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";
    let server = RawServer::builder().connection([Step::ReadRequest, Step::send(cut), Step::Close]).start().await;
    let mut response = client.get(server.url("/")).await.unwrap();
    response.content().await.unwrap_err();
    let error = response.into_body().collect().await.unwrap_err();
    assert_eq!(error.kind(), treq::Kind::Body, "{error}");
}

#[tokio::test]
async fn what_was_built_is_looked_at_and_executed() {
    let server = Server::start().await.unwrap();
    let client = Client::builder().header("x-from", "the client").build().unwrap();
    let mut request = client.post(server.url("/post")).form([("tea", "green")]).build().unwrap();
    request.headers_mut().insert("x-signature", "7f".parse().unwrap());
    let mut response = client.execute(request).await.unwrap();
    assert_eq!(response.url().path(), "/post");
    let text = response.text().await.unwrap();
    for part in ["\"tea\": \"green\"", "\"X-Signature\": \"7f\"", "\"X-From\": \"the client\""] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let mut url = server.url("/basic-auth/ada/s3cret");
    url.insert_str("http://".len(), "ada:s3cret@");
    let request = http::Request::get(url).body(String::new()).unwrap();
    assert_eq!(client.execute(request).await.unwrap().status(), 200);
}

/// As in handlers, which are futures that move between threads.
#[tokio::test]
async fn pieces_are_handed_on_in_a_task() {
    let server = Server::start().await.unwrap();
    let url = server.url("/bytes/3000");
    let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
    let read = tokio::spawn(async move {
        let mut response = treq::get(url).await?.chunk_size(512);
        response.collect_async(|piece| sender.send(piece)).await
    });
    let mut bytes = 0;
    while let Some(piece) = receiver.recv().await {
        bytes += piece.len();
    }
    read.await.unwrap().unwrap();
    assert_eq!(bytes, 3000);
}

#[tokio::test]
async fn requests_are_futures_for_what_takes_futures() {
    let server = Server::start().await.unwrap();
    let client = Client::new();
    let urls = ["/get", "/ip", "/html"].map(|page| server.url(page));
    let all = futures_util::future::join_all(urls.iter().map(|url| client.get(url).send())).await;
    assert!(all.into_iter().all(|response| response.unwrap().status().is_success()));
    let task = tokio::spawn(client.get(&urls[0]).send());
    assert!(task.await.unwrap().is_ok());
    let both = futures_util::future::try_join(client.get(&urls[0]).send(), client.get(&urls[1]).send());
    assert!(both.await.is_ok());
}

#[tokio::test]
async fn urls_come_in_every_form() {
    let server = Server::start().await.unwrap();
    let client = Client::new();
    let text = server.url("/get?x=1");
    let uri: http::Uri = text.parse().unwrap();
    let first = client.get(&uri).await.unwrap();
    assert_eq!(first.url(), &uri);
    client.get(first.url()).await.unwrap();
    client.get(uri).await.unwrap();
    client.get(url::Url::parse(&text).unwrap()).await.unwrap();
    client.get(std::borrow::Cow::from(text.as_str())).await.unwrap();
    client.get(text.as_str()).await.unwrap();
    client.get(text).await.unwrap();
    let relative: http::Uri = "/get".parse().unwrap();
    assert!(client.get(relative).await.unwrap_err().to_string().contains("relative"));
}

#[tokio::test]
async fn an_error_says_what_programs_ask_of_it() {
    let server = Server::start().await.unwrap();
    let client = Client::new();
    let failed = client.get(server.url("/status/404")).await.unwrap().error_for_status().await.unwrap_err();
    assert!(failed.is_status() && failed.status() == Some(http::StatusCode::NOT_FOUND));
    let slow = client.get(server.url("/delay/9")).timeout(std::time::Duration::from_millis(20)).await.unwrap_err();
    assert!(slow.is_timeout() && !slow.is_connect() && slow.status().is_none());
    assert_eq!(std::io::Error::from(slow).kind(), std::io::ErrorKind::TimedOut);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = client.get(format!("http://{nobody}/")).await.unwrap_err();
    assert!(refused.is_connect() && !refused.is_builder());
    assert_eq!(std::io::Error::from(refused).kind(), std::io::ErrorKind::ConnectionRefused);
    let bad = client.get("ftp://a.test/").await.unwrap_err();
    assert!(bad.is_builder());
    assert_eq!(
        format!("{}, {}", bad.kind(), treq::error::Phase::Read),
        "building the request, reading the body of the response"
    );
}
