//! The head of a request as it goes out: decided here, moved by the service.

use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH, Entry, HOST, HeaderName, PROXY_AUTHORIZATION, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};
use http_body::SizeHint;
use treq_core::{Error, HttpVersion, Kind, Origin, Resend, Target, Wire};

/// Checks the caller's framing fields against the body, before connecting, and drops repeated ones.
pub(crate) fn check_framing(headers: &mut HeaderMap, version: Version, body: &SizeHint) -> Result<(), Error> {
    if version == Version::HTTP_10 && body.exact().is_none() && !headers.contains_key(CONTENT_LENGTH) {
        let why = "HTTP/1.0 cannot carry a body of unknown length: give it a Content-Length, or leave the version out";
        return Err(Error::new(Kind::Builder, why));
    }
    if headers.contains_key(TRANSFER_ENCODING) {
        if let Some(other) = headers.get_all(TRANSFER_ENCODING).iter().find(|value| !is_chunked(value)) {
            let why = format!("invalid Transfer-Encoding {other:?}: only \"chunked\" is sent; leave the field out");
            return Err(Error::new(Kind::Builder, why));
        }
        if headers.get_all(TRANSFER_ENCODING).iter().nth(1).is_some() || headers[TRANSFER_ENCODING] != CHUNKED {
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static(CHUNKED));
        }
        if let Some(length) = headers.get(CONTENT_LENGTH) {
            let why =
                format!("the request has a Transfer-Encoding beside its Content-Length {length:?}: leave one out");
            return Err(Error::new(Kind::Builder, why));
        }
        return Ok(());
    }
    let Some(value) = headers.get(CONTENT_LENGTH) else { return Ok(()) };
    let text = value.to_str().unwrap_or_default();
    let announced =
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse::<u64>().ok());
    let Some(announced) = announced.flatten() else {
        return Err(Error::new(Kind::Builder, format!("the request's Content-Length {value:?} is not a number")));
    };
    let other = headers.get_all(CONTENT_LENGTH).iter().any(|other| other != value);
    // hyper does not ask a body of no length for anything, an error either.
    let unknown = announced == 0 && body.exact().is_none();
    if other || unknown || body.exact().is_some_and(|exact| exact != announced) {
        let is = match body.exact() {
            Some(exact) => format!("{exact} bytes long"),
            None if unknown => "of unknown length".to_owned(),
            None => "given twice".to_owned(),
        };
        let why = format!("the request's Content-Length says {announced}, but its body is {is}: leave the field out");
        return Err(Error::new(Kind::Builder, why));
    }
    if headers.get_all(CONTENT_LENGTH).iter().nth(1).is_some() {
        headers.insert(CONTENT_LENGTH, announced.into());
    }
    Ok(())
}

const CHUNKED: &str = "chunked";

