//! Forms, written and read again.

use bytes::Bytes;
use http_body::Body as _;
use http_body_util::{BodyDataStream, BodyExt as _};
use treq_multipart::{Form, Part};

use super::block_on;
use crate::oracle::shows_nothing;

/// Text in names. The reader takes no control characters there.
fn name(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace(|char: char| char.is_ascii_control(), "")
}

/// Each line is a part: name, file name, type and content between tabs. The first is the boundary.
pub(super) fn run(input: &[u8]) {
    let mut lines = input.split(|byte| *byte == b'\n').take(100);
    let boundary = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let parts: Vec<[&[u8]; 4]> = lines
        .map(|line| {
            let mut words = line.splitn(4, |byte| *byte == b'\t');
            std::array::from_fn(|_| words.next().unwrap_or_default())
        })
        .collect();
    let form = || {
        let mut form = Form::new();
        if !boundary.is_empty() {
            form = form.boundary(&*boundary);
        }
        for [name, file, kind, content] in &parts {
            let mut part = Part::bytes(Bytes::copy_from_slice(content));
            if !file.is_empty() {
                part = part.file_name(self::name(file));
            }
            if !kind.is_empty() {
                part = part.content_type(kind);
            }
            form = form.part(self::name(name), part);
        }
        form
    };
    shows_nothing(&form().part("key", Part::text(crate::SECRET)));
    let Ok(body) = form().encode() else { return };
    let (content_type, length) = (body.content_type(), body.size_hint().exact());
    let bytes = block_on(body.collect()).expect("it is whole").to_bytes();
    assert_eq!(length, Some(bytes.len() as u64));
    let given = content_type.to_str().expect("text");
    let boundary = multer::parse_boundary(given).expect("a boundary");
    let stream = BodyDataStream::new(http_body_util::Full::new(bytes));
    let mut read = multer::Multipart::new(stream, boundary);
    for [name, _, _, content] in &parts {
        let field = block_on(read.next_field()).expect("a reader goes on").expect("each part is there");
        // A reader of its kind takes a backslash for an escape.
        let name = self::name(name);
        if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            assert_eq!(field.name(), Some(&*name));
        }
        let found = block_on(field.bytes()).expect("the field is whole");
        assert_eq!(found, Bytes::copy_from_slice(content));
    }
    assert!(block_on(read.next_field()).expect("a reader ends").is_none(), "there is a part that was not given");
}
