use serde_json::json;

use crate::client::{ask, get, get_with};

#[tokio::test]
async fn are_told() {
    let answer = get_with("/cookies", "cookie", "b=2; a=\"1 \\0732\"; b=3; c").await;
    assert_eq!(answer.json(), json!({"cookies": {"a": "1 ;2", "b": "2", "c": ""}}));
    assert_eq!(get("/cookies").await.json(), json!({"cookies": {}}));
}

#[tokio::test]
async fn are_set_and_deleted() {
    for (path, expected) in [
        ("/cookies/set?k=v&l=w%20x;y&k=2", "k=v; Path=/ | l=\"w x\\073y\"; Path=/"),
        ("/cookies/set/n/v", "n=v; Path=/"),
        (
            "/cookies/delete?k=&l",
            "k=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/ | \
                                  l=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/",
        ),
    ] {
        let answer = get(path).await;
        assert_eq!((answer.status, answer.header("location").as_str()), (302, "/cookies"), "{path}");
        assert_eq!(answer.header("set-cookie"), expected, "{path}");
    }
}

#[tokio::test]
async fn basic_credentials_are_checked() {
    let known = ("authorization", "Basic dTpwOnE=");
    let answer = ask("GET", "/basic-auth/u/p%3Aq", &[known], "").await;
    assert_eq!((answer.status, answer.json()), (200, json!({"authenticated": true, "user": "u"})));
    let answer = ask("GET", "/basic-auth/u/other", &[known], "").await;
    assert_eq!((answer.status, answer.header("www-authenticate").as_str()), (401, "Basic realm=\"Fake Realm\""));
    assert_eq!(ask("GET", "/hidden-basic-auth/u/p%3Aq", &[known], "").await.status, 200);
    let answer = get("/hidden-basic-auth/u/p").await;
    assert_eq!((answer.status, answer.header("www-authenticate").as_str()), (404, ""));
}

#[tokio::test]
async fn bearer_tokens_are_told() {
    let answer = get_with("/bearer", "authorization", "Bearer abc").await;
    assert_eq!(answer.json(), json!({"authenticated": true, "token": "abc"}));
    let answer = get("/bearer").await;
    assert_eq!((answer.status, answer.header("www-authenticate").as_str()), (401, "Bearer"));
}
