//! Bodies of requests.

use std::future::IntoFuture;

use treq::Kind;
use treq_parity::End;

use crate::support::{answered, field, pieces, send, settle, silent, text};

#[tokio::test(start_paused = true)]
async fn parity_c_req_40_a_body_of_unknown_length_is_sent_in_chunks() {
    let (world, client) = answered(&[]);
    let body = pieces(None, [Ok("xxx"), Ok("yyyyyyyyyyyyyyy")]).body();
    client.post("http://example.com/bar").body(body).await.unwrap();
    let sent = text(&world.requests()[0]).to_ascii_lowercase();
    assert!(sent.contains("transfer-encoding: chunked\r\n"), "{sent}");
    assert!(sent.ends_with("\r\n\r\n3\r\nxxx\r\nf\r\nyyyyyyyyyyyyyyy\r\n0\r\n\r\n"), "{sent}");
}

#[tokio::test(start_paused = true)]
async fn parity_c_req_41_a_body_that_is_too_short_is_an_error() {
    let (world, client) = answered(&[]);
    let body = pieces(Some(3), [Ok("ab")]).body();
    let error = client.post("http://example.com/bar").body(body).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Body, "{error}");
    settle().await;
    assert_eq!(world.end(1), Some(End::Client));
}

#[tokio::test(start_paused = true)]
async fn parity_c_req_42_what_is_too_much_is_never_sent() {
    let (world, client) = answered(&[]);
    let body = pieces(Some(3), [Ok("ab"), Ok("cd")]).body();
    let error = client.post("http://example.com/bar").body(body).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Body, "{error}");
    settle().await;
    let sent = String::from_utf8(world.bytes(1)).unwrap();
    assert!(sent.split("\r\n\r\n").nth(1).is_none_or(|body| "ab".starts_with(body)), "{sent}");
    assert_eq!(world.end(1).is_some(), !world.connections().is_empty());
}

#[tokio::test(start_paused = true)]
async fn parity_c_req_44_a_body_that_fails_fails_the_request() {
    let (world, client) = answered(&[]);
    let body = pieces(Some(5), [Ok("ab"), Err("the disk is gone")]).body();
    let error = client.post("http://example.com/bar").body(body).await.unwrap_err();
    assert!(matches!(error.kind(), Kind::Body | Kind::Other), "{error}");
    settle().await;
    assert_eq!((world.end(1), world.requests().len()), (Some(End::Client), 0));
}

#[tokio::test(start_paused = true)]
async fn parity_c_req_46_an_early_answer_is_handed_over_and_its_connection_closed() {
    let (world, client) = silent();
    let body = pieces(Some(10), [Ok("12345")]).stuck().body();
    let sending = tokio::spawn(client.post("http://example.com/").body(body).into_future());
    settle().await;
    world.act(1, send("HTTP/1.1 413 Too big\r\nContent-Length: 3\r\n\r\nbig"));
    let mut response = sending.await.unwrap().unwrap();
    assert_eq!((response.status().as_u16(), response.content().await.unwrap()), (413, "big".into()));
    drop(response);
    settle().await;
    assert_eq!(world.end(1), Some(End::Client));
}

#[tokio::test(start_paused = true)]
async fn parity_c_req_47_an_early_answer_is_handed_over_before_it_is_whole() {
    let (world, client) = silent();
    let body = pieces(Some(10), [Ok("12345")]).stuck().body();
    let sending = tokio::spawn(client.post("http://example.com/").body(body).into_future());
    settle().await;
    world.act(1, send("HTTP/1.1 413 Too big\r\nContent-Length: 30\r\n\r\nbig"));
    assert_eq!(sending.await.unwrap().unwrap().status(), 413);
}

#[tokio::test(start_paused = true)]
async fn parity_body_10_an_empty_piece_ends_nothing() {
    let (world, client) = answered(&[]);
    let body = pieces(None, [Ok("a"), Ok(""), Ok("b")]).body();
    client.post("http://example.com/").body(body).await.unwrap();
    assert!(text(&world.requests()[0]).ends_with("\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n"));
}

#[tokio::test(start_paused = true)]
async fn parity_body_03_empty_data_is_no_body() {
    let (world, client) = answered(&[]);
    client.patch("http://example.com/").data("").await.unwrap();
    client.get("http://example.com/").data("").await.unwrap();
    assert_eq!(field(&world.requests()[0], "content-length").as_deref(), Some("0"));
    assert_eq!(field(&world.requests()[1], "content-length"), None);
}

#[tokio::test(start_paused = true)]
async fn parity_form_03_no_pairs_are_a_form_all_the_same() {
    let (world, client) = answered(&[]);
    client.post("http://example.com/").data(Vec::<(&str, &str)>::new()).await.unwrap();
    let sent = &world.requests()[0];
    assert_eq!(field(sent, "content-type").as_deref(), Some("application/x-www-form-urlencoded"));
    assert_eq!(field(sent, "content-length").as_deref(), Some("0"));
}

#[tokio::test(start_paused = true)]
async fn parity_json_01_null_is_json() {
    let (world, client) = answered(&[]);
    client.post("http://example.com/").json(()).await.unwrap();
    assert!(text(&world.requests()[0]).ends_with("\r\n\r\nnull"));
}

#[tokio::test(start_paused = true)]
async fn parity_json_06_json_goes_with_any_method_and_what_cannot_be_json_is_an_error() {
    let (world, client) = answered(&[]);
    client.get("http://example.com/").json([1]).await.unwrap();
    assert!(text(&world.requests()[0]).ends_with("\r\n\r\n[1]"));
    let odd = std::collections::BTreeMap::from([((1, 2), 3)]);
    assert_eq!(client.post("http://example.com/").json(&odd).await.unwrap_err().kind(), Kind::Builder);
}
