//! Against a server that people know.

use treq::{Client, Part, TlsConfig};
use treq_httpbin::Server;

async fn all(client: &Client, server: &Server) {
    let response = client.get(server.url("/basic-auth/treq/treq")).basic_auth("not-treq", "not-treq").await.unwrap();
    assert_eq!(response.status(), 401);
    let file = Part::bytes("file").file_name("david.png");
    let mut response = client.post(server.url("/post")).data([("a", "b")]).files([("file1", file)]).await.unwrap();
    let echo: serde_json::Value = response.json().await.unwrap();
    assert_eq!((&echo["form"]["a"], &echo["files"]["file1"]), (&"b".into(), &"file".into()));
    let response = client.get(server.url("/cookies/set?hello=there")).allow_redirects(false).await.unwrap();
    let cookies = response.cookies();
    assert_eq!((cookies[0].name_str(), cookies[0].value_str()), (Some("hello"), Some("there")));
}

#[tokio::test]
async fn parity_c_int_03_a_refusal_is_an_answer() {
    let server = Server::start().await.unwrap();
    let response = treq::get(server.url("/basic-auth/treq/treq")).basic_auth("not-treq", "not-treq").await.unwrap();
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn parity_c_int_04_pairs_and_files_go_together() {
    let server = Server::start().await.unwrap();
    let file = Part::bytes("file").file_name("david.png");
    let mut response = treq::post(server.url("/post")).data([("a", "b")]).files([("file1", file)]).await.unwrap();
    let echo: serde_json::Value = response.json().await.unwrap();
    assert_eq!((&echo["form"]["a"], &echo["files"]["file1"]), (&"b".into(), &"file".into()));
}

#[tokio::test]
async fn parity_c_int_05_an_answer_has_the_cookies_that_it_sets() {
    let server = Server::start().await.unwrap();
    let response = treq::get(server.url("/cookies/set?hello=there")).allow_redirects(false).await.unwrap();
    let cookies = response.cookies();
    assert_eq!((cookies[0].name_str(), cookies[0].value_str()), (Some("hello"), Some("there")));
}

#[tokio::test]
async fn parity_c_int_06_https_makes_no_difference() {
    let server = Server::start_tls().await.unwrap();
    let root = TlsConfig::builder().roots_pem(server.ca_pem().unwrap()).build().unwrap();
    all(&Client::builder().tls(root).build().unwrap(), &server).await;
}

#[tokio::test]
async fn parity_mp_22_a_large_file_goes_over_tls() {
    let server = Server::start_tls().await.unwrap();
    let root = TlsConfig::builder().roots_pem(server.ca_pem().unwrap()).build().unwrap();
    let client = Client::builder().tls(root).build().unwrap();
    let file = Part::bytes(vec![b'x'; 5 << 20]).file_name("large");
    let mut response = client.post(server.url("/upload-count")).files([("f", file)]).await.unwrap();
    let counted: usize = response
        .text()
        .await
        .unwrap()
        .split(|char: char| !char.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .max()
        .unwrap();
    assert!(counted > 5 << 20, "{counted}");
}

#[tokio::test]
async fn parity_pool_19_small_writes_are_sent_at_once() {
    let server = Server::start().await.unwrap();
    let url = server.url("/").parse().unwrap();
    let target = treq::connect::Target::new(treq::Origin::from_uri(&url).unwrap());
    let connected = tower_service::Service::call(&mut treq::connect::TcpConnect::new(), target).await.unwrap();
    assert!(connected.io.nodelay().unwrap());
}
