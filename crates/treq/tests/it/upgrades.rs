//! Connections that leave HTTP.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use treq::{Client, Kind};
use treq_testing::{RawServer, Step};

#[tokio::test]
async fn a_101_hands_the_connection_out_with_what_came_behind_it() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nfirst ";
    let server = RawServer::builder()
        .connection([Step::ReadRequest, Step::send(switch), Step::ReadBytes(4), Step::send("pong"), Step::Close])
        .start()
        .await;
    let client = Client::new();
    let request = client.get(server.url("/")).header("connection", "upgrade").header("upgrade", "echo");
    let response = request.await.unwrap();
    assert_eq!(response.status(), 101);
    let mut io = response.upgrade().await.unwrap();
    io.write_all(b"ping").await.unwrap();
    let mut text = String::new();
    io.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "first pong");
    assert_eq!(server.connection(0).extra, "ping");
    // It counts for the caps as long as it lives.
    assert_eq!(client.pool().unwrap().stats().open, 1);
    drop(io);
    assert_eq!(client.pool().unwrap().stats().open, 0);
}

#[tokio::test]
async fn a_connect_hands_the_tunnel_out() {
    let server = RawServer::builder()
        .connection([
            Step::ReadHead,
            Step::send("HTTP/1.1 200 Established\r\n\r\n"),
            Step::ReadBytes(2),
            Step::send("yo"),
        ])
        .start()
        .await;
    let response = treq::request("CONNECT", server.url("")).await.unwrap();
    let mut io = response.upgrade().await.unwrap();
    io.write_all(b"hi").await.unwrap();
    let mut answer = [0; 2];
    io.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"yo");
    assert_eq!(server.requests()[0].target(), server.addr().to_string());
}

#[tokio::test]
async fn an_ordinary_answer_hands_nothing_out() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let server = RawServer::builder().connection([Step::ReadRequest, Step::send(ok)]).start().await;
    let error = treq::get(server.url("/")).await.unwrap().upgrade().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Protocol);
    assert!(error.to_string().contains("200"), "{error}");
}
