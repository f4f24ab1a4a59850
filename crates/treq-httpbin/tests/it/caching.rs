use crate::client::{get, get_with};

#[tokio::test]
async fn tags_are_compared() {
    for (name, value, expected) in [
        ("if-none-match", "\"x\"", 304),
        ("if-none-match", "W/\"y\", *", 304),
        ("if-none-match", "\"y\", W/\"x\"", 304),
        ("if-none-match", "\"y\"", 200),
        ("if-match", "\"y\"", 412),
        ("if-match", "\"y\", \"x\"", 200),
        ("if-match", "*", 200),
    ] {
        let answer = get_with("/etag/x", name, value).await;
        assert_eq!(answer.status, expected, "{name}: {value}");
        if expected != 412 {
            assert_eq!(answer.header("etag"), "x");
        }
    }
}

#[tokio::test]
async fn any_condition_is_met() {
    let answer = get("/cache").await;
    assert_eq!((answer.status, answer.header("etag").len()), (200, 32));
    assert!(answer.header("last-modified").ends_with(" GMT"));
    for name in ["if-modified-since", "if-none-match"] {
        let answer = get_with("/cache", name, "x").await;
        assert_eq!((answer.status, answer.body.len()), (304, 0));
    }
    assert_eq!(get("/cache/60").await.header("cache-control"), "public, max-age=60");
}

#[tokio::test]
async fn pages_have_their_types() {
    for (path, media_type, content) in [
        ("/", "text/html; charset=utf-8", "/get"),
        ("/html", "text/html; charset=utf-8", "<h1>"),
        ("/json", "application/json", "Sample Slide Show"),
        ("/xml", "application/xml", "<slideshow"),
        ("/robots.txt", "text/plain", "Disallow: /deny"),
        ("/deny", "text/plain", "robot"),
        ("/encoding/utf8", "text/html; charset=utf-8", "∀x∈ℝ"),
        ("/base64/dHJlcQ==", "text/html; charset=utf-8", "treq"),
        ("/base64/xxxxx", "text/html; charset=utf-8", "not Base64"),
        ("/links/3/1", "text/html; charset=utf-8", "<a href='/links/3/0'>0</a> 1 <a href='/links/3/2'>2</a> </body>"),
    ] {
        let answer = get(path).await;
        assert_eq!((answer.status, answer.header("content-type").as_str()), (200, media_type), "{path}");
        assert!(answer.text().contains(content), "{path}: {answer:?}");
    }
    let image = get("/image/png").await;
    assert_eq!(image.header("content-type"), "image/png");
    assert!(image.body.starts_with(b"\x89PNG\r\n\x1a\n") && image.body.ends_with(b"IEND\xae\x42\x60\x82"));
    assert_eq!(get("/links/3").await.header("location"), "/links/3/0");
}
