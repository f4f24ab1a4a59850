//! Names and values that a request may have, and those that it must not.

use treq::{Client, Kind};

use crate::{Row, block_on, world};

pub(crate) fn play(_: &str, row: &Row) -> Result<(), String> {
    let name = row.text("name").ok_or("no name")?.to_owned();
    let value = value(row)?;
    let want = match (row.text("expect"), row.text("expect_sent_latin1")) {
        (Some("error"), None) => None,
        (Some("sent-as-is"), None) => Some(value.clone()),
        (None, Some(sent)) => Some(latin1(sent)?),
        _ => return Err("no expectation".to_owned()),
    };
    let sent = name.clone();
    let played = block_on(world::play(Client::builder(), [world::answer(200, &[])], |client| {
        client.get("http://a.test/").header(sent, value)
    }))??;
    match (played.outcome, want) {
        (Err(error), None) if error.kind() == Kind::Builder && played.seen.is_empty() => Ok(()),
        (Err(error), _) => Err(format!("refused: {error}")),
        (Ok(_), None) => Err("it is sent".to_owned()),
        (Ok(_), Some(want)) => {
            let [seen] = &played.seen[..] else { return Err(format!("{} requests", played.seen.len())) };
            let found = values(&seen.wire.head, name.as_bytes());
            if found == [&*want] { Ok(()) } else { Err(format!("{found:?} is sent")) }
        }
    }
}

/// The bytes of the row's value.
pub(crate) fn value(row: &Row) -> Result<Vec<u8>, String> {
    match (row.text("value"), row.text("value_latin1")) {
        (Some(text), None) => Ok(text.as_bytes().to_vec()),
        (None, Some(text)) => latin1(text),
        _ => Err("no value".to_owned()),
    }
}

/// The bytes whose Latin-1 view a text is.
pub(crate) fn latin1(text: &str) -> Result<Vec<u8>, String> {
    let byte = |char| u8::try_from(u32::from(char)).map_err(|_| format!("{char:?} is no byte"));
    text.chars().map(byte).collect()
}

/// The values of a field in a head, without the spaces and tabs around them, which belong to the line.
fn values<'a>(head: &'a [u8], name: &[u8]) -> Vec<&'a [u8]> {
    let lines = head.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut values = Vec::new();
    for line in lines {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
        if line[..colon].eq_ignore_ascii_case(name) {
            values.push(trimmed(&line[colon + 1..]));
        }
    }
    values
}

fn trimmed(value: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let Some(start) = value.iter().position(|byte| !is_space(byte)) else { return &[] };
    let end = value.iter().rposition(|byte| !is_space(byte)).unwrap_or(start);
    &value[start..=end]
}
