use std::io::ErrorKind;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use treq_testing::{RawServer, Step};

use crate::support::{ask, to_end};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

async fn dial(server: &RawServer) -> TcpStream {
    TcpStream::connect(server.addr()).await.unwrap()
}

#[tokio::test]
async fn plays_and_records_a_request_with_its_body() {
    let server = RawServer::builder().connection([Step::ReadRequest, Step::send(OK), Step::Close]).start().await;
    let mut socket = dial(&server).await;
    ask(&mut socket, "POST /p HTTP/1.1\r\nhost: a\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello").await;
    assert_eq!(to_end(&mut socket).await, OK);
    server.wait_closed().await;
    let seen = server.requests();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].line, "POST /p HTTP/1.1");
    assert_eq!(seen[0].headers[0], ("host".to_owned(), "a".to_owned()));
    assert_eq!(seen[0].body, "hello");
    assert!(seen[0].complete);
    assert_eq!(server.url("/x"), format!("http://{}/x", server.addr()));
    let connection = server.connection(0);
    assert!(connection.over && !connection.client_closed && connection.fault.is_none(), "{connection:?}");
}

#[tokio::test]
async fn answers_the_head_before_the_body_is_sent() {
    let steps =
        [Step::ReadHead, Step::send("HTTP/1.1 100 Continue\r\n\r\n"), Step::ReadBody, Step::send(OK), Step::Close];
    let server = RawServer::builder().connection(steps).start().await;
    let mut socket = dial(&server).await;
    ask(&mut socket, "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    let mut interim = [0; 25];
    socket.read_exact(&mut interim).await.unwrap();
    assert_eq!(server.wait_for_requests(1).await.len(), 1);
    ask(&mut socket, "3\r\nabc\r\n0\r\nT: v\r\n\r\nMORE").await;
    assert_eq!(to_end(&mut socket).await, OK);
    server.wait_closed().await;
    let request = &server.requests()[0];
    assert_eq!((&request.body[..], request.trailers.len()), (&b"abc"[..], 1));
    assert_eq!(server.connection(0).extra, "MORE");
}

#[tokio::test]
async fn gives_each_connection_its_script_and_resets_those_without() {
    let server = RawServer::builder()
        .connection([Step::send("one"), Step::Close])
        .connection([Step::send("two"), Step::Close])
        .start()
        .await;
    assert_eq!(to_end(&mut dial(&server).await).await, "one");
    assert_eq!(to_end(&mut dial(&server).await).await, "two");
    let error = dial(&server).await.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    server.wait_closed().await;
    assert_eq!(server.connections(), 3);
    assert_eq!(server.connection(2).fault.as_deref(), Some("no script for connection 2"));
}

#[tokio::test]
async fn repeats_the_last_script_and_begins_again_where_told() {
    let steps = [Step::ReadRequest, Step::send(OK), Step::Again];
    let server = RawServer::builder().connection(steps).repeat_last().start().await;
    for _ in 0..2 {
        let mut socket = dial(&server).await;
        for _ in 0..3 {
            ask(&mut socket, GET).await;
            let mut answer = vec![0; OK.len()];
            socket.read_exact(&mut answer).await.unwrap();
            assert_eq!(answer, OK.as_bytes());
        }
    }
    server.wait_closed().await;
    let numbers: Vec<_> = server.requests().iter().map(|request| request.connection).collect();
    assert_eq!(numbers, [0, 0, 0, 1, 1, 1]);
    assert!(server.connection(1).client_closed);
}

#[tokio::test]
async fn resets() {
    let server = RawServer::builder().connection([Step::ReadRequest, Step::Reset]).start().await;
    let mut socket = dial(&server).await;
    ask(&mut socket, GET).await;
    assert_eq!(socket.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn half_closes_and_goes_on_reading() {
    let server = RawServer::builder().connection([Step::send("bye"), Step::HalfClose, Step::ReadRequest]).start().await;
    let mut socket = dial(&server).await;
    assert_eq!(to_end(&mut socket).await, "bye");
    ask(&mut socket, GET).await;
    assert_eq!(server.wait_for_requests(1).await[0].line, "GET / HTTP/1.1");
    assert_eq!(server.open(), 1);
}

#[tokio::test]
async fn notes_a_client_that_half_closes_before_the_answer() {
    let script = [Step::ReadHead, Step::ReadToEnd, Step::send(OK), Step::Close];
    let server = RawServer::builder().connection(script).start().await;
    let mut socket = dial(&server).await;
    ask(&mut socket, GET).await;
    socket.shutdown().await.unwrap();
    assert_eq!(to_end(&mut socket).await, OK);
    server.wait_closed().await;
    assert!(server.connection(0).client_closed);
}

#[tokio::test]
async fn stalls_until_the_client_closes_though_bytes_wait() {
    let server = RawServer::builder().connection([Step::ReadHead, Step::Stall]).start().await;
    let mut socket = dial(&server).await;
    ask(&mut socket, GET).await;
    server.wait_for_requests(1).await;
    ask(&mut socket, "not read").await;
    assert_eq!(server.open(), 1);
    drop(socket);
    server.wait_closed().await;
    assert!(server.connection(0).client_closed);
}

#[tokio::test]
async fn tells_of_a_client_that_breaks_off_in_a_body() {
    let server = RawServer::builder().connection([Step::ReadRequest]).start().await;
    let mut socket = dial(&server).await;
    ask(&mut socket, "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf").await;
    socket.shutdown().await.unwrap();
    let seen = server.wait_for_requests(1).await;
    assert_eq!((&seen[0].body[..], seen[0].complete), (&b"half"[..], false));
    assert!(server.connection(0).client_closed);
}

#[tokio::test]
async fn accepts_nothing_where_told() {
    let server = RawServer::builder().connection([Step::Reset]).no_accept().start().await;
    let mut socket = dial(&server).await;
    ask(&mut socket, GET).await;
    assert_eq!(socket.try_read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn ends_its_connections_when_dropped() {
    let server = RawServer::builder().connection([Step::Stall]).start().await;
    let mut socket = dial(&server).await;
    server.wait_for_connections(1).await;
    drop(server);
    assert_eq!(to_end(&mut socket).await, "");
}
