//! Bodies of answers.

use std::future::IntoFuture;
use std::time::Duration;

use treq::Kind;
use treq::body::BodyEnd;
use treq_parity::{End, Step, World};

use crate::support::{answered, send, settle, silent};

const HALF: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab";

#[tokio::test(start_paused = true)]
async fn parity_c_read_03_a_body_can_be_asked_for_again() {
    let (world, client) = silent();
    let asked = tokio::spawn(client.get("http://example.com/").into_future());
    settle().await;
    world.act(1, send(HALF));
    let mut response = asked.await.unwrap().unwrap();
    let (content, ()) = tokio::join!(response.content(), async {
        settle().await;
        world.act(1, send("cd"));
    });
    assert_eq!(content.unwrap(), "abcd");
    assert_eq!(response.text().await.unwrap(), "abcd");
    assert_eq!(response.content().await.unwrap(), "abcd");
}

#[tokio::test(start_paused = true)]
async fn parity_c_read_04_what_was_passed_on_is_not_there_again() {
    let (_world, client) = answered(&["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"]);
    let mut response = client.get("http://example.com/").await.unwrap();
    response.collect(|_| ()).await.unwrap();
    assert_eq!(response.content().await.unwrap_err().kind(), Kind::Body);
}

#[tokio::test(start_paused = true)]
async fn parity_c_read_06_a_collector_that_fails_ends_the_exchange() {
    let (world, client) = answered(&["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nHELLO"]);
    let mut response = client.get("http://example.com/").await.unwrap();
    let error = response.collect(|_| Err::<(), _>("enough")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Other, "{error}");
    drop(response);
    settle().await;
    assert_eq!(world.end(1), Some(End::Client));
}

#[tokio::test(start_paused = true)]
async fn parity_c_read_07_a_reader_that_is_dropped_frees_the_connection() {
    let (world, client) = answered(&[HALF]);
    let mut response = client.get("http://example.com/").await.unwrap();
    tokio::time::timeout(Duration::from_secs(1), response.content()).await.unwrap_err();
    drop(response);
    settle().await;
    assert_eq!((world.end(1), client.pool().unwrap().stats().open), (Some(End::Client), 0));
}

#[tokio::test(start_paused = true)]
async fn parity_c_read_08_a_cut_body_fails_each_time() {
    let world = World::new([send(HALF), Step::Close]);
    let client = treq_parity::client(&world, None).unwrap();
    let mut response = client.get("http://example.com/").await.unwrap();
    for _ in 0..2 {
        assert_eq!(response.content().await.unwrap_err().kind(), Kind::Body);
    }
}

#[tokio::test(start_paused = true)]
async fn parity_c_read_09_a_body_that_may_be_cut_says_so() {
    let world = World::new([send("HTTP/1.1 200 OK\r\n\r\nfirstsecond"), Step::Close]);
    let client = treq_parity::client(&world, None).unwrap();
    let mut response = client.get("http://example.com/").await.unwrap();
    assert_eq!(response.content().await.unwrap(), "firstsecond");
    assert_eq!(response.body_end(), Some(BodyEnd::PossiblyCut));
}

#[tokio::test(start_paused = true)]
async fn parity_c_read_10_a_read_that_is_given_up_aborts_the_connection() {
    let (world, client) = answered(&[HALF]);
    let reading = tokio::spawn(async move { client.get("http://example.com/").await?.content().await });
    settle().await;
    reading.abort();
    settle().await;
    assert_eq!(world.end(1), Some(End::Client));
}

#[tokio::test(start_paused = true)]
async fn parity_read_02_pieces_before_the_cut_have_been_handed_on() {
    let world = World::new([send(HALF), Step::Close]);
    let client = treq_parity::client(&world, None).unwrap();
    let mut pieces = Vec::new();
    let outcome = client.get("http://example.com/").await.unwrap().collect(|piece| pieces.push(piece)).await;
    assert_eq!((outcome.unwrap_err().kind(), pieces.concat()), (Kind::Body, b"ab".to_vec()));
}

#[tokio::test(start_paused = true)]
async fn parity_read_04_an_empty_body_calls_nobody() {
    let (_world, client) = answered(&[]);
    let mut calls = 0;
    client.get("http://example.com/").await.unwrap().collect(|_| calls += 1).await.unwrap();
    assert_eq!(calls, 0);
}

#[tokio::test(start_paused = true)]
async fn parity_rsp_20_a_length_of_nothing_is_an_end_at_once() {
    let (_world, client) = answered(&[]);
    let response = client.get("http://example.com/").await.unwrap();
    assert_eq!((response.content_length(), response.body_end()), (Some(0), Some(BodyEnd::Complete)));
}

