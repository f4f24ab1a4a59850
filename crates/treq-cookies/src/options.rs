use std::fmt;
use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use http::header::GetAll;
use http::{HeaderValue, Uri};
use treq_core::{Error, Origin};

use crate::Jar;
use crate::builder::check;

/// Request option: cookies of this request alone. They are sent to one origin only, are dropped when a redirect leads
/// elsewhere, and are not kept in the jar. They replace the jar's cookies of the same name. `Debug` shows no value.
///
/// ```
/// use treq_cookies::RequestCookies;
/// use treq_core::Origin;
///
/// let url = "https://example.com/".parse()?;
/// let cookies = RequestCookies::new(Origin::from_uri(&url)?).with("sid", "7f")?;
/// let request = http::Request::get(url).extension(cookies).body(())?;
/// assert!(!format!("{:?}", request.extensions().get::<RequestCookies>()).contains("7f"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RequestCookies {
    origin: Origin,
    /// Shared by the hops of a chain.
    pairs: Arc<Vec<Pair>>,
}

/// `name=value` and the length of the name.
#[derive(Clone)]
struct Pair {
    text: Box<[u8]>,
    name: usize,
}

impl Pair {
    fn name(&self) -> &[u8] {
        &self.text[..self.name]
    }
}

impl RequestCookies {
    /// No cookies yet, for this origin.
    pub fn new(origin: Origin) -> RequestCookies {
        RequestCookies { origin, pairs: Arc::default() }
    }

    /// With this cookie, in the place of one of the same name.
    ///
    /// # Errors
    ///
    /// [`Kind::Builder`](treq_core::Kind::Builder) for a name or value that would not come through: an empty name, a `=`
    /// in it, control bytes, `;`, blanks at either end, more than 4096 bytes together. The error never shows the value.
    pub fn with(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<RequestCookies, Error> {
        let (name, value) = (name.as_ref(), value.as_ref());
        check(name, value)?;
        let pairs = Arc::make_mut(&mut self.pairs);
        pairs.retain(|pair| pair.name() != name);
        pairs.push(Pair { text: [name, b"=", value].concat().into(), name: name.len() });
        Ok(self)
    }

    /// The origin that they are sent to.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether there are cookies for this URL.
    pub(crate) fn is_for(&self, url: &Uri) -> bool {
        !self.pairs.is_empty() && Origin::from_uri(url).is_ok_and(|origin| origin == self.origin)
    }

    fn has(&self, pair: &[u8]) -> bool {
        let name = pair.iter().position(|&byte| byte == b'=').map_or(&b""[..], |at| &pair[..at]);
        self.pairs.iter().any(|pair| pair.name() == name)
    }

    /// The jar's field and these.
    pub(crate) fn after_jar(&self, field: Option<&HeaderValue>) -> Option<HeaderValue> {
        let jar = pairs(field.map_or(b"", HeaderValue::as_bytes)).filter(|pair| !self.has(pair));
        join(jar.chain(self.pairs.iter().map(|pair| &*pair.text)))
    }

    /// The caller's own fields, whose names win, and these.
    pub(crate) fn after_own(&self, own: GetAll<'_, HeaderValue>) -> Option<HeaderValue> {
        let own: Vec<&[u8]> = own.into_iter().flat_map(|field| pairs(field.as_bytes())).collect();
        let is_own = |extra: &Pair| {
            own.iter().any(|pair| pair.strip_prefix(extra.name()).is_some_and(|rest| rest.starts_with(b"=")))
        };
        let extra = self.pairs.iter().filter(|pair| !is_own(pair)).map(|pair| &*pair.text);
        join(own.iter().copied().chain(extra))
    }
}

/// No value of a cookie holds a `;`.
fn pairs(field: &[u8]) -> impl Iterator<Item = &[u8]> {
    field.split(|&byte| byte == b';').map(<[u8]>::trim_ascii).filter(|pair| !pair.is_empty())
}

fn join<'a>(pairs: impl Iterator<Item = &'a [u8]>) -> Option<HeaderValue> {
    let mut field = BytesMut::with_capacity(128);
    for pair in pairs {
        if !field.is_empty() {
            field.put_slice(b"; ");
        }
        field.put_slice(pair);
    }
    HeaderValue::from_maybe_shared(field.freeze()).ok()
}

impl fmt::Debug for RequestCookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.pairs.iter().map(|pair| String::from_utf8_lossy(pair.name())).collect();
        f.debug_struct("RequestCookies").field("origin", &self.origin).field("names", &names).finish_non_exhaustive()
    }
}

/// Request option: a jar that replaces the layer's store, for this request and all hops of its chain.
///
/// ```
/// use treq_cookies::{Jar, UseJar};
///
/// let jar = Jar::new();
/// let request = http::Request::get("https://example.com/").extension(UseJar::new(jar.clone())).body(())?;
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct UseJar(Jar);

impl UseJar {
    /// Cookies of the request are read from this jar and kept in it.
    #[must_use]
    pub fn new(jar: Jar) -> UseJar {
        UseJar(jar)
    }

    /// The jar.
    #[must_use]
    pub fn jar(&self) -> &Jar {
        &self.0
    }
}
