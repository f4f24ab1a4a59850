//! Which charset a `Content-Type` names, seen by what the client makes of bytes.

use encoding_rs::Encoding;

use crate::case::{Case, Compared, Mismatch};
use crate::json::{self, Json};
use crate::profile;
use crate::world::{Step, World};

/// Bytes that are valid, and something else, in every charset that is told apart.
const BYTES: &[u8] = b"\xc3\xa9\xd0\xb6";

/// Plays `content_type` alone.
pub(crate) async fn play(case: &Case) -> Result<Option<Vec<Mismatch>>, String> {
    let Some(value) = case.given.get("content_type").filter(|_| case.given.map().is_some_and(|all| all.len() == 1))
    else {
        return Ok(None);
    };
    let Some(want) = case.expect.get("charset") else { return Ok(None) };
    let values = match value {
        Json::List(list) => list.clone(),
        one => vec![one.clone()],
    };
    let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", BYTES.len()).into_bytes();
    for value in &values {
        answer.extend_from_slice(b"Content-Type: ");
        answer.extend(json::bytes(value.text().ok_or("a Content-Type is a text")?)?);
        answer.extend_from_slice(b"\r\n");
    }
    answer.extend_from_slice(b"\r\n");
    answer.extend_from_slice(BYTES);
    let world = World::new([Step::Send(answer)]);
    let mut response = profile::client(&world, None)?.get("http://example.com/").await.map_err(|it| it.to_string())?;
    let by = |label: &'static str| label;
    let one = response.text_with_default(by("koi8-r")).await.map_err(|error| error.to_string())?;
    let other = response.text_with_default(by("windows-1251")).await.map_err(|error| error.to_string())?;
    let mut compared = Compared::default();
    // A text that does not depend on what is said for want of a charset has one.
    let seen = if one == other { one } else { "none".to_owned() };
    let wanted = match want.text() {
        None => "none".to_owned(),
        Some(label) => match Encoding::for_label(label.as_bytes()) {
            Some(encoding) => encoding.decode(BYTES).0.into_owned(),
            None => format!("charset {label}"),
        },
    };
    compared.same("charset", wanted, seen);
    Ok(Some(compared.0))
}
