use std::borrow::Cow;

use bytes::Bytes;
use http::header::InvalidHeaderValue;
use http::{HeaderMap, HeaderName, HeaderValue};
use treq_core::{Error, Kind, is_credential};

use crate::builder::refuse;

/// Fields for [`RequestBuilder::headers`](crate::RequestBuilder::headers): a `HeaderMap`, or pairs of names and values
/// in a list, a map or any other iterator, by value or by reference.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = treq_httpbin::Server::start().await?;
/// use std::collections::HashMap;
///
/// let tea = HashMap::from([("x-tea", "green"), ("x-sugar", "none")]);
/// let client = treq::Client::builder().headers(&tea).build()?;
/// let cups = (1..3).map(|cup| (format!("x-cup-{cup}"), cup));
/// let text = client.get(server.url("/headers")).headers(cups).await?.text().await?;
/// assert!(text.contains("X-Tea") && text.contains("X-Cup-2"));
/// # Ok(()) }
/// ```
pub trait Headers: sealed::Headers {}

impl<I> Headers for I where I: IntoIterator<Item: sealed::Field> {}

/// The name of a header field: text or an [`http::HeaderName`], by value or by reference.
pub trait IntoHeaderName: sealed::Name {}

/// The value of a header field: text, bytes, a number or an [`http::HeaderValue`], by value or by reference.
pub trait IntoHeaderValue: sealed::Value {}

impl<T: sealed::Name + ?Sized> IntoHeaderName for T {}
impl<T: sealed::Value + ?Sized> IntoHeaderValue for T {}

pub(crate) mod sealed {
    use super::*;

    pub trait Headers {
        fn add_to(self, into: &mut HeaderMap) -> Result<(), Error>;
    }

    impl<I> Headers for I
    where
        I: IntoIterator<Item: Field>,
    {
        fn add_to(self, into: &mut HeaderMap) -> Result<(), Error> {
            let mut last = None;
            for item in self {
                let (name, value) = item.field(last)?;
                into.append(name.clone(), value);
                last = Some(name);
            }
            Ok(())
        }
    }

    pub trait Field {
        /// `last` is the name of the field before: what a `HeaderMap` yields has a name only where that is another one.
        fn field(self, last: Option<HeaderName>) -> Result<(HeaderName, HeaderValue), Error>;
    }

    impl<K: Name, V: Value> Field for (K, V) {
        fn field(self, _: Option<HeaderName>) -> Result<(HeaderName, HeaderValue), Error> {
            field(&self.0, &self.1)
        }
    }

    impl<K: Name, V: Value> Field for &(K, V) {
        fn field(self, _: Option<HeaderName>) -> Result<(HeaderName, HeaderValue), Error> {
            field(&self.0, &self.1)
        }
    }

    impl Field for (Option<HeaderName>, HeaderValue) {
        fn field(self, last: Option<HeaderName>) -> Result<(HeaderName, HeaderValue), Error> {
            let name = self.0.or(last).ok_or_else(|| Error::new(Kind::Builder, "the first header has no name"))?;
            field(&name, &self.1)
        }
    }

    pub trait Name {
        fn name(&self) -> Result<HeaderName, Error>;
    }

    impl Name for HeaderName {
        fn name(&self) -> Result<HeaderName, Error> {
            Ok(self.clone())
        }
    }

    impl Name for str {
        fn name(&self) -> Result<HeaderName, Error> {
            HeaderName::from_bytes(self.as_bytes()).map_err(|error| {
                // The value may have been given with it.
                let shown: String = self.split([':', '=']).next().unwrap_or_default().chars().take(100).collect();
                let why = format!("{shown:?} is no header name: letters, digits and !#$%&'*+-.^_`|~ may stand in one");
                refuse(why, error)
            })
        }
    }

    pub trait Value {
        /// The bytes of a value that has not been checked.
        fn bytes(&self) -> Option<&[u8]> {
            None
        }

        fn value(&self) -> Result<HeaderValue, InvalidHeaderValue>;
    }

    impl Value for HeaderValue {
        fn value(&self) -> Result<HeaderValue, InvalidHeaderValue> {
            Ok(self.clone())
        }
    }

    macro_rules! values {
        ($([$($parameter:tt)*] $of:ty as $as:ty),+ $(,)?) => {$(
            impl<$($parameter)*> Value for $of {
                fn bytes(&self) -> Option<&[u8]> {
                    let value: &$as = self;
                    Some(value.as_ref())
                }

                fn value(&self) -> Result<HeaderValue, InvalidHeaderValue> {
                    let value: &$as = self;
                    HeaderValue::from_bytes(value.as_ref())
                }
            }
        )+};
    }

    values! { [] str as str, [] String as str, ['a] Cow<'a, str> as str }
    values! { [] [u8] as [u8], [] Vec<u8> as [u8], [const N: usize] [u8; N] as [u8], [] Bytes as [u8] }

    macro_rules! names {
        ($($of:ty),+) => {$(
            impl Name for $of {
                fn name(&self) -> Result<HeaderName, Error> {
                    str::name(self)
                }
            }
        )+};
    }

    names! { String, Cow<'_, str> }

    impl<T: Name + ?Sized> Name for &T {
        fn name(&self) -> Result<HeaderName, Error> {
            (**self).name()
        }
    }

    impl<T: Value + ?Sized> Value for &T {
        fn bytes(&self) -> Option<&[u8]> {
            (**self).bytes()
        }

        fn value(&self) -> Result<HeaderValue, InvalidHeaderValue> {
            (**self).value()
        }
    }

    macro_rules! numbers {
        ($($of:ty)+) => {$(
            impl Value for $of {
                fn value(&self) -> Result<HeaderValue, InvalidHeaderValue> {
                    Ok(HeaderValue::from(*self))
                }
            }
        )+};
    }

    numbers! { i16 i32 i64 isize u16 u32 u64 usize }
}

/// One field, or an error that names it and the byte that is out of place. The rest of the value is not shown: it may
/// be a secret.
pub(crate) fn field(
    name: &(impl sealed::Name + ?Sized),
    value: &(impl sealed::Value + ?Sized),
) -> Result<(HeaderName, HeaderValue), Error> {
    let name = name.name()?;
    let mut value = value.value().map_err(|error| refused(&name, value.bytes().unwrap_or_default(), error))?;
    if is_credential(&name) {
        // Nobody who shows the request shows this, and no HTTP/2 table keeps it.
        value.set_sensitive(true);
    }
    Ok((name, value))
}

#[cold]
fn refused(name: &HeaderName, value: &[u8], error: InvalidHeaderValue) -> Error {
    let bad = value.iter().enumerate().find(|(_, byte)| (**byte < b' ' && **byte != b'\t') || **byte == 0x7f);
    refuse(
        match bad {
            Some((at, byte)) => {
                format!("the value of header \"{name}\" has the control character {byte:#04x} at byte {at}")
            }
            None => format!("the value of header \"{name}\" is not allowed"),
        },
        error,
    )
}
