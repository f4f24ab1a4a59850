//! What a request says and carries: params, fields, body.

use http::header::{CONTENT_TYPE, Entry};
use http::{HeaderValue, Request};
use serde::Serialize;
#[cfg(feature = "json")]
use treq_core::BoxError;
use treq_core::{Body, Error, Kind};
use treq_multipart::{Form, Part};

use crate::data::{Content, Data, FORM, Inner};
use crate::fields::{Headers, IntoHeaderName, IntoHeaderValue, field};
use crate::query;
use crate::request::{Gathered, Given, RequestBuilder};

impl<M> RequestBuilder<M> {
    /// Appends pairs to the query of the URL: pairs, a map, or anything that serializes to one; a list as a value
    /// repeats its key.
    ///
    /// Letters, digits and `-._~` stay, a space becomes `+`, all else is percent-encoded UTF-8.
    pub fn params<T: Serialize>(self, params: T) -> Self {
        self.and_then(|request| {
            if let Some(uri) = query::append(request.uri(), &params)? {
                *request.uri_mut() = uri;
            }
            Ok(())
        })
    }

    /// Adds a field. The client's own fields of that name are left out.
    pub fn header(self, name: impl IntoHeaderName, value: impl IntoHeaderValue) -> Self {
        self.and_then(|request| {
            let (name, value) = field(&name, &value)?;
            request.headers_mut().append(name, value);
            Ok(())
        })
    }

    /// Adds fields: a `HeaderMap`, or pairs of names and values.
    pub fn headers(self, headers: impl Headers) -> Self {
        self.and_then(|request| headers.add_to(request.headers_mut()))
    }

    /// The body: bytes, text, or any [`Body`]. It says nothing of its type.
    pub fn body(self, body: impl Into<Body>) -> Self {
        self.filled("body", |_| Ok(Content::new(body)))
    }

    /// The body, whatever it is made of: text, bytes, pairs or a map (which make a form), a file, a reader, a stream, a
    /// multipart form, or a [`Data`] of your own. Pairs and [`files`](RequestBuilder::files) go together.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
    /// # let server = treq_httpbin::Server::start().await.unwrap();
    /// let mut response = treq::post(server.url("/post")).data([("tea", "green"), ("cups", "2")]).await?;
    /// let echo: serde_json::Value = response.json().await?;
    /// assert_eq!(echo["form"], serde_json::json!({"tea": "green", "cups": "2"}));
    /// # Ok(()) }
    /// ```
    pub fn data(self, data: impl Data) -> Self {
        self.filled("data", |_| data.into_content())
    }

    /// A body of compact JSON, with `Content-Type: application/json` unless the request has one.
    ///
    /// NaN and infinities are refused: JSON has no such numbers.
    #[cfg(feature = "json")]
    pub fn json<T: Serialize>(self, json: T) -> Self {
        self.filled("json", |_| {
            let text = json_text(&json)
                .map_err(|error| crate::builder::refuse("the value cannot be written as JSON".to_owned(), error))?;
            Ok(Content::new(text).with_type(HeaderValue::from_static("application/json")))
        })
    }

    /// A body of pairs, with `Content-Type: application/x-www-form-urlencoded` unless the request has one: pairs, a map,
    /// or anything that serializes to one.
    pub fn form<T: Serialize>(self, form: T) -> Self {
        self.filled("form", |_| Content::pairs(&form))
    }

    /// Files, or other parts, each with the name of its field: the body is `multipart/form-data` (RFC 7578). Pairs that
    /// are given as [`data`](RequestBuilder::data) or [`form`](RequestBuilder::form) stand before them.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
    /// # let server = treq_httpbin::Server::start().await.unwrap();
    /// use treq::Part;
    ///
    /// let notes = Part::text("two sugars").file_name("notes.txt");
    /// let mut response = treq::post(server.url("/post")).data([("tea", "green")]).files([("notes", notes)]).await?;
    /// let echo: serde_json::Value = response.json().await?;
    /// assert_eq!((&echo["form"]["tea"], &echo["files"]["notes"]), (&"green".into(), &"two sugars".into()));
    /// # Ok(()) }
    /// ```
    pub fn files<N: Into<String>, P: Into<Part>>(self, files: impl IntoIterator<Item = (N, P)>) -> Self {
        self.filled("files", |gathered| {
            let known = gathered.files.get_or_insert_default();
            known.extend(files.into_iter().map(|(name, part)| (name.into(), part.into())));
            Ok(Content::gathered())
        })
    }

    /// A form put together by hand: its order, its boundary, its progress.
    pub fn multipart(self, form: Form) -> Self {
        self.filled("multipart", |_| Content::multipart(form))
    }

    /// Adds content, unless there is some that it does not go with.
    fn filled(mut self, by: &'static str, content: impl FnOnce(&mut Given) -> Result<Content, Error>) -> Self {
        let Ok(request) = &mut self.request else { return self };
        let gathered = self.gathered.0.get_or_insert_default();
        if let Err(error) = content(gathered).and_then(|content| gathered.add(by, content, request)) {
            self.request = Err(error);
        }
        self
    }
}

#[cfg(feature = "json")]
fn json_text<T: Serialize + ?Sized>(json: &T) -> Result<Vec<u8>, BoxError> {
    let text = serde_json::to_vec(json)?;
    crate::finite::check(json, &text)?;
    Ok(text)
}

impl Gathered {
    /// Pairs and files become the body that they are together.
    #[inline]
    pub(crate) fn finish(self, request: &mut Request<Body>) -> Result<(), Error> {
        match self.0 {
            Some(given) => given.finish(request),
            None => Ok(()),
        }
    }
}

impl Given {
    fn add(&mut self, by: &'static str, content: Content, request: &mut Request<Body>) -> Result<(), Error> {
        // Pairs and files add up; anything else is a whole body.
        let adds_up = matches!(content.0, Inner::Pairs(_) | Inner::Gathered);
        if let Some(other) = self.by.replace(by) {
            if self.whole || !adds_up {
                let why = format!("`{other}` and `{by}` both give the body of the request: leave one of them out");
                return Err(Error::new(Kind::Builder, why));
            }
        }
        match content.0 {
            Inner::Gathered => {}
            Inner::Pairs(pairs) => {
                let known = self.pairs.get_or_insert_default();
                if !known.is_empty() && !pairs.is_empty() {
                    known.push('&');
                }
                known.push_str(&pairs);
            }
            Inner::Body(body, content_type) => {
                self.whole = true;
                *request.body_mut() = body;
                self.content_type = content_type;
            }
        }
        Ok(())
    }

    pub(crate) fn finish(self, request: &mut Request<Body>) -> Result<(), Error> {
        let content_type = match (self.pairs, self.files) {
            (None, None) => self.content_type,
            (Some(pairs), None) => {
                *request.body_mut() = Body::from(pairs);
                Some(HeaderValue::from_static(FORM))
            }
            (pairs, Some(files)) => {
                let pairs = pairs.unwrap_or_default();
                let fields = form_urlencoded::parse(pairs.as_bytes());
                let form = fields.fold(Form::new(), |form, (name, value)| form.text(name, value));
                let form = files.into_iter().fold(form, |form, (name, part)| form.part(name, part));
                let content_type = form.content_type();
                *request.body_mut() = form.into_body()?;
                Some(content_type)
            }
        };
        if let Some(value) = content_type {
            if let Entry::Vacant(vacant) = request.headers_mut().entry(CONTENT_TYPE) {
                vacant.insert(value);
            }
        }
        Ok(())
    }
}
