use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use treq_multipart::{Form, Part};

use crate::support::sent;

#[tokio::test]
async fn encodes_as_browsers_do() {
    let mut count = 0;
    for line in include_str!("../data/wpt-encode.jsonl").lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let text = |value: &Value, key: &str| value[key].as_str().map(str::to_owned);
        let mut form = Form::new().boundary("BOUNDARY");
        if let Some(label) = text(&row, "form_encoding") {
            let encoding = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap();
            form = form.encode_with(move |text| encoding.encode(text).0.into_owned());
        }
        for part in row["parts"].as_array().unwrap() {
            let (name, value) = (text(part, "name").unwrap(), text(part, "value").unwrap());
            let mut made = Part::text(value);
            if let Some(file_name) = text(part, "filename") {
                made = made.file_name(file_name);
            }
            if let Some(content_type) = text(part, "content_type") {
                made = made.content_type(content_type);
            }
            form = form.part(name, made);
        }
        let expected = match text(&row, "expect_body") {
            Some(text) => text.into_bytes(),
            None => STANDARD.decode(text(&row, "expect_body_b64").unwrap()).unwrap(),
        };
        let found = sent(form).await;
        assert_eq!(found, expected, "{}: {}", row["id"], String::from_utf8_lossy(&found));
        count += 1;
    }
    assert_eq!(count, 37);
}
