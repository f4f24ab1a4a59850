//! Pairs in the query of a URL and in a form.

use http::Uri;
use serde::Serialize;
use treq_core::{Error, Kind, uri};

use crate::builder::refuse;
use crate::pairs;

/// Appends `params` to the query that the URL has, in order.
///
/// Letters, digits and `-._~` stay, a space becomes `+`, all else is percent-encoded UTF-8.
pub(crate) fn append<T: Serialize + ?Sized>(uri: &Uri, params: &T) -> Result<Option<Uri>, Error> {
    // The serializer writes forms, which differ from queries in two characters.
    let pairs = encode(params, "params")?.replace("%7E", "~").replace('*', "%2A");
    if pairs.is_empty() {
        return Ok(None);
    }
    let path = uri.path();
    let joined = match uri.query() {
        Some(query) if !query.is_empty() => format!("{path}?{query}&{pairs}"),
        _ => format!("{path}?{pairs}"),
    };
    let mut parts = uri.clone().into_parts();
    if joined.len() > uri::MAX_LEN {
        let why = format!("with its params the URL has {} bytes: the limit is {}", joined.len(), uri::MAX_LEN);
        return Err(Error::new(Kind::Builder, why));
    }
    let refused = "the params cannot stand in a URL";
    parts.path_and_query = Some(joined.parse().map_err(|error| refuse(refused.to_owned(), error))?);
    Uri::from_parts(parts).map(Some).map_err(|error| refuse(refused.to_owned(), error))
}

/// Pairs as `application/x-www-form-urlencoded`.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T, what: &str) -> Result<String, Error> {
    pairs::encode(value).map_err(|wrong| {
        let remedy = "give pairs, a map or a struct of plain values and lists of them";
        Error::new(Kind::Builder, format!("the {what} are not pairs: {wrong}; {remedy}"))
    })
}
