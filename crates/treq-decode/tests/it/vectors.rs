//! Every row of the suite, whole, in small pieces and byte by byte.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use treq_decode::DecodeLayer;

use crate::decode;

#[tokio::test]
async fn every_row_that_the_standards_close_comes_out_as_it_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../treq-conformance/data/content-coding/vectors.jsonl");
    let rows = std::fs::read_to_string(path).unwrap();
    let mut failed = Vec::new();
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        let body = STANDARD.decode(row["body_b64"].as_str().unwrap()).unwrap();
        for size in [usize::MAX, 7, 1] {
            // The large ones take long byte by byte, and show nothing new.
            if size == 1 && body.len() > 4096 {
                continue;
            }
            if let Err(why) = judge(&row, &body, size).await {
                failed.push(format!("{} in pieces of {size}: {why}", row["id"]));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

async fn judge(row: &Value, body: &[u8], size: usize) -> Result<(), String> {
    let expect = &row["expect"];
    let encodings: Vec<_> = row["content_encoding"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
    let result = decode(&DecodeLayer::new(), &encodings, body, size).await;
    let open = row.get("leniency").is_some() || expect["result"] == "either";
    let (headers, decoded) = match (result, expect["result"].as_str().unwrap()) {
        (Err(error), "error") if error.kind() == treq_core::Kind::Decode => return Ok(()),
        (Err(_), _) if open => return Ok(()),
        (Err(error), _) => return Err(error.to_string()),
        (Ok((_, decoded)), "error") => return Err(format!("accepted: {} bytes", decoded.len())),
        (Ok(decoded), _) => decoded,
    };
    let whole = expect["body_b64"].as_str().map(|text| STANDARD.decode(text).unwrap());
    let length = expect["len"].as_u64().unwrap_or(decoded.len() as u64);
    if decoded.len() as u64 != length || whole.is_some_and(|whole| whole != decoded) {
        return Err(format!("{} bytes come out", decoded.len()));
    }
    let left: Vec<_> = headers.get_all("content-encoding").iter().map(|value| value.to_str().unwrap()).collect();
    match expect["result"].as_str() {
        Some("passthrough") if left != encodings => Err(format!("content-encoding is {left:?}")),
        Some("partial") if left != ["foo"] => Err(format!("content-encoding is {left:?}")),
        _ => Ok(()),
    }
}
