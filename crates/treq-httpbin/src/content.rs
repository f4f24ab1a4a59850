use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyDataStream, Full};
use serde_json::{Map, Value};

use crate::{base64, text};

/// What was sent with a request, by its type.
#[derive(Debug, Default)]
pub(crate) struct Content {
    /// The content itself, where it is no form.
    pub(crate) data: Bytes,
    pub(crate) form: Vec<(String, String)>,
    /// The first file of each name.
    pub(crate) files: Map<String, Value>,
}

impl Content {
    pub(crate) async fn read(headers: &HeaderMap, data: Bytes) -> Content {
        let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let name = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match name.as_str() {
            "application/x-www-form-urlencoded" => {
                Content { form: text::pairs(&String::from_utf8_lossy(&data)), ..Content::default() }
            }
            "multipart/form-data" => match multer::parse_boundary(media_type) {
                Ok(boundary) => multipart(data, boundary).await,
                Err(_) => Content { data, ..Content::default() },
            },
            _ => Content { data, ..Content::default() },
        }
    }

    /// The content as JSON, where it is that.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.data).unwrap_or_default()
    }

    /// The content as text, or as a `data:` URL where it is none.
    pub(crate) fn text(&self) -> String {
        safe(&self.data, "application/octet-stream")
    }
}

/// Reads the fields up to the first fault, as httpbin does.
async fn multipart(data: Bytes, boundary: String) -> Content {
    let mut content = Content::default();
    let stream = BodyDataStream::new(Full::<Bytes>::new(data));
    let mut fields = multer::Multipart::new(stream, boundary);
    while let Ok(Some(field)) = fields.next_field().await {
        let name = field.name().unwrap_or_default().to_owned();
        let is_file = field.file_name().is_some();
        let media_type = field.content_type().map(ToString::to_string);
        let Ok(bytes) = field.bytes().await else { break };
        if is_file {
            let media_type = media_type.as_deref().unwrap_or("application/octet-stream");
            content.files.entry(name).or_insert_with(|| safe(&bytes, media_type).into());
        } else {
            content.form.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    content
}

/// Text as it is, other bytes as a `data:` URL ([RFC 2397](https://www.rfc-editor.org/rfc/rfc2397)).
fn safe(bytes: &[u8], media_type: &str) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("data:{media_type};base64,{}", base64::encode(bytes)),
    }
}
