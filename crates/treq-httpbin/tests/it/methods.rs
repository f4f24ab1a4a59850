use crate::client::{ask, connect, get, request, send};
use treq_httpbin::Server;

#[tokio::test]
async fn head_is_get_without_content() {
    for path in ["/get", "/gzip", "/bytes/10", "/range/10", "/status/404", "/zeros/70000"] {
        let server = Server::start().await.unwrap();
        let full = send(&server, request("GET", path, &[], "")).await;
        let head = send(&server, request("HEAD", path, &[], "")).await;
        assert_eq!((head.status, head.body.len()), (full.status, 0), "{path}");
        assert_eq!(head.header("content-length"), full.body.len().to_string(), "{path}");
        assert_eq!(head.header("content-type"), full.header("content-type"), "{path}");
    }
}

#[tokio::test]
async fn options_tell_the_methods() {
    let answer =
        ask("OPTIONS", "/get", &[("access-control-request-headers", "x-a"), ("origin", "http://o.test")], "").await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS");
    assert_eq!(answer.header("access-control-allow-origin"), "http://o.test");
    assert_eq!(answer.header("access-control-allow-headers"), "x-a");
    assert_eq!(answer.header("access-control-max-age"), "3600");
    let answer = ask("OPTIONS", "/anything", &[], "").await;
    assert_eq!(answer.header("allow"), "GET, HEAD, POST, PUT, DELETE, PATCH, TRACE, OPTIONS");
}

#[tokio::test]
async fn other_methods_are_refused() {
    let answer = ask("POST", "/get", &[], "content that nobody reads").await;
    assert_eq!((answer.status, answer.header("allow").as_str()), (405, "GET, HEAD, OPTIONS"));
    assert!(answer.text().contains("<title>405 Method Not Allowed</title>"), "{answer:?}");
}

#[tokio::test]
async fn unknown_paths_are_not_found() {
    for path in ["/nope", "/get/", "/bytes/x", "/bytes/-1", "/redirect/1.5", "/anythin", "/cookies/set/a"] {
        let answer = get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text().contains("<title>404 Not Found</title>"), "{path}");
    }
}

#[tokio::test]
async fn a_refused_upload_leaves_the_connection_usable() {
    let server = Server::start().await.unwrap();
    let mut sender = connect(&server).await;
    for _ in 0..2 {
        let refused = sender.send_request(request("POST", "/nope", &[], vec![1; 200_000])).await.unwrap();
        assert_eq!(crate::client::Answer::of(refused).await.status, 404);
        sender.ready().await.unwrap();
    }
    assert_eq!(server.connections().accepted, 1);
}
