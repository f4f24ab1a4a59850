//! Through dante, which lets everybody in, and microsocks, which wants user name and password.

use http::Version;
use treq::{Client, Kind, Proxy};

use super::{came_from, peer, through};
use crate::chain;

fn by(scheme: &str, login: &str, addr: &str) -> Client {
    through(Proxy::try_from(&format!("{scheme}://{login}{addr}")).unwrap())
}

/// That nginx is reached through the proxy, by address and by name, with TLS and without, and httpbin gets a body.
async fn carries(client: &Client, addr: &str) {
    let (Some(http), Some(h2)) = (peer("TREQ_PEER_NGINX_HTTP"), peer("TREQ_PEER_NGINX_H2")) else { return };
    let named = http.replace("127.0.0.1", "localhost");
    let addressed = h2.replace("localhost", "127.0.0.1");
    for (base, version) in
        [(http, Version::HTTP_11), (named, Version::HTTP_11), (h2, Version::HTTP_2), (addressed, Version::HTTP_2)]
    {
        for n in 0..2 {
            let mut response = client.get(format!("{base}/facts")).await.unwrap();
            assert_eq!((response.version(), response.facts().unwrap().is_reused()), (version, n > 0), "{base}");
            assert!(came_from(&response, addr), "{base}");
            let text = response.text().await.unwrap();
            assert_eq!(text.split_whitespace().nth(2), Some(["1", "2"][n]), "{text}");
        }
    }
    let Some(base) = peer("TREQ_PEER_HTTPBIN") else { return };
    let post = client.post(format!("{base}/post")).data([("tea", "green")]);
    let json: serde_json::Value = post.await.unwrap().json().await.unwrap();
    assert_eq!(json["form"], serde_json::json!({ "tea": "green" }));
}

/// That the proxy says no, in an error that tells these words, and no secret.
async fn refuses(client: &Client, url: &str, words: &[&str]) {
    let error = client.get(url).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Proxy);
    let text = chain(&error);
    assert!(words.iter().all(|word| text.contains(word)), "{text}");
    assert!(!format!("{text} {error:?}").contains("wr0ng"), "{error:?}");
}

#[tokio::test]
async fn dante_carries_by_socks4_and_5() {
    let Some(addr) = peer("TREQ_PEER_DANTE") else { return };
    for scheme in ["socks4", "socks5", "socks5h"] {
        carries(&by(scheme, "", &addr), &addr).await;
    }
    // It wants no login, and takes one that is offered for none.
    carries(&by("socks4", "u@", &addr), &addr).await;
    carries(&by("socks5", "u:p@", &addr), &addr).await;
}

#[tokio::test]
async fn dante_knows_no_socks4a() {
    let (Some(addr), Some(http)) = (peer("TREQ_PEER_DANTE"), peer("TREQ_PEER_NGINX_HTTP")) else { return };
    let client = by("socks4a", "", &addr);
    // It takes the address that stands for `a name follows` for one to connect to.
    let named = http.replace("127.0.0.1", "localhost");
    refuses(&client, &named, &["asked for localhost", "SOCKS4 reply 91"]).await;
    // An address needs no name.
    let response = client.get(format!("{http}/echo")).await.unwrap();
    assert!(response.status() == 200 && came_from(&response, &addr));
}

#[tokio::test]
async fn dante_cannot_reach_a_closed_port() {
    let Some(addr) = peer("TREQ_PEER_DANTE") else { return };
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for scheme in ["http", "https"] {
        let url = format!("{scheme}://{closed}/");
        refuses(&by("socks4", "", &addr), &url, &["SOCKS4 reply 91"]).await;
        refuses(&by("socks5", "", &addr), &url, &["SOCKS5 reply 5", "the host refuses the connection"]).await;
    }
}

#[tokio::test]
async fn microsocks_takes_user_name_and_password() {
    let Some(addr) = peer("TREQ_PEER_MICROSOCKS") else { return };
    for scheme in ["socks5", "socks5h"] {
        carries(&by(scheme, "u:p@", &addr), &addr).await;
    }
}

#[tokio::test]
async fn microsocks_refuses_a_wrong_password() {
    let Some(addr) = peer("TREQ_PEER_MICROSOCKS") else { return };
    let (Some(http), Some(https)) = (peer("TREQ_PEER_NGINX_HTTP"), peer("TREQ_PEER_NGINX_H2")) else { return };
    for url in [http, https] {
        for scheme in ["socks5", "socks5h"] {
            let words = ["127.0.0.1", "does not take the user name and the password"];
            refuses(&by(scheme, "u:wr0ng@", &addr), &url, &words).await;
            refuses(&by(scheme, "", &addr), &url, &["wants credentials", "://user:password@host"]).await;
        }
    }
}
