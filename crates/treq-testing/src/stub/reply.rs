use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use treq_core::Body;

/// What a stub answers: code, headers and body.
#[derive(Clone, Debug)]
pub struct StubReply {
    code: u16,
    headers: Result<HeaderMap, String>,
    body: Bytes,
}

/// What a stub may return: `(code, headers, body)`, a [`StubReply`], or a `Result` of either, whose error is answered as
/// a 500.
pub trait IntoReply {
    /// The reply.
    fn into_reply(self) -> StubReply;
}

/// What the headers of a reply can be given as: pairs in an array or a `Vec`, a `HeaderMap`, or `()` for none.
pub trait ReplyHeaders {
    /// The fields, or what is wrong with them.
    ///
    /// # Errors
    ///
    /// Where a name or a value cannot stand in a head, naming it.
    fn into_headers(self) -> Result<HeaderMap, String>;
}

impl StubReply {
    /// Code, headers and body; the last's length is that of its bytes.
    pub fn new(code: u16, headers: impl ReplyHeaders, body: impl Into<Bytes>) -> StubReply {
        StubReply { code, headers: headers.into_headers(), body: body.into() }
    }

    /// The 500 of a stub that went wrong.
    pub(crate) fn fault(why: impl Into<Bytes>) -> StubReply {
        StubReply::new(500, [("content-type", "text/plain; charset=utf-8")], why)
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let reply = match self.wrong() {
            Some(why) => StubReply::fault(why),
            None => self,
        };
        let mut response = Response::new(Body::from(reply.body));
        *response.status_mut() = StatusCode::from_u16(reply.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *response.headers_mut() = reply.headers.unwrap_or_default();
        response
    }

    /// Code and length, for a list of what is left.
    pub(crate) fn summary(&self) -> String {
        format!("{} ({} bytes)", self.code, self.body.len())
    }

    /// What cannot be answered.
    pub(crate) fn wrong(&self) -> Option<String> {
        match (&self.headers, self.code) {
            (Err(why), _) => Some(why.clone()),
            (Ok(_), 200..=999) => None,
            (Ok(_), code) => Some(format!("the reply's code {code} is none of a final answer: it is 200 to 999")),
        }
    }
}

impl IntoReply for StubReply {
    fn into_reply(self) -> StubReply {
        self
    }
}

impl<H: ReplyHeaders, B: Into<Bytes>> IntoReply for (u16, H, B) {
    fn into_reply(self) -> StubReply {
        StubReply::new(self.0, self.1, self.2)
    }
}

impl<H: ReplyHeaders, B: Into<Bytes>> IntoReply for (StatusCode, H, B) {
    fn into_reply(self) -> StubReply {
        StubReply::new(self.0.as_u16(), self.1, self.2)
    }
}

impl<R: IntoReply, E: std::fmt::Display> IntoReply for Result<R, E> {
    fn into_reply(self) -> StubReply {
        self.map_or_else(|error| StubReply::fault(format!("the stub failed: {error}")), R::into_reply)
    }
}

impl ReplyHeaders for () {
    fn into_headers(self) -> Result<HeaderMap, String> {
        Ok(HeaderMap::new())
    }
}

impl ReplyHeaders for HeaderMap {
    fn into_headers(self) -> Result<HeaderMap, String> {
        Ok(self)
    }
}

impl<K: AsRef<str>, V: AsRef<[u8]>, const N: usize> ReplyHeaders for [(K, V); N] {
    fn into_headers(self) -> Result<HeaderMap, String> {
        fields(self)
    }
}

impl<K: AsRef<str>, V: AsRef<[u8]>> ReplyHeaders for Vec<(K, V)> {
    fn into_headers(self) -> Result<HeaderMap, String> {
        fields(self)
    }
}

/// Pairs as fields.
pub(crate) fn fields<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<HeaderMap, String>
where
    K: AsRef<str>,
    V: AsRef<[u8]>,
{
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let (name, value) = (name.as_ref(), value.as_ref());
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("{name:?} is no name of a header"))?;
        let value = HeaderValue::from_bytes(value).map_err(|_| {
            let value = String::from_utf8_lossy(value);
            format!("{value:?} cannot be the value of the header {name:?}: it has a control character")
        })?;
        headers.append(key, value);
    }
    Ok(headers)
}
