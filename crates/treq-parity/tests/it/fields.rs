//! Maps of fields, and what may stand in them.

use http::header::{ACCEPT, HeaderMap, HeaderValue};
use treq::Kind;

use crate::support::{answered, field, text};

#[test]
fn parity_c_hdr_03_what_is_missing_is_none() {
    assert_eq!(HeaderMap::<HeaderValue>::new().get("x-missing"), None);
}

#[test]
fn parity_c_hdr_04_a_copy_is_independent() {
    let map: HeaderMap = [(ACCEPT, HeaderValue::from_static("a"))].into_iter().collect();
    let mut copy = map.clone();
    copy.insert(ACCEPT, HeaderValue::from_static("b"));
    assert_eq!(map[ACCEPT], "a");
}

#[test]
fn parity_c_hdr_05_order_of_names_does_not_count() {
    let map = |names: [&'static str; 2]| -> HeaderMap {
        names.map(|name| (name.parse().unwrap(), HeaderValue::from_static("v"))).into_iter().collect()
    };
    assert_eq!(map(["a", "b"]), map(["b", "a"]));
}

#[tokio::test(start_paused = true)]
async fn parity_c_hdr_06_a_line_break_in_a_value_is_refused() {
    for value in ["a\rb", "a\nb", "a\r\nb", "a\0b"] {
        let (world, client) = answered(&[]);
        let error = client.get("http://a.test/").header("x", value).await.unwrap_err();
        assert_eq!((error.kind(), world.connections().len()), (Kind::Builder, 0), "{value:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn parity_c_hdr_07_a_name_that_is_no_token_is_refused() {
    for name in ["", "x y", "x:y", "x\ry", "x\ny", "x\0y", "xé"] {
        let (world, client) = answered(&[]);
        let error = client.get("http://a.test/").header(name, "v").await.unwrap_err();
        assert_eq!((error.kind(), world.connections().len()), (Kind::Builder, 0), "{name:?}");
    }
}

#[test]
fn parity_c_hdr_08_what_is_absent_can_be_removed() {
    assert_eq!(HeaderMap::<HeaderValue>::new().remove("x-missing"), None);
}

#[tokio::test(start_paused = true)]
async fn parity_hdr_06_values_may_be_any_bytes_but_controls() {
    let (world, client) = answered(&[]);
    client.get("http://a.test/").header("x", &b"\xff\xe9"[..]).await.unwrap();
    assert!(world.requests()[0].bytes.windows(2).any(|two| two == b"\xff\xe9"));
}

#[tokio::test(start_paused = true)]
async fn parity_hdr_17_the_callers_accept_encoding_is_the_only_one() {
    let (world, client) = answered(&[]);
    client.get("http://a.test/").header("accept-encoding", "br").await.unwrap();
    assert_eq!(text(&world.requests()[0]).to_lowercase().matches("accept-encoding").count(), 1);
    assert_eq!(field(&world.requests()[0], "accept-encoding").as_deref(), Some("br"));
}

#[tokio::test(start_paused = true)]
async fn parity_hdr_19_an_empty_value_is_sent() {
    let (world, client) = answered(&[]);
    client.get("http://a.test/").header("x-empty", "").await.unwrap();
    assert!(text(&world.requests()[0]).contains("x-empty: \r\n"), "{}", text(&world.requests()[0]));
}

#[tokio::test(start_paused = true)]
async fn parity_hdr_14_two_hosts_are_refused() {
    let (world, client) = answered(&[]);
    let error = client.get("http://a.test/").header("host", "b.test").header("host", "c.test").await.unwrap_err();
    assert_eq!((error.kind(), world.requests().len()), (Kind::Builder, 0));
}

#[tokio::test(start_paused = true)]
async fn parity_auth_05_credentials_leave_the_callers_map_alone() {
    let (world, client) = answered(&[]);
    let map: HeaderMap = [(ACCEPT, HeaderValue::from_static("a"))].into_iter().collect();
    client.get("http://a.test/").headers(&map).basic_auth("u", "p").await.unwrap();
    assert_eq!(map.len(), 1);
    assert_eq!(field(&world.requests()[0], "authorization").as_deref(), Some("Basic dTpw"));
}

#[tokio::test(start_paused = true)]
async fn parity_c_url_39_no_byte_that_does_not_belong_is_sent() {
    for byte in (0x80..=0xff_u8).chain(0..=0x20).chain([0x7f]) {
        for (before, after) in [("http://twisted", ".invalid/path"), ("http://twisted.invalid/", "path")] {
            let url = [before.as_bytes(), &[byte], after.as_bytes()].concat();
            let Ok(url) = http::Uri::try_from(url.as_slice()) else { continue };
            let (world, client) = answered(&[]);
            let request = http::Request::get(url).body(treq::Body::empty()).unwrap();
            let _ = tower_service::Service::call(&mut &client, request).await;
            let sent = world.requests().into_iter().flat_map(|request| request.bytes).collect::<Vec<_>>();
            let line = sent.split(|byte| *byte == b'\r').next().unwrap();
            assert!(line.iter().all(|byte| (0x20..0x7f).contains(byte)), "{byte:#x}: {line:?}");
        }
    }
}