/// Chooses HTTP/1.1, the only version that upgrades
/// ([RFC 9113, section 8.6](https://www.rfc-editor.org/rfc/rfc9113#section-8.6)).
#[cold]
pub(crate) fn choose_upgradable(target: &mut Target) -> Result<(), Error> {
    match target.http_version {
        HttpVersion::Http2 => {
            let why = "the request has an Upgrade field, which HTTP/2 does not know: leave the choice of HTTP/2 out";
            Err(Error::new(Kind::Builder, why).with_resend(Resend::Safe))
        }
        _ if target.origin.is_https() => {
            target.http_version = HttpVersion::Http1;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// [RFC 9112, section 3.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2)
#[cold]
fn several_hosts() -> Error {
    Error::new(Kind::Builder, "the request has more than one Host field: leave all but one out")
}

/// Returns true for a list of this one coding; empty elements are ignored
/// ([RFC 9110, section 5.6.1.2](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1.2)).
fn is_chunked(value: &HeaderValue) -> bool {
    let mut codings = value.as_bytes().split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|it| !it.is_empty());
    codings.next().is_some_and(|coding| coding.eq_ignore_ascii_case(CHUNKED.as_bytes())) && codings.next().is_none()
}

/// Writes target, version and the fields that belong to the connection
/// ([RFC 9112, section 3.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2),
/// [RFC 9113, section 8.3.1](https://www.rfc-editor.org/rfc/rfc9113#section-8.3.1)).
pub(crate) fn prepare<B>(
    request: &mut Request<B>,
    uri: &Uri,
    wire: Wire<'_>,
    persistent: bool,
) -> Result<Added, Error> {
    let origin = wire.origin;
    let mut added = Added::default();
    if wire.version >= Version::HTTP_2 {
        if request.headers().get_all(HOST).iter().nth(1).is_some() {
            return Err(several_hosts());
        }
        let host = request.headers_mut().remove(HOST);
        let as_given =
            host.is_none() && request.method() != Method::CONNECT && uri.authority() == Some(origin.authority());
        // `Connection` and its like have no meaning here; hyper leaves them out.
        *request.version_mut() = wire.version;
        *request.uri_mut() =
            if as_given { uri.clone() } else { absolute(uri, host.as_ref(), origin, request.method())? };
        added.taken_host = host.map(Box::new);
        return Ok(added);
    }
    if request.version() != Version::HTTP_10 {
        *request.version_mut() = Version::HTTP_11;
    }
    *request.uri_mut() = if request.method() == Method::CONNECT {
        authority_form(origin)?
    } else if wire.forward.is_some() {
        absolute(uri, None, origin, request.method())?
    } else {
        uri.path_and_query().filter(|path| !path.as_str().is_empty()).cloned().map_or_else(Uri::default, Uri::from)
    };
    let headers = request.headers_mut();
    match headers.entry(HOST) {
        Entry::Vacant(vacant) => {
            vacant.insert(wire.host.clone());
            added.host = true;
        }
        Entry::Occupied(given) if given.iter().nth(1).is_some() => return Err(several_hosts()),
        Entry::Occupied(_) => {}
    }
    if !persistent && !headers.contains_key(CONNECTION) {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        added.connection = true;
    }
    if let Some(credentials) = wire.forward.and_then(|forward| forward.authorization.as_ref()) {
        headers.insert(PROXY_AUTHORIZATION, credentials.clone());
        added.proxy = true;
    }
    Ok(added)
}

/// The same for a proxy, whose one connection serves many origins: target and `Host` are the request's own.
#[cold]
pub(crate) fn prepare_forwarded<B>(
    request: &mut Request<B>,
    uri: &Uri,
    wire: Wire<'_>,
    persistent: bool,
) -> Result<Added, Error> {
    let own = Origin::from_uri(uri)?;
    let host = host(&own)?;
    let mut wire = wire;
    (wire.origin, wire.host) = (&own, &host);
    prepare(request, uri, wire, persistent)
}

/// What [`prepare`] did to a head for one connection, to be undone before another: above all, a proxy's credentials
/// are for that proxy only.
#[derive(Debug, Default)]
pub(crate) struct Added {
    host: bool,
    connection: bool,
    proxy: bool,
    /// Boxed: it is rare, and every move of the future moves it.
    taken_host: Option<Box<HeaderValue>>,
}

impl Added {
    pub(crate) fn undo(self, headers: &mut HeaderMap) {
        for (added, name) in [(self.host, HOST), (self.connection, CONNECTION), (self.proxy, PROXY_AUTHORIZATION)] {
            if added {
                headers.remove(name);
            }
        }
        if let Some(host) = self.taken_host {
            headers.insert(HOST, *host);
        }
    }
}

/// The length that goes out: the body's own, or the one of a field that [`check_framing`] let pass.
pub(crate) fn announced(headers: &HeaderMap, body: &SizeHint) -> Option<u64> {
    if let Some(exact) = body.exact() {
        return Some(exact);
    }
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Where hyper would send no body at all: a GET or HEAD whose body does not know its length.
pub(crate) fn needs_chunked<B>(request: &Request<B>, body: &SizeHint) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
        && body.exact().is_none()
        && !request.headers().contains_key(CONTENT_LENGTH)
}

/// The length of nothing is said where a body is expected
/// ([RFC 9110, section 8.6](https://www.rfc-editor.org/rfc/rfc9110#section-8.6)).
pub(crate) fn say_of_nothing<B>(request: &mut Request<B>) {
    if matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH)
        && !request.headers().contains_key(TRANSFER_ENCODING)
        && !request.headers().contains_key(CONTENT_LENGTH)
    {
        request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
}

/// The `Host` field of an origin.
pub(crate) fn host(origin: &Origin) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(origin.authority().as_str())
        .map_err(|error| Error::new(Kind::Builder, "the host cannot stand in a Host field").with_source(error))
}

fn absolute(uri: &Uri, host: Option<&HeaderValue>, origin: &Origin, method: &Method) -> Result<Uri, Error> {
    let built = Uri::builder().authority(match host {
        Some(host) => host.as_bytes(),
        None => origin.authority().as_str().as_bytes(),
    });
    if method == Method::CONNECT {
        return authority_form(origin);
    }
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    built
        .scheme(origin.scheme().as_str())
        .path_and_query(path)
        .build()
        .map_err(|error| Error::new(Kind::Builder, "the Host field is not a host").with_source(error))
}

/// `host:port`, the port always there ([RFC 9110, section 9.3.6](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6)).
fn authority_form(origin: &Origin) -> Result<Uri, Error> {
    let authority = origin.authority().as_str();
    let text = if authority.ends_with(&format!(":{}", origin.port())) {
        authority.to_owned()
    } else {
        format!("{authority}:{}", origin.port())
    };
    text.parse()
        .map_err(|error| Error::new(Kind::Builder, format!("{text:?} is not a host and a port")).with_source(error))
}

/// Methods that may be sent twice with the effect of once
/// ([RFC 9110, section 9.2.2](https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2)).
pub(crate) fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE | Method::PUT | Method::DELETE)
}

/// The seconds of `Keep-Alive: timeout=5, max=100`.
pub(crate) fn idle_hint(headers: &HeaderMap) -> Option<Duration> {
    static KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
    let value = headers.get(&KEEP_ALIVE)?.to_str().ok()?;
    let seconds = value.split(',').find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("timeout").then(|| value.trim().parse::<u64>().ok()).flatten()
    })?;
    Some(Duration::from_secs(seconds))
}
