use std::time::Duration;

use async_compression::Level;
use async_compression::tokio::bufread::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::Value;
use tokio::io::AsyncReadExt;

use crate::body::Body;
use crate::json;

/// An answer as an endpoint makes it, before it is delayed and compressed.
pub(crate) struct Reply {
    response: Response<Body>,
    after: Duration,
    coding: Option<Coding>,
}

/// How the content of an answer is compressed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Coding {
    Gzip,
    /// The zlib format, which is what HTTP calls deflate
    /// ([RFC 9110, section 8.4.1.2](https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1.2)).
    Deflate,
    Brotli,
    Zstd,
}

impl Reply {
    /// A 200 with this body and type.
    pub(crate) fn new(media_type: &'static str, body: impl Into<Body>) -> Reply {
        let mut response = Response::new(body.into());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        Reply { response, after: Duration::ZERO, coding: None }
    }

    pub(crate) fn json(value: &Value) -> Reply {
        Reply::new("application/json", json::pretty(value))
    }

    pub(crate) fn html(text: impl Into<Bytes>) -> Reply {
        Reply::new("text/html; charset=utf-8", text.into())
    }

    pub(crate) fn text(text: impl Into<Bytes>) -> Reply {
        Reply::new("text/plain; charset=utf-8", text.into())
    }

    pub(crate) fn empty(status: u16) -> Reply {
        Reply::html("").status(status)
    }

    /// The page of an error.
    pub(crate) fn page(status: u16, explanation: &str) -> Reply {
        let title = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Error");
        let text = format!(
            "<!doctype html>\n<html lang=en>\n<title>{status} {title}</title>\n<h1>{title}</h1>\n<p>{explanation}</p>\n"
        );
        Reply::html(text).status(status)
    }

    /// What a fault in a parameter leads to, as it does in httpbin.
    pub(crate) fn broken() -> Reply {
        Reply::page(500, "A parameter of this URL makes no sense here.")
    }

    /// The same with another status; one that no final answer can have makes it a 500.
    pub(crate) fn status(mut self, status: u16) -> Reply {
        match StatusCode::from_u16(status) {
            Ok(status) => *self.response.status_mut() = status,
            Err(_) => return Reply::broken(),
        }
        self
    }

    /// The same with one more field; one that cannot be written makes it a 500.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Reply {
        match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes())) {
            (Ok(name), Ok(value)) => {
                self.response.headers_mut().append(name, value);
                self
            }
            _ => Reply::broken(),
        }
    }

    /// The same without a `Content-Type`.
    pub(crate) fn untyped(mut self) -> Reply {
        self.response.headers_mut().remove(CONTENT_TYPE);
        self
    }

    /// The same, begun only after so long.
    pub(crate) fn after(self, after: Duration) -> Reply {
        Reply { after, ..self }
    }

    pub(crate) fn coded(self, coding: Coding) -> Reply {
        Reply { coding: Some(coding), ..self }
    }

    /// Waits, compresses, and is the response.
    pub(crate) async fn ready(self) -> Response<Body> {
        let Reply { mut response, after, coding } = self;
        if !after.is_zero() {
            tokio::time::sleep(after).await;
        }
        if let (Some(coding), Some(bytes)) = (coding, response.body().as_bytes()) {
            let coded = coding.encode(bytes).await;
            *response.body_mut() = coded.into();
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
        }
        response
    }
}

impl Coding {
    fn name(self) -> &'static str {
        match self {
            Coding::Gzip => "gzip",
            Coding::Deflate => "deflate",
            Coding::Brotli => "br",
            Coding::Zstd => "zstd",
        }
    }

    async fn encode(self, bytes: &[u8]) -> Vec<u8> {
        let mut coded = Vec::new();
        // Reading from a slice and writing to a vector cannot fail.
        let _ = match self {
            Coding::Gzip => GzipEncoder::with_quality(bytes, Level::Precise(4)).read_to_end(&mut coded).await,
            Coding::Deflate => ZlibEncoder::new(bytes).read_to_end(&mut coded).await,
            Coding::Brotli => BrotliEncoder::with_quality(bytes, Level::Precise(4)).read_to_end(&mut coded).await,
            Coding::Zstd => ZstdEncoder::new(bytes).read_to_end(&mut coded).await,
        };
        coded
    }
}
