//! The functions of the README at the root, against the embedded server.

#[expect(unreachable_pub, reason = "public as they would be where they are used; the README shows them without")]
#[path = "../../tasks/treq/mod.rs"]
mod with_treq;

use axum::Router;
use axum::routing::get;
use treq_httpbin::Server;
use treq_testing::{RawServer, Step};
use with_treq::Order;

async fn server() -> Server {
    Server::start().await.unwrap()
}

#[tokio::test]
async fn json_comes_and_goes() {
    let server = server().await;
    let release = with_treq::get_json::get_json(&server.url("/response-headers?version=1.2")).await.unwrap();
    assert_eq!(release.version, "1.2");
    let order = Order { cups: 2 };
    let receipt = with_treq::post_json::post_json(&server.url("/post"), &order).await.unwrap();
    assert_eq!(receipt.json, order);
}

#[tokio::test]
async fn forms_and_files_are_sent() {
    let server = server().await;
    let text = with_treq::form::form(&server.url("/post")).await.unwrap();
    assert!(text.contains("\"tea\": \"green\"") && text.contains("\"user\": \"ada\""), "{text}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "two sugars").unwrap();
    let text = with_treq::upload::upload(&server.url("/post"), &path).await.unwrap();
    assert!(text.contains("\"file\": \"two sugars\"") && text.contains("\"title\": \"Notes\""), "{text}");
}

#[tokio::test]
async fn a_download_is_whole() {
    let server = server().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bytes");
    let done = with_treq::download::download(&server.url("/bytes/1000"), &path).await.unwrap();
    assert_eq!((done.bytes, std::fs::metadata(&path).unwrap().len()), (1000, 1000));
    let refused = with_treq::download::download(&server.url("/status/404"), &path).await.unwrap_err();
    assert_eq!(refused.kind(), treq::Kind::Status);
}

#[tokio::test]
async fn a_session_and_a_password_are_known() {
    let server = server().await;
    let login = server.url("/response-headers?Set-Cookie=sid%3D7f%3B%20Path%3D%2F");
    let text = with_treq::session::session(&login, &server.url("/cookies")).await.unwrap();
    assert!(text.contains("\"sid\": \"7f\""), "{text}");
    let text = with_treq::basic_auth::basic_auth(&server.url("/basic-auth/ada/s3cret")).await.unwrap();
    assert!(text.contains("\"user\": \"ada\""), "{text}");
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted() {
    let server = Server::start_tls().await.unwrap();
    let pem = server.ca_pem().unwrap();
    let text = with_treq::custom_root_ca::custom_root_ca(&server.url("/ip"), pem).await.unwrap();
    assert!(text.contains("127.0.0.1"), "{text}");
}

#[tokio::test]
async fn a_proxy_is_gone_through() {
    let server = server().await;
    let text = with_treq::proxy::proxy("http://shop.test/get", &server.url("")).await.unwrap();
    assert!(text.contains("\"url\": \"http://shop.test/get\""), "{text}");
}

#[tokio::test]
async fn what_is_busy_is_asked_again() {
    const BUSY: &str = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
    const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntea";
    let busy = [Step::ReadRequest, Step::send(BUSY), Step::ReadRequest, Step::send(BUSY)];
    let steps = busy.into_iter().chain([Step::ReadRequest, Step::send(OK)]);
    let server = RawServer::builder().connection(steps).start().await;
    assert_eq!(with_treq::retry::retry(&server.url("/")).await.unwrap(), "tea");
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn what_takes_too_long_is_given_up() {
    let server = server().await;
    assert!(with_treq::timeout::timeout(&server.url("/get")).await.is_ok());
    // In paused time what is silent costs nothing.
    let silent = RawServer::builder().connection([Step::ReadRequest, Step::Stall]).start().await;
    let url = silent.url("/");
    let request = with_treq::timeout::timeout(&url);
    let advance = async {
        while silent.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        tokio::time::pause();
        std::future::pending::<()>().await;
    };
    let outcome = tokio::select! { outcome = request => outcome, () = advance => unreachable!() };
    assert!(matches!(outcome.unwrap_err().kind(), treq::Kind::Timeout(_)));
}

#[tokio::test]
async fn a_hundred_urls_go_ten_at_a_time() {
    let server = server().await;
    let urls: Vec<String> = (0..100).map(|n| server.url(&format!("/anything/{n}"))).collect();
    let texts = with_treq::hundred_urls::hundred_urls(&urls).await.unwrap();
    assert!(urls.iter().zip(&texts).all(|(url, text)| text.contains(&format!("\"{url}\""))));
    // As many as were asked at once, and one more for each that another came free for while it was being made.
    assert!(texts.len() == 100 && server.connections().accepted <= 20, "{:?}", server.connections());
}

#[tokio::test]
async fn services_in_memory_are_asked() {
    with_treq::stub_test::stub_test().await;
    let app = Router::new().route("/hello", get(|| async { "hello" }));
    assert_eq!(with_treq::router::router(app).await.unwrap(), "hello");
}

#[tokio::test]
async fn layers_stand_over_hypers_client() {
    let server = server().await;
    let status = with_treq::layers::layers(&server.url("/cookies/set?tea=green")).await.unwrap();
    assert_eq!(status, 200);
}
