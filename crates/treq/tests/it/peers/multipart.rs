//! Forms with files, as httpbin reads them.

use std::io::Write;

use serde_json::{Value, json};
use treq::{Client, Form, Part};

use super::peer;

/// Bytes that are no text, and what they are in base64.
const RAW: (&[u8], &str) = (b"\x00\xff\r\n--\"\x80\n", "AP8NCi0tIoAK");

#[tokio::test]
async fn httpbin_reads_a_form_as_it_was_written() {
    let Some(base) = peer("TREQ_PEER_HTTPBIN") else { return };
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all("zwei Stück Zucker\r\n--\r\n".as_bytes()).unwrap();
    let form = || {
        Form::new()
            .text("tea", "green")
            .text("tea", "black")
            .text("größe 大", "naïve\nlines & = % + 🍵")
            .text("says \"hi\"; a=b", "quoted")
            .text("empty", "")
            .part("notes", Part::file(file.path()).file_name("große \"Notizen\"; 1.txt"))
            .part("raw \"bytes\"", Part::bytes(RAW.0).file_name("a\\b.bin"))
            .part("nothing 大", Part::bytes("").file_name("nothing.txt"))
    };
    let read = "read as it is sent";
    // The second has no length that is known, and is chunked.
    let readers = [Part::reader(read.as_bytes()).with_length(read.len() as u64), Part::reader(read.as_bytes())];
    let client = Client::new();
    for reader in readers {
        let form = form().part("reader", reader.file_name("r.txt").content_type("text/plain"));
        let json: Value = client.post(format!("{base}/post")).multipart(form).await.unwrap().json().await.unwrap();
        let fields = json!({
            "tea": ["green", "black"],
            "größe 大": "naïve\r\nlines & = % + 🍵",
            "says \"hi\"; a=b": "quoted",
            "empty": "",
        });
        let files = json!({
            "notes": "zwei Stück Zucker\r\n--\r\n",
            "raw \"bytes\"": format!("data:application/octet-stream;base64,{}", RAW.1),
            "nothing 大": "",
            "reader": read,
        });
        assert_eq!((&json["form"], &json["files"]), (&fields, &files));
    }
}
