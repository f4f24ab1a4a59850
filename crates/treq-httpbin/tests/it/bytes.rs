use std::time::Instant;

use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use treq_httpbin::Server;

use crate::client::{ask, connect, get, get_with, request};

#[tokio::test]
async fn lines_are_streamed() {
    let answer = get("/stream/3?x=1").await;
    assert_eq!(answer.header("transfer-encoding"), "chunked");
    let lines: Vec<Value> = answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| &line["id"]).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!((&lines[2]["args"], &lines[2]["url"]), (&json!({"x": "1"}), &json!("http://bin.test/stream/3?x=1")));
    assert_eq!(get("/stream/1000").await.text().lines().count(), 100);
    assert_eq!(get("/stream/0").await.body, "");
}

#[tokio::test]
async fn random_bytes_are_those_of_the_seed() {
    let seeded = get("/bytes/5?seed=1").await;
    assert_eq!(
        (&seeded.body[..], seeded.header("content-type").as_str()),
        (&b"D \x82<\xfd"[..], "application/octet-stream")
    );
    let streamed = get("/stream-bytes/5?seed=1&chunk_size=2").await;
    assert_eq!((&streamed.body, streamed.header("content-length").as_str()), (&seeded.body, ""));
    assert_ne!(get("/bytes/16").await.body, get("/bytes/16").await.body);
    assert_eq!(get("/bytes/200000").await.body.len(), 102_400);
    assert_eq!(get("/bytes/5?seed=x").await.status, 500);
}

#[tokio::test]
async fn ranges_are_cut() {
    let whole = get("/range/30?chunk_size=7").await;
    assert_eq!((whole.status, whole.text()), (200, "abcdefghijklmnopqrstuvwxyzabcd"));
    assert_eq!((whole.header("accept-ranges"), whole.header("etag")), ("bytes".to_owned(), "range30".to_owned()));
    let part = get_with("/range/30", "range", "bytes=24-27").await;
    assert_eq!((part.status, part.text(), part.header("content-range").as_str()), (206, "yzab", "bytes 24-27/30"));
    let outside = get_with("/range/30", "range", "bytes=30-").await;
    assert_eq!((outside.status, outside.header("content-range").as_str()), (416, "bytes */30"));
    assert_eq!(get("/range/0").await.status, 404);
}

#[tokio::test]
async fn drips_take_their_time() {
    let begun = Instant::now();
    let answer = get("/drip?duration=0.05&numbytes=5&delay=0.02&code=201").await;
    assert!(begun.elapsed().as_millis() >= 60, "{:?}", begun.elapsed());
    assert_eq!((answer.status, answer.text(), answer.header("content-length").as_str()), (201, "*****", "5"));
    assert_eq!(get("/drip?duration=0&numbytes=300000").await.body.len(), 300_000);
    assert_eq!(get("/drip?numbytes=0").await.status, 400);
    assert_eq!(get("/drip?duration=-1").await.status, 500);
}

#[tokio::test]
async fn zeros_come_without_end_and_with_their_length() {
    let server = Server::start().await.unwrap();
    let mut sender = connect(&server).await;
    let response = sender.send_request(request("GET", "/zeros/1099511627776", &[], "")).await.unwrap();
    assert_eq!(response.headers()["content-length"], "1099511627776");
    let mut body = response.into_body();
    let mut read = 0;
    while read < 10_000_000 {
        let data: Bytes = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert!(data.iter().all(|byte| *byte == 0));
        read += data.len();
    }
    drop(body);
    server.wait_for_open(0).await;
    assert_eq!(get("/zeros/70001").await.body.len(), 70_001);
}

#[tokio::test]
async fn uploads_are_counted() {
    let answer = ask("PUT", "/upload-count", &[], vec![7; 3_000_000]).await;
    assert_eq!(answer.json(), json!({"length": 3_000_000}));
}
