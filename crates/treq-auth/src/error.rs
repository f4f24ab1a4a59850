use std::error::Error as StdError;
use std::fmt;

use treq_core::{Error, Kind};

/// The cause of an error of `Kind::Auth`: credentials that cannot or must not be used. Nothing secret stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthError {
    reason: AuthErrorReason,
}

/// Why credentials are [`AuthError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthErrorReason {
    /// A colon in the user name of [`Basic`](crate::Basic).
    Colon,
    /// A [`Bearer`](crate::Bearer) token that is empty or holds a byte that no token may hold.
    Token,
    /// A user name that fits into no header field.
    Name,
    /// They would go out over `http`, and the layer is `https_only`.
    InClear,
    /// The scheme must read the body before it is sent, and the body can be read only once.
    BodyOnce,
    /// The server's own proof, the `rspauth` of Digest, is wrong: it does not know the password.
    Proof,
    /// A netrc file that cannot be read, is too large, or that others than its owner may read.
    File,
    /// The text of a netrc file makes no sense.
    Syntax,
    /// The system gives no random bytes.
    Random,
}

impl AuthError {
    /// Why.
    pub fn reason(&self) -> AuthErrorReason {
        self.reason
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reason {
            AuthErrorReason::Colon => "the user name holds a colon",
            AuthErrorReason::Token => "the token is not a token",
            AuthErrorReason::Name => "the user name fits into no header field",
            AuthErrorReason::InClear => "the credentials would go out in clear",
            AuthErrorReason::BodyOnce => "the body can be read only once",
            AuthErrorReason::Proof => "the server did not prove that it knows the password",
            AuthErrorReason::File => "the netrc file is not usable",
            AuthErrorReason::Syntax => "the netrc file is malformed",
            AuthErrorReason::Random => "there are no random bytes",
        })
    }
}

impl StdError for AuthError {}

pub(crate) fn unusable(reason: AuthErrorReason, message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Kind::Auth, message).with_source(AuthError { reason })
}
