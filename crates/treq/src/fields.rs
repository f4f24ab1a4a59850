use std::collections::{BTreeMap, HashMap};

use http::{HeaderMap, HeaderName, HeaderValue};
use treq_core::{BoxError, Error, Kind, is_credential};

use crate::builder::refuse;

/// Fields for [`RequestBuilder::headers`](crate::RequestBuilder::headers): a `HeaderMap`, or pairs of names and values
/// in an array, a `Vec`, a slice or a map.
pub trait Headers {
    /// Adds the fields to `into`.
    ///
    /// # Errors
    ///
    /// For a name that is no token and a value with control characters, naming it.
    fn add_to(self, into: &mut HeaderMap) -> Result<(), Error>;
}

impl Headers for HeaderMap {
    fn add_to(self, into: &mut HeaderMap) -> Result<(), Error> {
        let mut last = None;
        for (name, value) in self {
            last = name.or(last);
            if let Some(name) = &last {
                let mut value = value;
                value.set_sensitive(value.is_sensitive() || is_credential(name));
                into.append(name, value);
            }
        }
        Ok(())
    }
}

impl Headers for &HeaderMap {
    fn add_to(self, into: &mut HeaderMap) -> Result<(), Error> {
        self.clone().add_to(into)
    }
}

macro_rules! headers_of_pairs {
    ($($of:ty),+ $(,)?) => {$(
        impl<K, V> Headers for $of
        where
            K: AsRef<str> + TryInto<HeaderName>,
            K::Error: Into<BoxError>,
            V: AsRef<[u8]> + TryInto<HeaderValue>,
            V::Error: Into<BoxError>,
        {
            fn add_to(self, into: &mut HeaderMap) -> Result<(), Error> {
                for (name, value) in self {
                    let (name, value) = field(name, value)?;
                    into.append(name, value);
                }
                Ok(())
            }
        }
    )+};
}

headers_of_pairs! {
    Vec<(K, V)>,
    HashMap<K, V>,
    BTreeMap<K, V>,
}

impl<K, V, const N: usize> Headers for [(K, V); N]
where
    K: AsRef<str> + TryInto<HeaderName>,
    K::Error: Into<BoxError>,
    V: AsRef<[u8]> + TryInto<HeaderValue>,
    V::Error: Into<BoxError>,
{
    fn add_to(self, into: &mut HeaderMap) -> Result<(), Error> {
        Vec::from(self).add_to(into)
    }
}

impl Headers for &[(&str, &str)] {
    fn add_to(self, into: &mut HeaderMap) -> Result<(), Error> {
        self.to_vec().add_to(into)
    }
}

/// One field, or an error that names it and the byte that is out of place. The rest of the value is not shown: it may
/// be a secret.
pub(crate) fn field<K, V>(name: K, value: V) -> Result<(HeaderName, HeaderValue), Error>
where
    K: AsRef<str> + TryInto<HeaderName>,
    K::Error: Into<BoxError>,
    V: AsRef<[u8]> + TryInto<HeaderValue>,
    V::Error: Into<BoxError>,
{
    // The value may have been given with it.
    let shown: String = name.as_ref().split([':', '=']).next().unwrap_or_default().chars().take(100).collect();
    let bad = value.as_ref().iter().position(|&byte| (byte < b' ' && byte != b'\t') || byte == 0x7f);
    let name = name.try_into().map_err(|error| {
        let why = format!("{shown:?} is no header name: letters, digits and !#$%&'*+-.^_`|~ may stand in one");
        refuse(why, error)
    })?;
    if let Some(at) = bad {
        let byte = value.as_ref()[at];
        let why = format!("the value of header {shown:?} has the control character {byte:#04x} at byte {at}");
        return Err(Error::new(Kind::Builder, why));
    }
    let mut value: HeaderValue =
        value.try_into().map_err(|error| refuse(format!("the value of header {shown:?} is not allowed"), error))?;
    if is_credential(&name) {
        // Nobody who shows the request shows this, and no HTTP/2 table keeps it.
        value.set_sensitive(true);
    }
    Ok((name, value))
}
