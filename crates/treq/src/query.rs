//! Pairs in the query of a URL and in a form.

use http::Uri;
use serde::Serialize;
use treq_core::{Error, Kind, uri};

use crate::builder::refuse;

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

/// Pairs as `application/x-www-form-urlencoded`
/// ([URL standard, section 5](https://url.spec.whatwg.org/#application/x-www-form-urlencoded)).
pub(crate) fn encode<T: Serialize + ?Sized>(pairs: &T, what: &str) -> Result<String, Error> {
    serde_html_form::to_string(pairs).or_else(|error| {
        let remedy = "give pairs, a map or a struct of plain values and lists of them";
        with_arrays(pairs).map_err(|name| {
            let of = name.map_or_else(|| "not pairs".to_owned(), |name| format!("not pairs at {name:?}"));
            refuse(format!("the {what} are {of}: {remedy}"), error)
        })
    })
}

/// The same where a value is an array of a fixed size: serde takes it for a tuple, which the serializer of forms does not
/// know, and JSON for a list. Else the name of the first whose value is no plain one, where it has a name.
#[cfg(feature = "json")]
#[cold]
fn with_arrays<T: Serialize + ?Sized>(pairs: &T) -> Result<String, Option<String>> {
    use serde_json::Value;
    let pairs: Vec<(Value, Value)> = match serde_json::to_value(pairs).map_err(|_| None)? {
        Value::Object(map) => map.into_iter().map(|(name, value)| (Value::String(name), value)).collect(),
        Value::Array(list) => list.into_iter().map(pair).collect::<Option<_>>().ok_or(None)?,
        _ => return Err(None),
    };
    let wrong = |(name, value): &&(Value, Value)| serde_html_form::to_string([(name, value)]).is_err();
    serde_html_form::to_string(&pairs)
        .map_err(|_| pairs.iter().find(wrong).and_then(|(name, _)| name.as_str().map(str::to_owned)))
}

#[cfg(feature = "json")]
fn pair(value: serde_json::Value) -> Option<(serde_json::Value, serde_json::Value)> {
    let serde_json::Value::Array(two) = value else { return None };
    let [name, value] = <[_; 2]>::try_from(two).ok()?;
    Some((name, value))
}

#[cfg(not(feature = "json"))]
fn with_arrays<T: ?Sized>(_: &T) -> Result<String, Option<String>> {
    Err(None)
}
