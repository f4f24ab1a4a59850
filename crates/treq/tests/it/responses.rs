//! What comes back, and how it is read.

use std::sync::{Arc, Mutex};

use treq::{Client, Kind, StatusError};
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
