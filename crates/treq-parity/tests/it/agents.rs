//! Connectors, proxies, TLS.

use std::future::IntoFuture;

use treq::connect::TcpConnect;
use treq::{Client, Kind, Proxies, Proxy, TlsConfig};
use treq_httpbin::Server;
use treq_parity::{EMPTY, World};

use crate::support::{answered, field, lacks, text};

fn proxied(world: &World) -> Client {
    let proxy = Proxies::all(Proxy::try_from("http://p").unwrap());
    Client::builder().proxy(proxy).connector(world.connector()).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn parity_c_agt_04_one_connection_to_a_proxy_serves_all_hosts() {
    let world = World::default().otherwise(EMPTY);
    let client = proxied(&world);
    for url in ["http://one.com/", "http://two.com/"] {
        client.get(url).await.unwrap();
    }
    assert_eq!(world.connections(), ["http://p:80"]);
    assert!(text(&world.requests()[1]).starts_with("GET http://two.com/ HTTP/1.1\r\n"));
}

#[tokio::test(start_paused = true)]
async fn parity_c_agt_05_a_connection_to_a_proxy_is_kept_unless_that_is_not_wanted() {
    let world = World::default().otherwise(EMPTY);
    let client = proxied(&world);
    client.get("http://one.com/").persistent(false).await.unwrap();
    client.get("http://one.com/").await.unwrap();
    assert_eq!(world.connections().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn parity_prx_03_https_goes_through_a_tunnel() {
    let world = World::default();
    let client = proxied(&world);
    let asked = tokio::spawn(client.get("https://secret.test/x").into_future());
    crate::support::settle().await;
    let sent = text(&world.requests()[0]);
    assert!(sent.starts_with("CONNECT secret.test:443 HTTP/1.1\r\n") && !sent.contains("/x"), "{sent}");
    asked.abort();
}

#[tokio::test(start_paused = true)]
async fn parity_c_agt_06_a_connector_is_told_where_to() {
    let (world, client) = answered(&[]);
    client.get("http://example.com/").await.unwrap();
    client.get("http://example.com/").await.unwrap();
    assert_eq!(world.connections(), ["http://example.com:80"]);
}

#[tokio::test(start_paused = true)]
async fn parity_c_agt_08_a_connection_that_is_refused_says_so() {
    let world = World::default();
    world.refuse(true);
    let client = treq_parity::client(&world, None).unwrap();
    assert_eq!(client.get("http://foo/").await.unwrap_err().kind(), Kind::Connect);
}

#[tokio::test]
async fn parity_err_15_a_port_that_nobody_listens_on_is_an_error_of_connecting() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(treq::get(format!("http://{free}/")).await.unwrap_err().kind(), Kind::Connect);
}

#[tokio::test]
async fn parity_c_agt_09_connections_come_from_the_address_that_is_set() {
    let server = Server::start().await.unwrap();
    let tcp = TcpConnect::new().local_address(std::net::IpAddr::from([127, 0, 0, 2]));
    let client = Client::builder().tcp(tcp).build().unwrap();
    let seen: serde_json::Value = client.get(server.url("/ip")).await.unwrap().json().await.unwrap();
    assert_eq!(seen["origin"], "127.0.0.2");
}

#[tokio::test]
async fn parity_tmo_06_the_local_address_can_be_set() {
    let server = Server::start().await.unwrap();
    let tcp = TcpConnect::new().local_address(std::net::IpAddr::from([127, 0, 0, 3]));
    let client = Client::builder().tcp(tcp).build().unwrap();
    assert!(client.get(server.url("/ip")).await.unwrap().text().await.unwrap().contains("127.0.0.3"));
}

#[tokio::test(start_paused = true)]
async fn parity_c_agt_10_an_answer_knows_the_url_that_gave_it() {
    let (_world, client) = answered(&["HTTP/1.1 302 X\r\nLocation: /n#there\r\nContent-Length: 0\r\n\r\n"]);
    let response = client.get("http://example.com/#here").await.unwrap();
    assert_eq!(response.url(), "http://example.com/n");
    assert_eq!(response.history()[0].url, "http://example.com/");
    assert_eq!(response.history()[0].method, "GET");
    let last = response.extensions().get::<treq::redirect::FinalUrl>().unwrap();
    assert_eq!(last.fragment.as_deref(), Some("there"));
}

#[test]
fn parity_c_agt_11_below_the_surface_method_and_url_have_types() {
    lacks!(http::Method, From<&'static str>);
    lacks!(http::Uri, From<&'static str>);
}

#[test]
fn parity_c_agt_16_what_is_no_request_does_not_compile() {
    lacks!(Client, tower_service::Service<(&'static str, &'static str)>);
    lacks!(treq::Body, From<std::collections::HashMap<&'static str, &'static str>>);
    lacks!(Vec<i32>, treq::headers::Headers);
}

#[tokio::test]
async fn parity_c_agt_12_a_tls_configuration_of_ones_own_is_used_for_host_and_port() {
    let server = Server::start_tls().await.unwrap();
    let root = TlsConfig::builder().roots_pem(server.ca_pem().unwrap()).build().unwrap();
    let client = Client::builder().tls(root).build().unwrap();
    let response = client.get(server.url("/get")).await.unwrap();
    assert_eq!(response.remote_addr(), Some(server.addr()));
    assert!(response.facts().unwrap().connection().tls.is_some());
}

#[tokio::test]
async fn parity_c_agt_13_a_root_of_ones_own_takes_the_place_of_the_platforms() {
    let server = Server::start_tls().await.unwrap();
    let root = TlsConfig::builder().roots_pem(server.ca_pem().unwrap()).build().unwrap();
    assert_eq!(Client::builder().tls(root).build().unwrap().get(server.url("/get")).await.unwrap().status(), 200);
    assert_eq!(Client::new().get(server.url("/get")).await.unwrap_err().kind(), Kind::Tls);
}

#[tokio::test]
async fn parity_tls_02_another_root_can_be_trusted() {
    let (server, other) = (Server::start_tls().await.unwrap(), Server::start_tls().await.unwrap());
    let root = TlsConfig::builder().roots_pem(other.ca_pem().unwrap()).build().unwrap();
    let client = Client::builder().tls(root).build().unwrap();
    assert_eq!(client.get(other.url("/get")).await.unwrap().status(), 200);
    assert_eq!(client.get(server.url("/get")).await.unwrap_err().kind(), Kind::Tls);
}

#[tokio::test(start_paused = true)]
async fn parity_c_agt_14_one_configuration_serves_any_number_of_hosts() {
    let (world, client) = answered(&[]);
    for number in 0..21 {
        client.get(format!("https://host{number}.test/")).await.unwrap();
    }
    client.get("https://host0.test/").await.unwrap();
    assert_eq!(world.connections().len(), 21);
}

#[tokio::test(start_paused = true)]
async fn parity_c_agt_15_literals_of_both_kinds_are_hosts() {
    for scheme in ["http", "https"] {
        for host in ["127.0.0.1", "[::1]", "localhost"] {
            let (world, client) = answered(&[]);
            client.get(format!("{scheme}://{host}/")).await.unwrap();
            assert_eq!(field(&world.requests()[0], "host").as_deref(), Some(host), "{scheme}");
        }
    }
}
