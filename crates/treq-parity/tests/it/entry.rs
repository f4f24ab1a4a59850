//! Entry points, URLs and pairs.

use treq_httpbin::Server;

use crate::support::{answered, text};

/// The request line that this URL with these params makes.
async fn line(url: &str, params: &[(&str, &str)]) -> String {
    let (world, client) = answered(&[]);
    client.get(url).params(params).await.unwrap();
    text(&world.requests()[0]).split("\r\n").next().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn parity_url_03_a_plus_stays_a_plus() {
    assert_eq!(line("http://a.test/?a=1+2", &[]).await, "GET /?a=1+2 HTTP/1.1");
}

#[tokio::test(start_paused = true)]
async fn parity_url_12_a_host_may_have_an_underscore() {
    let (world, client) = answered(&[]);
    client.get("http://a_b.test/").await.unwrap();
    assert_eq!(world.connections(), ["http://a_b.test:80"]);
}

#[tokio::test(start_paused = true)]
async fn parity_prm_04_what_is_not_unreserved_is_escaped() {
    let line = line("http://a.test/", &[("k", "aZ09_.-~ *!'()/é")]).await;
    assert_eq!(line, "GET /?k=aZ09_.-~+%2A%21%27%28%29%2F%C3%A9 HTTP/1.1");
}

#[tokio::test(start_paused = true)]
async fn parity_prm_05_separators_are_escaped() {
    assert_eq!(line("http://a.test/", &[("a&b", "c#d=")]).await, "GET /?a%26b=c%23d%3D HTTP/1.1");
}

#[tokio::test(start_paused = true)]
async fn parity_prm_07_a_key_without_a_value_stays_so() {
    assert_eq!(line("http://a.test/?flag", &[("k", "")]).await, "GET /?flag&k= HTTP/1.1");
}

#[tokio::test(start_paused = true)]
async fn parity_prm_08_params_belong_to_the_first_request() {
    let (world, client) = answered(&["HTTP/1.1 302 X\r\nLocation: /n\r\nContent-Length: 0\r\n\r\n"]);
    client.get("http://a.test/").params([("k", "v")]).await.unwrap();
    assert!(text(&world.requests()[1]).starts_with("GET /n HTTP/1.1\r\n"));
}

#[tokio::test(start_paused = true)]
async fn parity_c_obj_07_without_redirects_there_is_no_history() {
    let (_world, client) = answered(&[]);
    assert!(client.get("http://a.test/").await.unwrap().history().is_empty());
}

#[tokio::test(start_paused = true)]
async fn parity_c_obj_08_entries_of_a_history_have_heads_and_no_bodies() {
    let (_world, client) = answered(&["HTTP/1.1 302 X\r\nLocation: /n\r\nX-Y: z\r\nContent-Length: 5\r\n\r\nmoved"]);
    let response = client.get("http://a.test/").await.unwrap();
    let hop = response.previous().unwrap();
    assert_eq!((hop.status.as_u16(), hop.headers["x-y"].as_bytes()), (302, &b"z"[..]));
}

#[tokio::test(start_paused = true)]
async fn parity_obj_03_a_history_is_oldest_first() {
    let hop = |to: &str| format!("HTTP/1.1 302 X\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
    let (_world, client) = answered(&[&hop("/b"), &hop("/c")]);
    let response = client.get("http://a.test/a").await.unwrap();
    let paths: Vec<_> = response.history().iter().map(|hop| hop.url.path().to_owned()).collect();
    assert_eq!(paths, ["/a", "/b"]);
}

#[tokio::test(start_paused = true)]
async fn parity_red_04_head_stays_head_also_after_303_and_get_takes_its_place_where_strict() {
    let (world, client) = answered(&["HTTP/1.1 303 X\r\nLocation: /n\r\nContent-Length: 0\r\n\r\n"]);
    client.head("http://a.test/").await.unwrap();
    assert!(text(&world.requests()[1]).starts_with("GET /n "));
    let (world, client) = answered(&["HTTP/1.1 303 X\r\nLocation: /n\r\nContent-Length: 0\r\n\r\n"]);
    client.head("http://a.test/").redirects(treq::options::Follow::Standard).await.unwrap();
    assert!(text(&world.requests()[1]).starts_with("HEAD /n "));
}

#[tokio::test]
async fn parity_api_02_each_verb_sends_its_own() {
    let server = Server::start().await.unwrap();
    let url = server.url("/anything");
    for (request, verb) in [
        (treq::get(&url), "GET"),
        (treq::post(&url), "POST"),
        (treq::put(&url), "PUT"),
        (treq::patch(&url), "PATCH"),
        (treq::delete(&url), "DELETE"),
        (treq::request("TRACE", &url), "TRACE"),
    ] {
        let echo: serde_json::Value = request.await.unwrap().json().await.unwrap();
        assert_eq!(echo["method"], verb);
    }
    assert_eq!(treq::head(&url).await.unwrap().content().await.unwrap(), "");
}

#[tokio::test]
async fn parity_api_07_a_status_of_failure_is_an_answer() {
    let server = Server::start().await.unwrap();
    for status in [404, 500] {
        assert_eq!(treq::get(server.url(&format!("/status/{status}"))).await.unwrap().status().as_u16(), status);
    }
}

#[tokio::test]
async fn parity_api_09_calls_share_no_cookies() {
    let server = Server::start().await.unwrap();
    treq::get(server.url("/cookies/set?a=b")).await.unwrap();
    assert!(!treq::get(server.url("/cookies")).await.unwrap().text().await.unwrap().contains("\"a\""));
}

#[tokio::test]
async fn parity_api_10_calls_share_their_connections() {
    let server = Server::start().await.unwrap();
    for _ in 0..3 {
        treq::get(server.url("/get")).await.unwrap().content().await.unwrap();
    }
    assert_eq!(server.connections().accepted, 1);
}

#[tokio::test(start_paused = true)]
async fn parity_cli_02_a_jar_of_the_callers_is_used_even_when_it_is_empty() {
    let jar = treq::Jar::new();
    let world = treq_parity::World::new([treq_parity::Step::Send(
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n".to_vec(),
    )]);
    treq_parity::client(&world, Some(jar.clone())).unwrap().get("http://a.test/").await.unwrap();
    assert_eq!(jar.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn parity_url_06_an_empty_query_stays_as_the_url_standard_has_it() {
    assert_eq!(line("http://a.test/?", &[]).await, "GET /? HTTP/1.1");
}
