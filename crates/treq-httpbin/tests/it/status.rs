use serde_json::json;

use crate::client::{ask, get};

#[tokio::test]
async fn any_final_status_can_be_had() {
    for status in [200, 201, 204, 299, 304, 404, 412, 429, 500, 503, 599, 799] {
        let answer = get(&format!("/status/{status}")).await;
        assert_eq!((answer.status, answer.body.len()), (status, 0));
    }
    assert_eq!(ask("DELETE", "/status/410", &[], "").await.status, 410);
    for bad in ["abc", "100", "1000", "200,x"] {
        assert_eq!(get(&format!("/status/{bad}")).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn one_of_several_is_chosen_by_weight() {
    for _ in 0..5 {
        assert_eq!(get("/status/500:0,201").await.status, 201);
    }
}

#[tokio::test]
async fn some_come_with_fields_and_content() {
    for status in [301, 302, 303, 305, 307] {
        assert_eq!(get(&format!("/status/{status}")).await.header("location"), "/redirect/1");
    }
    assert_eq!(get("/status/308").await.header("location"), "");
    assert_eq!(get("/status/401").await.header("www-authenticate"), "Basic realm=\"Fake Realm\"");
    assert_eq!(get("/status/407").await.header("proxy-authenticate"), "Basic realm=\"Fake Realm\"");
    assert!(get("/status/406").await.json()["accept"].as_array().unwrap().contains(&json!("image/png")));
    assert!(get("/status/418").await.text().contains("short"));
    assert_eq!(get("/status/404").await.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(get("/status/301").await.header("content-type"), "");
}
