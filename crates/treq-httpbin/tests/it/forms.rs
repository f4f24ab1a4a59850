use serde_json::json;

use crate::client::ask;

#[tokio::test]
async fn urlencoded_forms_are_read() {
    let form = "a=1&b=x+y%26&a=3&c=%FF";
    let answer =
        ask("POST", "/post", &[("content-type", "application/x-www-form-urlencoded; charset=utf-8")], form).await;
    let answer = answer.json();
    assert_eq!(answer["form"], json!({"a": ["1", "3"], "b": "x y&", "c": "%FF"}));
    assert_eq!((&answer["data"], &answer["json"]), (&json!(""), &json!(null)));
}

#[tokio::test]
async fn multipart_forms_are_read() {
    let part = |head: &str, body: &str| format!("--XX\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n");
    let body = [
        part("name=\"a\"", "1"),
        part("name=\"a\"", "2"),
        part("name=\"f\"; filename=\"x.txt\"\r\nContent-Type: text/plain", "file"),
        part("name=\"f\"; filename=\"y.txt\"", "second of its name"),
    ];
    let mut bytes = body.concat().into_bytes();
    bytes.extend_from_slice(b"--XX\r\nContent-Disposition: form-data; name=\"g\"; filename=\"b\"\r\n");
    bytes.extend_from_slice(b"Content-Type: image/png\r\n\r\n\xff\xfe\r\n--XX--\r\n");
    let answer = ask("POST", "/post", &[("content-type", "multipart/form-data; boundary=XX")], bytes).await.json();
    assert_eq!(answer["form"], json!({"a": ["1", "2"]}));
    assert_eq!(answer["files"], json!({"f": "file", "g": "data:image/png;base64,//4="}));
    assert_eq!(answer["data"], "");
}

#[tokio::test]
async fn a_broken_form_yields_what_could_be_read() {
    let body = "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XX\r\nContent-Dis";
    let answer = ask("POST", "/post", &[("content-type", "multipart/form-data; boundary=XX")], body).await.json();
    assert_eq!(answer["form"], json!({"a": "1"}));
    let answer = ask("POST", "/post", &[("content-type", "multipart/form-data")], body).await.json();
    assert_eq!((&answer["form"], &answer["data"]), (&json!({}), &json!(body)));
}
