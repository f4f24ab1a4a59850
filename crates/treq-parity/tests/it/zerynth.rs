//! What the small-device clone does, in our words.

use treq::{Kind, Part};
use treq_parity::{Step, World};

use crate::support::{answered, field, lacks, text};

#[tokio::test(start_paused = true)]
async fn parity_c_zer_01_params_and_host_come_of_the_url() {
    let (world, client) = answered(&[]);
    client.get("http://h/p").params([("a", "b c")]).persistent(false).await.unwrap();
    let sent = &world.requests()[0];
    assert!(text(sent).starts_with("GET /p?a=b+c HTTP/1.1\r\n"));
    assert_eq!((field(sent, "host").as_deref(), field(sent, "connection").as_deref()), (Some("h"), Some("close")));
}

#[tokio::test(start_paused = true)]
async fn parity_c_zer_03_the_next_call_uses_the_connection() {
    let (world, client) = answered(&[]);
    for _ in 0..2 {
        client.get("http://h/p").await.unwrap();
    }
    assert_eq!(world.connections().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn parity_c_zer_04_pieces_are_as_long_as_asked_for() {
    let body = "x".repeat(1200);
    let (_world, client) = answered(&[&format!("HTTP/1.1 200 OK\r\nContent-Length: 1200\r\n\r\n{body}")]);
    let mut pieces = Vec::new();
    let mut response = client.get("http://h/p").await.unwrap().chunk_size(512);
    response.collect(|piece| pieces.push(piece.len())).await.unwrap();
    assert!(pieces.iter().all(|length| *length <= 512), "{pieces:?}");
    assert_eq!(pieces.iter().sum::<usize>(), 1200);
}

#[tokio::test(start_paused = true)]
async fn parity_c_zer_05_json_beside_data_is_refused_and_both_are_named() {
    let (world, client) = answered(&[]);
    let error = client.post("http://h/p").data([("a", "1")]).json(2).await.unwrap_err();
    assert!(error.kind() == Kind::Builder && world.requests().is_empty());
    assert!(error.to_string().contains("json") && error.to_string().contains("data"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn parity_c_zer_06_json_says_its_type() {
    let (world, client) = answered(&[]);
    client.post("http://h/p").json(serde_json::json!({"b": 2})).await.unwrap();
    assert_eq!(field(&world.requests()[0], "content-type").as_deref(), Some("application/json"));
    assert!(text(&world.requests()[0]).ends_with("{\"b\":2}"));
}

#[tokio::test(start_paused = true)]
async fn parity_c_zer_07_an_upload_is_raw_with_its_length() {
    let (world, client) = answered(&[]);
    let part = Part::reader(&b"0123456789"[..]).with_length(10).content_type("application/octet-stream");
    client.post("http://h/p").data(part).await.unwrap();
    let sent = &world.requests()[0];
    assert_eq!(field(sent, "content-length").as_deref(), Some("10"));
    assert_eq!(field(sent, "content-type").as_deref(), Some("application/octet-stream"));
    assert!(text(sent).ends_with("\r\n\r\n0123456789"));
}

#[tokio::test(start_paused = true)]
async fn parity_c_zer_08_an_upload_may_be_a_put() {
    let (world, client) = answered(&[]);
    client.put("http://h/p").data(Part::reader(&b"x"[..])).await.unwrap();
    assert!(text(&world.requests()[0]).starts_with("PUT /p HTTP/1.1\r\n"));
}

#[tokio::test(start_paused = true)]
async fn parity_c_zer_09_a_server_that_cannot_be_reached_is_an_error_of_connecting() {
    let world = World::default();
    world.refuse(true);
    let client = treq_parity::client(&world, None).unwrap();
    assert_eq!(client.get("http://h/p").await.unwrap_err().kind(), Kind::Connect);
}

#[tokio::test(start_paused = true)]
async fn parity_c_zer_10_a_connection_that_is_closed_is_not_used_again() {
    let (world, client) = answered(&["HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"]);
    for _ in 0..2 {
        client.get("http://h/p").await.unwrap();
    }
    assert_eq!(world.connections().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn parity_c_zer_12_options_has_a_shortcut() {
    let (world, client) = answered(&[]);
    client.options("http://h/p").await.unwrap();
    assert!(text(&world.requests()[0]).starts_with("OPTIONS /p HTTP/1.1\r\n"));
}

#[tokio::test(start_paused = true)]
async fn parity_c_zer_13_head_has_no_body() {
    let (_world, client) = answered(&["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"]);
    assert_eq!(client.head("http://h/p").await.unwrap().content().await.unwrap(), "");
}

#[tokio::test(start_paused = true)]
async fn parity_c_zer_14_a_field_without_a_colon_is_refused() {
    let world = World::new([Step::Send(b"HTTP/1.1 200 OK\r\nFoo\r\nContent-Length: 0\r\n\r\n".to_vec())]);
    let client = treq_parity::client(&world, None).unwrap();
    assert_eq!(client.get("http://h/p").await.unwrap_err().kind(), Kind::Protocol);
}

#[test]
fn parity_c_mpp_10_a_field_has_a_name_of_text() {
    lacks!((&'static str, &'static str), Into<String>);
}

#[test]
fn parity_c_mpp_11_a_tuple_of_another_length_is_no_part() {
    lacks!((&'static str,), Into<Part>);
    lacks!((&'static str, &'static str, &'static str, &'static str), Into<Part>);
}

#[test]
fn parity_c_mpp_12_a_map_is_no_part() {
    lacks!(std::collections::HashMap<String, String>, Into<Part>);
}

#[test]
fn parity_c_mpp_13_a_number_is_no_part() {
    lacks!(i32, Into<Part>);
}
