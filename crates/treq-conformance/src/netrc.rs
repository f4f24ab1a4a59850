//! A `.netrc` file to its entries, and with a URL to what the client sends.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use treq::Client;
use treq::auth::{AuthLayer, Netrc};

use crate::{Row, block_on, world};

pub(crate) fn play(_: &str, row: &Row) -> Result<(), String> {
    let parsed = Netrc::parse(row.text("netrc").ok_or("no netrc")?);
    if let Some(expect) = row.get("expect") {
        return match (expect.get("error"), expect.get("hosts").and_then(Value::as_object), parsed) {
            (Some(Value::Bool(true)), None, Err(_)) => Ok(()),
            (Some(Value::Bool(true)), None, Ok(netrc)) => Err(format!("no error but {netrc:?}")),
            (None, Some(hosts), Ok(netrc)) => entries(hosts, &netrc),
            (None, Some(_), Err(error)) => Err(error.to_string()),
            _ => Err("no expectation".to_owned()),
        };
    }
    let want = match row.get("expect_auth").ok_or("no expectation")? {
        Value::Null => None,
        pair => match (pair[0].as_str(), pair[1].as_str(), pair.get(2)) {
            (Some(login), Some(password), None) => {
                Some(format!("Basic {}", STANDARD.encode(format!("{login}:{password}"))))
            }
            _ => return Err(format!("{pair} are no credentials")),
        },
    };
    let netrc = parsed.map_err(|error| error.to_string())?;
    let url = row.text("url").ok_or("no url")?;
    let builder = Client::builder().auth_layer(AuthLayer::new().netrc(netrc));
    let played = block_on(world::play(builder, [world::answer(200, &[])], |client| client.get(url)))??;
    played.outcome.map_err(|error| error.to_string())?;
    let [seen] = &played.seen[..] else { return Err(format!("{} requests", played.seen.len())) };
    let found = seen.wire.header("authorization");
    if found == want.as_deref() { Ok(()) } else { Err(format!("{found:?} is sent, not {want:?}")) }
}

/// The rows have an empty password where there is none.
fn entries(hosts: &Map<String, Value>, netrc: &Netrc) -> Result<(), String> {
    let mut found = Map::new();
    for entry in netrc.entries() {
        let words = [
            ("login", entry.login()),
            ("account", entry.account()),
            ("password", entry.password().unwrap_or_default()),
        ];
        let words: Map<_, _> = words.into_iter().map(|(key, word)| (key.to_owned(), Value::from(word))).collect();
        found.insert(entry.host().unwrap_or("default").to_owned(), words.into());
    }
    if found == *hosts { Ok(()) } else { Err(format!("{found:?}, not {hosts:?}")) }
}
