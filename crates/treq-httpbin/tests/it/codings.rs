use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use crate::client::get;

#[tokio::test]
async fn each_coding_is_decoded_by_its_decoder() {
    for (path, coding, told) in [
        ("/gzip", "gzip", "gzipped"),
        ("/deflate", "deflate", "deflated"),
        ("/brotli", "br", "brotli"),
        ("/zstd", "zstd", "zstd"),
    ] {
        let answer = get(path).await;
        assert_eq!(answer.header("content-encoding"), coding);
        assert_eq!(answer.header("content-length"), answer.body.len().to_string());
        let mut plain = Vec::new();
        let read = match coding {
            "gzip" => GzipDecoder::new(&answer.body[..]).read_to_end(&mut plain).await,
            "deflate" => ZlibDecoder::new(&answer.body[..]).read_to_end(&mut plain).await,
            "br" => BrotliDecoder::new(&answer.body[..]).read_to_end(&mut plain).await,
            _ => ZstdDecoder::new(&answer.body[..]).read_to_end(&mut plain).await,
        };
        assert_eq!(read.unwrap(), plain.len());
        let value: Value = serde_json::from_slice(&plain).unwrap();
        let headers = json!({"Host": "bin.test"});
        assert_eq!(value, json!({told: true, "headers": headers, "method": "GET", "origin": "127.0.0.1"}));
    }
}
