//! Cassettes: what is masked as they are written, and what is read.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use tower::{Layer as _, ServiceExt as _};
use treq_core::{Body, BoxError};
use treq_testing::{Cassette, CassetteOptions, Mode};

use super::{block_on, lines};
use crate::oracle::{SECRET, tells_nothing};

/// The lines are a query, a body with its type, and a body that comes back with its type. Where `$` stands in them the secret does,
/// spelt as the byte behind it says. It is known for one by the field `Authorization`.
pub(super) fn masks(input: &[u8]) {
    let [query, kind, body, answer_kind, answer] = lines::<5>(input);
    let [body, answer] = [body, answer].map(spelt);
    // What no URL can have is in no query.
    let query: Vec<u8> = spelt(query).into_iter().filter(u8::is_ascii_alphanumeric).collect();
    let url = format!("http://a.test/x?q={}", String::from_utf8_lossy(&query));
    let answer_kind = answer_kind.to_vec();
    let server = tower::service_fn(move |request: Request<Body>| {
        let (answer, kind) = (answer.clone(), answer_kind.clone());
        async move {
            request.into_body().collect().await?;
            let response = Response::builder().header("content-type", kind).body(Body::from(answer.clone()));
            Ok::<_, BoxError>(response.unwrap_or_else(|_| Response::new(Body::from(answer))))
        }
    });
    let request = Request::post(url).header("authorization", format!("Bearer {SECRET}"));
    let request = request.header("content-type", kind).body(Body::from(body));
    let Ok(request) = request else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("c.har");
    let cassette = Cassette::open(&path, Mode::Always).expect("a cassette");
    block_on(async {
        let response = cassette.layer().layer(server).oneshot(request).await.expect("a response");
        response.into_body().collect().await.expect("a body");
    });
    let told = cassette.finish();
    if let Err(error) = &told {
        tells_nothing(error);
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    for spelling in spellings() {
        assert!(!written.contains(&spelling), "{spelling} in {written}");
    }
    if told.is_ok() {
        CassetteOptions::new().parse(&written).expect("what is written can be read");
    }
}

/// The secret as it may stand in something that carries it.
fn spellings() -> Vec<String> {
    vec![
        SECRET.to_owned(),
        STANDARD.encode(SECRET).trim_end_matches('=').to_owned(),
        URL_SAFE_NO_PAD.encode(format!("u:{SECRET}")),
        SECRET.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        SECRET.bytes().map(|byte| format!("{byte:02x}")).collect(),
        SECRET.bytes().map(|byte| format!("\\u{:04x}", byte)).collect(),
    ]
}

fn spelt(text: &[u8]) -> Vec<u8> {
    let spellings = spellings();
    let mut spelt = Vec::new();
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'$' => {
                let which = usize::from(*bytes.next().unwrap_or(&0)) % spellings.len();
                spelt.extend_from_slice(spellings[which].as_bytes());
            }
            other => spelt.push(other),
        }
    }
    spelt
}

/// An archive: what can be read can be written, and read again.
pub(super) fn har(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let cassette = match CassetteOptions::new().parse(&text) {
        Ok(cassette) => cassette,
        Err(error) => {
            assert!(error.to_string().len() < 2_000, "{error}");
            return;
        }
    };
    let written = cassette.to_har();
    let again = CassetteOptions::new().parse(&written).expect("what is written can be read");
    assert_eq!((again.len(), again.to_har()), (cassette.len(), written));
    for url in ["http://a.test/", "http://a.test/x?y=1"] {
        let request = Request::get(url).body(Body::empty()).expect("a request");
        let _ = block_on(async {
            let response = cassette.player().oneshot(request).await?;
            response.into_body().collect().await.map_err(BoxError::from)
        });
    }
}
