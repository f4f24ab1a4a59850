use serde_json::json;

use crate::client::{ask, get, get_with};

#[tokio::test]
async fn get_tells_the_request() {
    let answer = ask("GET", "/get?a=1&b=x+y&a=%C3%BC", &[("X-FOO", "1"), ("x-foo", "2"), ("via", "p")], "").await;
    let expected = "{\n  \"args\": {\n    \"a\": [\n      \"1\",\n      \"\\u00fc\"\n    ],\n    \"b\": \"x y\"\n  },\n  \
                    \"headers\": {\n    \"Host\": \"bin.test\",\n    \"X-Foo\": \"1,2\"\n  },\n  \
                    \"origin\": \"127.0.0.1\",\n  \"url\": \"http://bin.test/get?a=1&b=x+y&a=\\u00fc\"\n}\n";
    assert_eq!((answer.status, answer.text()), (200, expected));
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("server"), "treq-httpbin");
}

#[tokio::test]
async fn anything_tells_method_and_content() {
    let answer = ask("PATCH", "/anything/a%20b/c", &[("content-type", "application/json")], "{\"x\": [1, 2.50]}").await;
    let headers = json!({"Content-Length": "16", "Content-Type": "application/json", "Host": "bin.test"});
    let expected = json!({
        "args": {}, "data": "{\"x\": [1, 2.50]}", "files": {}, "form": {}, "headers": headers,
        "json": {"x": [1, 2.5]}, "method": "PATCH", "origin": "127.0.0.1", "url": "http://bin.test/anything/a%20b/c",
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn each_method_has_its_path() {
    for (method, path) in [("POST", "/post"), ("PUT", "/put"), ("PATCH", "/patch"), ("DELETE", "/delete")] {
        let answer = ask(method, path, &[("content-type", "text/plain")], "sent").await.json();
        assert_eq!((&answer["data"], &answer["json"]), (&json!("sent"), &json!(null)), "{path}");
        assert_eq!(answer.get("method"), None, "{path}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_come_as_a_data_url() {
    let answer = ask("POST", "/post", &[], &b"\xff\xfe"[..]).await;
    assert_eq!(answer.json()["data"], "data:application/octet-stream;base64,//4=");
}

#[tokio::test]
async fn single_facts_have_paths() {
    assert_eq!(get("/ip").await.json(), json!({"origin": "127.0.0.1"}));
    assert_eq!(get("/headers").await.json(), json!({"headers": {"Host": "bin.test"}}));
    assert_eq!(get("/user-agent").await.json(), json!({"user-agent": null}));
    assert_eq!(get_with("/user-agent", "user-agent", "me/1").await.json(), json!({"user-agent": "me/1"}));
    assert_eq!(get_with("/ip", "x-forwarded-for", "10.0.0.1").await.json(), json!({"origin": "10.0.0.1"}));
    let shown = get_with("/headers?show_env=1", "x-request-id", "7").await.json();
    assert_eq!(shown["headers"]["X-Request-Id"], "7");
}

#[tokio::test]
async fn uuids_are_random_ones() {
    let uuids = [get("/uuid").await.json(), get("/uuid").await.json()];
    assert_ne!(uuids[0], uuids[1]);
    let uuid = uuids[0]["uuid"].as_str().unwrap();
    let lengths: Vec<_> = uuid.split('-').map(str::len).collect();
    assert_eq!((lengths, &uuid[14..15]), (vec![8, 4, 4, 4, 12], "4"));
}

#[tokio::test]
async fn forwarded_schemes_are_told() {
    let answer = get_with("/get", "x-forwarded-proto", "https").await.json();
    assert_eq!(answer["url"], "https://bin.test/get");
    assert_eq!(answer["headers"], json!({"Host": "bin.test"}));
}

#[tokio::test]
async fn delays_the_answer() {
    let begun = std::time::Instant::now();
    let answer = ask("POST", "/delay/0.05", &[("content-type", "application/x-www-form-urlencoded")], "a=1").await;
    assert!(begun.elapsed().as_millis() >= 50);
    assert_eq!(answer.json()["form"], json!({"a": "1"}));
    assert_eq!(get("/delay/soon").await.status, 500);
}

#[tokio::test]
async fn sets_the_fields_that_are_asked_for() {
    let answer = get("/response-headers?a=1&b=2&a=3&Content-Type=text/x").await;
    let length = answer.body.len().to_string();
    let types = ["application/json", "text/x"];
    assert_eq!(answer.json(), json!({"Content-Length": length, "Content-Type": types, "a": ["1", "3"], "b": "2"}));
    assert_eq!((answer.header("a"), answer.header("b")), ("1 | 3".to_owned(), "2".to_owned()));
    assert_eq!(answer.header("content-type"), "application/json | text/x");
    assert_eq!(ask("POST", "/response-headers?foo=bar", &[], "").await.header("foo"), "bar");
    assert_eq!(get("/response-headers?a=%0d%0ab").await.status, 500);
}
