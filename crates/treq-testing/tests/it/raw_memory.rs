use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use treq_core::{Kind, Peer};
use treq_testing::{RawServer, Step};

use crate::support::{ask, connect, pipe, to_end};

#[tokio::test(start_paused = true)]
async fn sleeps_and_trickles_in_paused_time() {
    let steps = [Step::sleep_ms(60_000), Step::trickle("abcdef", 2, Duration::from_secs(10)), Step::Close];
    let server = RawServer::builder().connection(steps).start_in_memory();
    let begun = Instant::now();
    let mut io = pipe(&server.connector()).await;
    let mut two = [0; 2];
    io.read_exact(&mut two).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 60);
    io.read_exact(&mut two).await.unwrap();
    assert_eq!((&two, begun.elapsed().as_secs()), (b"cd", 70));
    assert_eq!(to_end(&mut io).await, "ef");
    assert_eq!(begun.elapsed().as_secs(), 80);
}

#[tokio::test]
async fn delivers_each_piece_alone() {
    let split = Step::send_split("HTTP/1.1 200 OK\r\n\r\n", [4, 9, 9, 17]);
    let server = RawServer::builder().connection([split, Step::Close]).start_in_memory();
    let mut io = pipe(&server.connector()).await;
    let mut pieces = Vec::new();
    loop {
        let mut buffer = [0; 64];
        match io.read(&mut buffer).await.unwrap() {
            0 => break,
            length => pieces.push(String::from_utf8_lossy(&buffer[..length]).into_owned()),
        }
    }
    assert_eq!(pieces, ["HTTP", "/1.1 ", "200 OK\r\n", "\r\n"]);
}

#[tokio::test]
async fn cuts_and_resets_a_pipe() {
    let server = RawServer::builder()
        .connection([Step::ReadBytes(3), Step::send_first(4, "HTTP/1.1"), Step::Reset])
        .start_in_memory();
    let mut io = pipe(&server.connector()).await;
    ask(&mut io, "PRI").await;
    server.wait_closed().await;
    assert_eq!(io.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(io.write_u8(0).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(server.connection(0).extra, "PRI");
    assert!(!server.connection(0).client_closed);
}

#[tokio::test]
async fn takes_what_has_arrived_when_it_closes() {
    let server = RawServer::builder().connection([Step::sleep_ms(1), Step::Close]).start_in_memory();
    let mut io = pipe(&server.connector()).await;
    ask(&mut io, "abc").await;
    assert_eq!(to_end(&mut io).await, "");
    server.wait_closed().await;
    assert_eq!(server.connection(0).extra, "abc");
}

#[tokio::test]
async fn stalls_a_pipe_until_the_client_drops_it() {
    let server = RawServer::builder().connection([Step::Stall]).start_in_memory();
    let mut io = pipe(&server.connector()).await;
    ask(&mut io, "never read").await;
    assert_eq!(server.open(), 1);
    drop(io);
    server.wait_closed().await;
    assert!(server.connection(0).client_closed);
}

#[tokio::test]
async fn leads_to_a_socket_s_scripts_too() {
    let server = RawServer::builder().connection([Step::send("hi"), Step::Close]).start().await;
    let mut connected = connect(&server.connector(), "http://b.test").await.unwrap();
    assert_eq!(connected.peer, Peer::Memory("b.test".into()));
    assert_eq!(to_end(&mut connected.io).await, "hi");
}

#[tokio::test(start_paused = true)]
async fn never_connects_where_nothing_is_accepted() {
    let server = RawServer::builder().no_accept().start_in_memory();
    let connector = server.connector();
    let waiting = tokio::time::timeout(Duration::from_secs(3600), connect(&connector, "http://a.test"));
    assert!(waiting.await.is_err());
    assert_eq!(server.url("/a"), "http://raw.test/a");
}

#[tokio::test]
async fn refuses_once_the_server_is_dropped() {
    let server = RawServer::builder().connection([Step::Stall]).start_in_memory();
    let connector = server.connector();
    let mut io = pipe(&connector).await;
    drop(server);
    assert_eq!(to_end(&mut io).await, "");
    let error = connect(&connector, "http://a.test").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Connect);
    assert_eq!(error.to_string(), "the raw server that answered for http://a.test was dropped");
}
