use std::fmt;

use http::HeaderValue;
use treq_core::auth::{Outgoing, Scheme, Step, basic};
use treq_core::{BoxError, Error};

use crate::AuthErrorReason;
use crate::error::unusable;

/// User name and password, sent with every request ([RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)). Text goes out
/// as UTF-8, bytes as they are.
///
/// ```
/// use treq_auth::{Basic, Outgoing, Scheme};
///
/// let basic = Basic::new("Aladdin", "open sesame")?;
/// let (method, uri, mut headers) = (http::Method::GET, "http://a.test/".parse()?, http::HeaderMap::new());
/// basic.authorize(&mut Outgoing::new(&method, &uri, &mut headers))?;
/// assert_eq!(headers["authorization"], "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
#[derive(Clone)]
pub struct Basic {
    value: HeaderValue,
}

impl Basic {
    /// Either may be empty.
    ///
    /// # Errors
    ///
    /// [`AuthErrorReason::Colon`]: the user name holds a colon, at which the server would cut it
    /// ([section 2](https://www.rfc-editor.org/rfc/rfc7617#section-2)).
    pub fn new(user: impl AsRef<[u8]>, password: impl AsRef<[u8]>) -> Result<Basic, Error> {
        let (user, password) = (user.as_ref(), password.as_ref());
        if user.contains(&b':') {
            let message = "a user name with a colon cannot be sent by Basic: the server takes what follows the first \
                           colon for the password";
            return Err(unusable(AuthErrorReason::Colon, message));
        }
        Ok(Basic { value: basic(user, password) })
    }
}

impl Scheme for Basic {
    fn authorize(&self, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
        request.authorize(self.value.clone());
        Ok(Step::Send)
    }
}

impl fmt::Debug for Basic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Basic(..)")
    }
}
