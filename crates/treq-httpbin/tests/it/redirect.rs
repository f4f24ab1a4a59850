use crate::client::{ask, get};

async fn location(method: &str, path: &str) -> (u16, String) {
    let answer = ask(method, path, &[], "").await;
    (answer.status, answer.header("location"))
}

#[tokio::test]
async fn count_down_to_get() {
    for (path, expected) in [
        ("/redirect/3", "/relative-redirect/2"),
        ("/redirect/1", "/get"),
        ("/redirect/2?absolute=true", "http://bin.test/absolute-redirect/1"),
        ("/redirect/1?absolute=True", "http://bin.test/get"),
        ("/relative-redirect/2", "/relative-redirect/1"),
        ("/relative-redirect/1", "/get"),
        ("/absolute-redirect/2", "http://bin.test/absolute-redirect/1"),
        ("/absolute-redirect/1", "http://bin.test/get"),
    ] {
        assert_eq!(location("GET", path).await, (302, expected.to_owned()), "{path}");
    }
    for path in ["/redirect/0", "/relative-redirect/0", "/absolute-redirect/0"] {
        assert_eq!(get(path).await.status, 500, "{path}");
    }
}

#[tokio::test]
async fn lead_anywhere_with_any_status() {
    for (method, query, status, expected) in [
        ("GET", "url=/get", 302, "/get"),
        ("POST", "url=http%3A%2F%2Fa.test%2F%3Fx&status_code=307", 307, "http://a.test/?x"),
        ("PUT", "URL=%2Fput&Status_Code=308", 308, "/put"),
        ("DELETE", "url=/x&status_code=200", 302, "/x"),
        ("GET", "", 302, "None"),
    ] {
        let found = location(method, &format!("/redirect-to?{query}")).await;
        assert_eq!(found, (status, expected.to_owned()), "{method} {query}");
    }
    assert_eq!(get("/redirect-to?url=/get&status_code=x").await.status, 500);
}
