//! Which credentials a request gets.

use std::net::IpAddr;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{Request, Uri};
use treq_core::auth::Scheme;
use treq_core::options::LeftOrigin;
use treq_core::{BoxError, Error, Kind, Origin, uri};

use crate::error::unusable;
use crate::layer::Config;
use crate::{AuthErrorReason, Credentials};

/// The scheme of a request, if it gets any; takes userinfo out of its URL.
pub(crate) fn choose<B>(config: &Config, request: &mut Request<B>) -> Result<Option<Arc<dyn Scheme>>, Error> {
    let userinfo = take_userinfo(request.uri_mut())?;
    // CONNECT and the like have no origin to be bound to.
    let Ok(origin) = Origin::from_uri(request.uri()) else { return Ok(None) };
    if request.headers().contains_key(AUTHORIZATION) {
        return in_clear(config, &origin, request.uri()).map(|()| None);
    }
    // Another party has chosen the URL, even if it is one of the first origin.
    if request.extensions().get::<LeftOrigin>().is_some() {
        return Ok(None);
    }
    let own = request.extensions().get::<Credentials>().filter(|own| *own.origin() == origin);
    let by_url = match (own, userinfo) {
        (None, Some(userinfo)) => Some(Credentials::from_userinfo(origin.clone(), &userinfo)?),
        _ => None,
    };
    let of_layer = || config.credentials.iter().find(|known| *known.origin() == origin);
    let chosen = own.or(by_url.as_ref()).or_else(of_layer);
    let scheme = match by_netrc(config, &origin, chosen)? {
        Some(scheme) => scheme,
        None => match chosen {
            Some(credentials) => Arc::clone(credentials.scheme()),
            None => return Ok(None),
        },
    };
    in_clear(config, &origin, request.uri()).map(|()| Some(scheme))
}

/// What the netrc has for a host without other credentials, or for a user without a password.
#[cfg(feature = "netrc")]
fn by_netrc(config: &Config, origin: &Origin, chosen: Option<&Credentials>) -> Result<Option<Arc<dyn Scheme>>, Error> {
    let login = chosen.and_then(Credentials::login);
    let Some(netrc) = config.netrc.as_ref().filter(|_| chosen.is_none() || login.is_some()) else { return Ok(None) };
    Ok(netrc.basic(origin, login)?.map(|basic| Arc::new(basic) as Arc<dyn Scheme>))
}

#[cfg(not(feature = "netrc"))]
fn by_netrc(_: &Config, _: &Origin, _: Option<&Credentials>) -> Result<Option<Arc<dyn Scheme>>, Error> {
    Ok(None)
}

/// What stood in front of the `@`, which is not for the wire
/// ([RFC 9110, section 4.2.4](https://www.rfc-editor.org/rfc/rfc9110#section-4.2.4)).
fn take_userinfo(url: &mut Uri) -> Result<Option<uri::Userinfo>, Error> {
    let Some((_, host)) = url.authority().and_then(|authority| authority.as_str().rsplit_once('@')) else {
        return Ok(None);
    };
    // Without a scheme it is no URL.
    if url.scheme().is_none() {
        return Ok(None);
    }
    let userinfo = uri::parse(&url.to_string())?.userinfo;
    let host = host.parse();
    let mut parts = std::mem::take(url).into_parts();
    parts.authority = Some(host.map_err(not_a_url)?);
    *url = Uri::from_parts(parts).map_err(not_a_url)?;
    Ok(userinfo)
}

fn not_a_url(error: impl Into<BoxError>) -> Error {
    Error::new(Kind::Builder, "the URL cannot be understood without its userinfo").with_source(error)
}

/// Fails where credentials must not go out over this scheme.
fn in_clear(config: &Config, origin: &Origin, url: &Uri) -> Result<(), Error> {
    if !config.https_only || origin.is_https() || is_loopback(origin.host()) {
        return Ok(());
    }
    let message = "credentials would go out in clear, and only https is allowed for them";
    Err(unusable(AuthErrorReason::InClear, message).with_url(url))
}

fn is_loopback(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    name == "localhost"
        || name.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}
