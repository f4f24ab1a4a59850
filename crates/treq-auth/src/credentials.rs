use std::fmt;
use std::sync::Arc;

use treq_core::auth::Scheme;
use treq_core::uri::Userinfo;
use treq_core::{Error, Origin};

use crate::Basic;

/// Request option: a [`Scheme`] together with the one origin that may see it. To a request to any other origin nothing
/// is added, so that it may stay among the extensions of a chain of redirects.
///
/// Clones share the state of the scheme, as the nonce of a Digest: keep one and clone it into each request.
///
/// ```
/// use treq_auth::{Bearer, Credentials};
/// use treq_core::Origin;
///
/// let origin = Origin::from_uri(&"https://api.test/".parse()?)?;
/// let credentials = Credentials::new(origin, Bearer::new("t0ken")?);
/// let request = http::Request::get("https://api.test/v1").extension(credentials).body(())?;
/// assert!(!format!("{:?}", request.extensions().get::<Credentials>()).contains("t0ken"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Credentials {
    origin: Origin,
    scheme: Arc<dyn Scheme>,
    /// A user name without a password, which a netrc file may know.
    #[cfg_attr(not(feature = "netrc"), allow(dead_code))]
    login: Option<Box<[u8]>>,
}

impl Credentials {
    /// This scheme for this origin.
    pub fn new(origin: Origin, scheme: impl Scheme) -> Credentials {
        Credentials { origin, scheme: Arc::new(scheme), login: None }
    }

    /// Basic with what stood in front of the `@` of a URL of this origin. Where there was no password, it is the one
    /// that the layer's netrc has for this host and this very user, or else empty.
    ///
    /// # Errors
    ///
    /// [`AuthErrorReason::Colon`](crate::AuthErrorReason::Colon): the user name holds a colon, percent-encoded.
    ///
    /// ```
    /// use treq_auth::Credentials;
    /// use treq_core::{Origin, uri};
    ///
    /// let located = uri::parse("http://user:pass%20word@a.test/")?;
    /// let credentials = Credentials::from_userinfo(Origin::from_uri(&located.uri)?, &located.userinfo.unwrap())?;
    /// assert_eq!(credentials.origin().to_string(), "http://a.test");
    /// # Ok::<(), treq_core::Error>(())
    /// ```
    pub fn from_userinfo(origin: Origin, userinfo: &Userinfo) -> Result<Credentials, Error> {
        let basic = Basic::new(&userinfo.name, userinfo.password.as_deref().unwrap_or_default())?;
        let login = userinfo.password.is_none().then(|| userinfo.name.clone().into());
        Ok(Credentials { login, ..Credentials::new(origin, basic) })
    }

    /// The one origin that they are for.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn scheme(&self) -> &Arc<dyn Scheme> {
        &self.scheme
    }

    #[cfg(feature = "netrc")]
    pub(crate) fn login(&self) -> Option<&[u8]> {
        self.login.as_deref()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("origin", &self.origin).finish_non_exhaustive()
    }
}
