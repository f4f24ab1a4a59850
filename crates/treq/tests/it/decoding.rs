//! Content codings through the whole client.

use serde_json::Value;
use treq::body::BodyEnd;
use treq::decode::{Coding, DecodeLayer, Decoder, Progress};
use treq::{Client, Kind};
use treq_httpbin::Server;
use treq_testing::{RawServer, Step};

#[tokio::test]
async fn every_coding_of_the_registry_is_undone() {
    let server = Server::start().await.unwrap();
    let client = Client::new();
    for (path, said) in [("/gzip", "gzipped"), ("/deflate", "deflated"), ("/brotli", "brotli"), ("/zstd", "zstd")] {
        let mut response = client.get(server.url(path)).await.unwrap();
        assert!(!response.headers().contains_key("content-encoding"), "{path}");
        assert_eq!(response.content_length(), None);
        let json: Value = response.json().await.unwrap();
        assert_eq!(json[said], true, "{path}: {json}");
        assert_eq!(json["headers"]["Accept-Encoding"], "gzip, deflate, br, zstd");
        assert_eq!(response.body_end(), Some(BodyEnd::Complete));
    }
    // Read to their ends, so the connection was kept.
    assert_eq!(server.connections().accepted, 1);
}

#[tokio::test]
async fn decoding_is_switched_off_for_one_request() {
    let server = Server::start().await.unwrap();
    let mut response = treq::get(server.url("/gzip")).decoding(false).await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert!(response.content().await.unwrap().starts_with(b"\x1f\x8b"));
}

/// 30 MB of zeros in 30 KB, made by the embedded server's own encoder.
async fn bomb() -> (RawServer, usize) {
    use async_compression::tokio::write::GzipEncoder;
    use tokio::io::AsyncWriteExt as _;

    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(&vec![0; 60_000_000]).await.unwrap();
    encoder.shutdown().await.unwrap();
    let coded = encoder.into_inner();
    let mut answer =
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", coded.len()).into_bytes();
    answer.extend_from_slice(&coded);
    let server = RawServer::builder().connection([Step::ReadRequest, Step::send(answer), Step::Again]).repeat_last();
    (server.start().await, coded.len())
}

#[tokio::test]
async fn a_bomb_stops_at_the_limit_on_content_and_streams_through() {
    let (server, coded) = bomb().await;
    assert!(coded < 100_000);
    let error = treq::get(server.url("/")).await.unwrap().content().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Body);
    assert!(error.to_string().contains("33554432"), "{error}");
    let mut bytes = 0;
    treq::get(server.url("/")).await.unwrap().collect(|piece| bytes += piece.len()).await.unwrap();
    assert_eq!(bytes, 60_000_000);
    let client = Client::builder().decode_layer(DecodeLayer::new().max_size(1000)).build().unwrap();
    let error = client.get(server.url("/")).await.unwrap().collect(drop).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Decode);
    assert_eq!(error.find::<treq::decode::Expanded>().unwrap().size, Some(1000));
}

#[tokio::test]
async fn corrupt_content_is_an_error_and_the_client_goes_on() {
    let broken = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\nno gzip";
    let server = RawServer::builder()
        .connection([
            Step::ReadRequest,
            Step::send(broken),
            Step::ReadRequest,
            Step::send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        ])
        .start()
        .await;
    let client = Client::new();
    let error = client.get(server.url("/x?key=secret")).await.unwrap().content().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Decode);
    assert!(error.to_string().contains("gzip") && error.to_string().contains("/x?…"), "{error}");
    drop(error);
    assert_eq!(client.get(server.url("/")).await.unwrap().text().await.unwrap(), "ok");
}

/// A further look at a body that failed says the same, and the length is as unknown as before.
#[tokio::test]
async fn what_failed_fails_again_by_the_same_cause() {
    let broken = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\nno gzip";
    let server = RawServer::builder().connection([Step::ReadRequest, Step::send(broken)]).start_in_memory();
    let client = Client::builder().connector(server.connector()).build().unwrap();
    let mut response = client.get(server.url("/")).await.unwrap();
    assert_eq!(response.content_length(), None);
    for _ in 0..3 {
        let error = response.content().await.unwrap_err();
        assert_eq!(error.kind(), Kind::Decode);
        assert!(error.to_string().contains("gzip"), "{error}");
        assert_eq!(response.content_length(), None);
    }
}

struct Upper;

impl Decoder for Upper {
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, treq::error::BoxError> {
        let len = input.len().min(output.len());
        output[..len].copy_from_slice(&input[..len].to_ascii_uppercase());
        Ok(Progress::new(len, len))
    }

    fn finish(&mut self) -> Result<(), treq::error::BoxError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_coding_of_ones_own_is_offered_last_and_undone() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Encoding: x-upper\r\nContent-Length: 5\r\n\r\nhello";
    let server = RawServer::builder().connection([Step::ReadRequest, Step::send(answer)]).start().await;
    let decode = DecodeLayer::new().coding(Coding::new("x-upper", || Upper));
    let client = Client::builder().decode_layer(decode).build().unwrap();
    assert_eq!(client.get(server.url("/")).await.unwrap().text().await.unwrap(), "HELLO");
    assert_eq!(server.requests()[0].header("accept-encoding"), Some("gzip, deflate, br, zstd, x-upper"));
}

/// A switch and a layer are two things.
#[tokio::test]
async fn decoding_that_is_turned_on_again_has_the_limits_of_its_layer() {
    let server = treq_httpbin::Server::start().await.unwrap();
    let limited = || Client::builder().decode_layer(treq::decode::DecodeLayer::new().max_size(5));
    for builder in [limited().decoding(false).decoding(true), limited()] {
        let error = builder.build().unwrap().get(server.url("/gzip")).await.unwrap().content().await.unwrap_err();
        assert!(error.find::<treq::decode::Expanded>().is_some(), "{error}");
    }
    let raw = limited().decoding(false).build().unwrap();
    let mut response = raw.get(server.url("/gzip")).header("accept-encoding", "gzip").await.unwrap();
    assert_eq!(response.content_length(), Some(response.content().await.unwrap().len() as u64));
}
