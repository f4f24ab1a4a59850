use std::fmt;

use http::HeaderValue;
use treq_core::auth::{Outgoing, Scheme, Step};
use treq_core::{BoxError, Error};

use crate::AuthErrorReason;
use crate::error::unusable;

/// A token, sent with every request ([RFC 6750, section
/// 2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)).
///
/// ```
/// assert!(treq_auth::Bearer::new("mF_9.B5f-4.1JqM").is_ok());
/// assert!(treq_auth::Bearer::new("two words").is_err());
/// ```
#[derive(Clone)]
pub struct Bearer {
    value: HeaderValue,
}

impl Bearer {
    /// The token as it was issued.
    ///
    /// # Errors
    ///
    /// [`AuthErrorReason::Token`]: it is empty, or a byte of it is a space, a control character or not ASCII.
    pub fn new(token: impl AsRef<str>) -> Result<Bearer, Error> {
        let token = token.as_ref();
        let good = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        let value = HeaderValue::from_maybe_shared(bytes::Bytes::from(format!("Bearer {token}")));
        match value {
            Ok(mut value) if good => {
                value.set_sensitive(true);
                Ok(Bearer { value })
            }
            _ => {
                let message = "a bearer token is not empty, and has no spaces, control characters or characters \
                               beyond ASCII";
                Err(unusable(AuthErrorReason::Token, message))
            }
        }
    }
}

impl Scheme for Bearer {
    fn authorize(&self, request: &mut Outgoing<'_>) -> Result<Step, BoxError> {
        request.authorize(self.value.clone());
        Ok(Step::Send)
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(..)")
    }
}
