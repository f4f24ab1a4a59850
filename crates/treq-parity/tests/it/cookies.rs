//! Cookies of jars, answers and single calls.

use treq::{Cookie, Jar};

use crate::support::{answered, field};

fn names(cookies: impl IntoIterator<Item = Cookie>) -> Vec<String> {
    let mut names: Vec<_> = cookies.into_iter().map(|cookie| cookie.name_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[tokio::test(start_paused = true)]
async fn parity_c_ck_38_a_copy_of_a_jar_leaves_it_as_it_is() {
    let (_world, client) = answered(&["HTTP/1.1 200 OK\r\nSet-Cookie: srv=1\r\nContent-Length: 0\r\n\r\n"]);
    let jar = Jar::new();
    jar.insert(Cookie::builder("http://example.com/", "u", "1").build().unwrap());
    let copy = jar.snapshot();
    let response = client.get("http://example.com/").jar(copy.clone()).await.unwrap();
    assert_eq!(names(jar.iter()), ["u"]);
    assert_eq!(names(copy.iter()), ["srv", "u"]);
    assert_eq!(names(response.cookies()), ["srv"]);
}

#[tokio::test(start_paused = true)]
async fn parity_c_ck_39_the_jar_has_all_and_an_answer_its_own() {
    let set = |pair: &str| format!("HTTP/1.1 200 OK\r\nSet-Cookie: {pair}\r\nContent-Length: 0\r\n\r\n");
    let (_world, client) = answered(&[&set("a=1"), &set("b=2")]);
    client.get("http://one.com/").await.unwrap();
    let second = client.get("http://two.com/").await.unwrap();
    assert_eq!(names(second.cookies()), ["b"]);
    assert_eq!(names(client.jar().unwrap().iter()), ["a", "b"]);
}

#[tokio::test]
async fn parity_c_ck_40_free_functions_share_no_cookies() {
    let server = treq_httpbin::Server::start().await.unwrap();
    treq::get(server.url("/cookies/set?hello=there")).await.unwrap();
    let seen: serde_json::Value = treq::get(server.url("/cookies")).await.unwrap().json().await.unwrap();
    assert_eq!(seen["cookies"], serde_json::json!({}));
}

#[tokio::test(start_paused = true)]
async fn parity_ck_03_hosts_without_a_dot_have_cookies() {
    let (world, client) = answered(&[]);
    for host in ["localhost", "127.0.0.1"] {
        client.get(format!("http://{host}/")).cookies([("a", "b")]).await.unwrap();
        assert_eq!(field(world.requests().last().unwrap(), "cookie").as_deref(), Some("a=b"));
    }
}

#[tokio::test(start_paused = true)]
async fn parity_ck_05_hosts_of_other_scripts_have_cookies() {
    let (world, client) = answered(&[]);
    client.get("http://č.net/").cookies([("a", "b")]).await.unwrap();
    assert_eq!(field(&world.requests()[0], "cookie").as_deref(), Some("a=b"));
}

#[tokio::test(start_paused = true)]
async fn parity_ck_09_secure_cookies_go_over_https_alone() {
    let (world, client) = answered(&["HTTP/1.1 200 OK\r\nSet-Cookie: s=1; Secure\r\nContent-Length: 0\r\n\r\n"]);
    for (url, sent) in [("https://a.test/", None), ("http://a.test/", None), ("https://a.test/", Some("s=1"))] {
        client.get(url).await.unwrap();
        assert_eq!(field(world.requests().last().unwrap(), "cookie").as_deref(), sent, "{url}");
    }
}

#[tokio::test(start_paused = true)]
async fn parity_ck_15_bytes_beyond_ascii_break_no_answer() {
    let (_world, client) = answered(&["HTTP/1.1 200 OK\r\nSet-Cookie: s=\u{e9}\r\nContent-Length: 0\r\n\r\n"]);
    assert_eq!(client.get("http://a.test/").await.unwrap().status(), 200);
}

#[tokio::test(start_paused = true)]
async fn parity_red_16_a_cookie_field_of_the_callers_switches_the_jar_off_for_its_origin() {
    let (world, client) = answered(&[
        "HTTP/1.1 200 OK\r\nSet-Cookie: j=1\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 302 X\r\nLocation: /n\r\nContent-Length: 0\r\n\r\n",
    ]);
    client.get("http://a.test/").await.unwrap();
    client.get("http://a.test/").header("cookie", "own=1").await.unwrap();
    let sent: Vec<_> = world.requests().iter().skip(1).map(|request| field(request, "cookie")).collect();
    assert_eq!(sent, [Some("own=1".to_owned()), Some("own=1".to_owned())]);
}