#[tokio::test(start_paused = true)]
async fn parity_rsp_01_lines_may_end_with_lf_alone() {
    let (_world, client) = answered(&["HTTP/1.1 200 OK\nX-Y: z\nContent-Length: 2\n\nab"]);
    let mut response = client.get("http://example.com/").await.unwrap();
    assert_eq!(response.headers()["x-y"], "z");
    assert_eq!(response.content().await.unwrap(), "ab");
}

#[tokio::test(start_paused = true)]
async fn parity_txt_06_types_that_end_in_json_are_json_here() {
    let (_world, client) =
        answered(&["HTTP/1.1 200 OK\r\nContent-Type: application/vnd.x+json\r\nContent-Length: 4\r\n\r\n\"\u{e9}\""]);
    assert_eq!(client.get("http://example.com/").await.unwrap().text().await.unwrap(), "\"é\"");
}

#[tokio::test(start_paused = true)]
async fn parity_jsr_01_json_is_utf_8_whatever_its_type() {
    let (_world, client) = answered(&["HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\"\u{e9}\""]);
    let mut response = client.get("http://example.com/").await.unwrap();
    assert_eq!(response.json::<String>().await.unwrap(), "é");
}

#[tokio::test(start_paused = true)]
async fn parity_dec_06_what_the_decoder_still_holds_comes_at_the_end() {
    let coded: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\xcbH\xcd\xc9\xc9\x07\0\x86\xa6\x106\x05\0\0\0";
    let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", coded.len());
    answer.push('\u{0}');
    let mut bytes = answer.into_bytes();
    bytes.pop();
    bytes.extend_from_slice(coded);
    let world = World::new([Step::Send(bytes)]);
    let client = treq_parity::client(&world, None).unwrap();
    assert_eq!(client.get("http://example.com/").await.unwrap().content().await.unwrap(), "hello");
}

#[tokio::test(start_paused = true)]
async fn parity_jsr_02_json_goes_by_the_charset_that_is_named() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-16\r\nContent-Length: 6\r\n\r\n";
    let world = World::new([Step::Send([&head[..], b"\xff\xfe[\0]\0"].concat())]);
    let client = treq_parity::client(&world, None).unwrap();
    let mut response = client.get("http://example.com/").await.unwrap();
    assert!(response.json::<Vec<u8>>().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn parity_rsp_15_chunks_beat_a_length() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (_world, client) = answered(&[&format!("{head}3\r\nabc\r\n0\r\n\r\n")]);
    assert_eq!(client.get("http://example.com/").await.unwrap().content().await.unwrap(), "abc");
}

#[tokio::test(start_paused = true)]
async fn parity_rsp_22_bytes_behind_an_answer_end_its_connection() {
    let (world, client) = answered(&["HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcEVIL"]);
    for _ in 0..2 {
        client.get("http://example.com/").await.unwrap().content().await.unwrap();
        settle().await;
    }
    assert_eq!((world.connections().len(), world.end(1)), (2, Some(End::Client)));
}

#[tokio::test(start_paused = true)]
async fn parity_rsp_23_a_body_that_nobody_reads_holds_its_connection() {
    let (world, client) = answered(&["HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"]);
    let response = client.get("http://example.com/").await.unwrap();
    settle().await;
    assert_eq!((world.end(1), client.pool().unwrap().stats().in_use()), (None, 1));
    drop(response);
}

#[tokio::test(start_paused = true)]
async fn parity_rsp_25_the_head_is_handed_over_when_it_is_whole() {
    let (world, client) = silent();
    let asked = tokio::spawn(client.get("http://example.com/").into_future());
    settle().await;
    world.act(1, send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r"));
    settle().await;
    assert!(!asked.is_finished());
    world.act(1, send("\n"));
    settle().await;
    assert!(asked.is_finished());
}

#[tokio::test(start_paused = true)]
async fn parity_err_09_a_connection_that_is_lost_while_a_body_is_sent_is_an_error() {
    let (world, client) = silent();
    let body = crate::support::pieces(Some(10), [Ok("12345")]).stuck().body();
    let sending = tokio::spawn(client.post("http://example.com/").body(body).into_future());
    settle().await;
    world.act(1, Step::Reset);
    let error = sending.await.unwrap().unwrap_err();
    assert!(matches!(error.kind(), Kind::Connect | Kind::Protocol | Kind::Body), "{error}");
}

#[tokio::test(start_paused = true)]
async fn parity_rsp_07_a_folded_line_is_joined() {
    let (_world, client) = answered(&["HTTP/1.1 200 OK\r\nX-Y: a\r\n b\r\nContent-Length: 0\r\n\r\n"]);
    let response = client.get("http://example.com/").await.unwrap();
    let words: Vec<_> = response.headers()["x-y"].to_str().unwrap().split_whitespace().collect();
    assert_eq!(words, ["a", "b"]);
}
