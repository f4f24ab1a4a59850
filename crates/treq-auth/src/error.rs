use std::error::Error as StdError;
use std::fmt;

use treq_core::{Error, Kind};

/// The cause of an error of `Kind::Auth`: credentials that cannot or must not be used. Nothing secret stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unusable {
    why: Why,
}

/// Why credentials are [`Unusable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Why {
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

impl Unusable {
    /// Why.
    pub fn why(&self) -> Why {
        self.why
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.why {
            Why::Colon => "the user name holds a colon",
            Why::Token => "the token is not a token",
            Why::Name => "the user name fits into no header field",
            Why::InClear => "the credentials would go out in clear",
            Why::BodyOnce => "the body can be read only once",
            Why::Proof => "the server did not prove that it knows the password",
            Why::File => "the netrc file is not usable",
            Why::Syntax => "the netrc file is malformed",
            Why::Random => "there are no random bytes",
        })
    }
}

impl StdError for Unusable {}

pub(crate) fn unusable(why: Why, message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Kind::Auth, message).with_source(Unusable { why })
}
