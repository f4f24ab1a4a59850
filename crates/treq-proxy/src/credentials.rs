use std::hash::{Hash, Hasher};
use std::sync::Arc;

use http::HeaderValue;
use treq_core::auth::{self, Scheme};
use treq_core::{Error, Kind};

use crate::ProxyScheme;

/// How a proxy is told who asks.
#[derive(Clone)]
pub(crate) enum Credentials {
    None,
    Login(Arc<Login>),
    Scheme(Arc<dyn Scheme>),
}

#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Login {
    pub(crate) user: Vec<u8>,
    pub(crate) password: Option<Vec<u8>>,
}

impl Login {
    pub(crate) fn check(&self, scheme: ProxyScheme) -> Result<(), Error> {
        let refuse = |why: String| Err(Error::new(Kind::Builder, why));
        match scheme {
            ProxyScheme::Http | ProxyScheme::Https if self.user.contains(&b':') => refuse(
                "a user name with a colon cannot be sent to an HTTP proxy: Basic takes what follows the first colon \
                 for the password"
                    .to_owned(),
            ),
            ProxyScheme::Http | ProxyScheme::Https => Ok(()),
            ProxyScheme::Socks4 | ProxyScheme::Socks4a => match &self.password {
                Some(_) => refuse(format!("{scheme} knows no password: leave it out, or use socks5")),
                None if self.user.contains(&0) => {
                    refuse(format!("a user name for {scheme} cannot hold a zero byte, which ends it"))
                }
                None => Ok(()),
            },
            ProxyScheme::Socks5 | ProxyScheme::Socks5h => {
                for (what, len) in
                    [("user name", self.user.len()), ("password", self.password.as_ref().map_or(0, Vec::len))]
                {
                    if len > 255 {
                        return refuse(format!("a {what} of {len} bytes is too long for {scheme}: the limit is 255"));
                    }
                }
                Ok(())
            }
        }
    }

    /// The field of Basic, marked sensitive.
    pub(crate) fn basic(&self) -> HeaderValue {
        auth::basic(&self.user, self.password.as_deref().unwrap_or_default())
    }
}

impl PartialEq for Credentials {
    /// A scheme equals only itself: its state is its own.
    fn eq(&self, other: &Credentials) -> bool {
        match (self, other) {
            (Credentials::None, Credentials::None) => true,
            (Credentials::Login(a), Credentials::Login(b)) => a == b,
            (Credentials::Scheme(a), Credentials::Scheme(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Eq for Credentials {}

impl Hash for Credentials {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Credentials::None => state.write_u8(0),
            Credentials::Login(login) => {
                state.write_u8(1);
                login.hash(state);
            }
            Credentials::Scheme(scheme) => {
                state.write_u8(2);
                state.write_usize(Arc::as_ptr(scheme).cast::<()>() as usize);
            }
        }
    }
}
