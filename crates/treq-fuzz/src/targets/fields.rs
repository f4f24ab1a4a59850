//! Fields that a response has, as treq reads them.

use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LINK};
use http::{HeaderMap, HeaderValue, Response};
use treq::headers::{ContentDisposition, MediaType};
use treq_core::{Body, BoxError};

use super::{block_on, lines, with_secret};
use crate::oracle::shows_nothing;

/// Each line is a field's value.
pub(super) fn link(input: &[u8]) {
    let mut values: Vec<_> =
        input.split(|byte| *byte == b'\n').take(50).filter_map(|line| HeaderValue::from_bytes(line).ok()).collect();
    read_links(&values);
    values.truncate(1);
    let first = values.first().and_then(|value| value.to_str().ok()).unwrap_or_default();
    let value = format!("<http://u:{}@a.test/?{}>; rel=next, {first}", with_secret("", ""), with_secret("", ""));
    read_links(&HeaderValue::try_from(value).into_iter().collect::<Vec<_>>());
}

fn read_links(values: &[HeaderValue]) {
    let values = values.to_vec();
    let server = tower::service_fn(move |_: http::Request<Body>| {
        let mut response = Response::new(Body::empty());
        for value in &values {
            response.headers_mut().append(LINK, value.clone());
        }
        std::future::ready(Ok::<_, BoxError>(response))
    });
    let client = treq::Client::builder().agent_layer(tower::layer::layer_fn(move |_| server.clone())).build();
    let client = client.expect("a client");
    let response = block_on(async { client.get("http://b.test/x/y").await }).expect("a response");
    let links = response.links();
    assert!(links.len() <= 1000);
    shows_nothing(&links);
}

/// The first line is a `Content-Disposition`, the second a `Content-Type`.
pub(super) fn media(input: &[u8]) {
    let [disposition, media] = lines::<2>(input);
    let text = String::from_utf8_lossy(disposition);
    let mut headers = HeaderMap::new();
    let fields = [(CONTENT_DISPOSITION, disposition), (CONTENT_TYPE, media)];
    for (name, value) in fields {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.insert(name, value);
        }
    }
    for read in
        [Some(ContentDisposition::parse(&text)), ContentDisposition::from_headers(&headers)].into_iter().flatten()
    {
        for (name, _) in read.params() {
            assert!(read.param(name).is_some() || name.ends_with('*'), "{text:?}: {name}");
        }
        // Written and read it is the same.
        let written = ContentDisposition::attachment(&text);
        let again = ContentDisposition::parse(&written.to_string());
        assert_eq!(again.kind(), "attachment");
    }
    if let Ok(media) = String::from_utf8_lossy(media).parse::<MediaType>() {
        let again: MediaType = media.to_string().parse().expect("what is written can be read");
        assert_eq!(again.essence(), media.essence());
    }
    let _ = MediaType::from_headers(&headers);
}
