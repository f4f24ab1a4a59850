//! Parts to the bytes of a form.

use encoding_rs::Encoding;
use serde_json::{Map, Value};
use treq::{Form, Part};

use crate::{Row, block_on, world};

pub(crate) fn play(_: &str, row: &Row) -> Result<(), String> {
    let want = match row.text("expect_body") {
        Some(text) => text.as_bytes().to_vec(),
        None => row.base64("expect_body_b64")?.to_vec(),
    };
    let form = form(row)?;
    let answers = [world::answer(200, &[])];
    let played = block_on(world::play(treq::Client::builder(), answers, |client| {
        client.post("http://a.test/").multipart(form)
    }))??;
    played.outcome.map_err(|error| error.to_string())?;
    let [seen] = &played.seen[..] else { return Err(format!("{} requests", played.seen.len())) };
    let content_type = seen.wire.header("content-type");
    if content_type != Some("multipart/form-data; boundary=BOUNDARY") {
        return Err(format!("Content-Type is {content_type:?}"));
    }
    if *seen.wire.body == *want { Ok(()) } else { Err(format!("sent: {:?}", String::from_utf8_lossy(&seen.wire.body))) }
}

fn form(row: &Row) -> Result<Form, String> {
    let mut form = Form::new().boundary("BOUNDARY");
    if let Some(label) = row.text("form_encoding") {
        let encoding = Encoding::for_label(label.as_bytes()).ok_or_else(|| format!("{label:?} is no charset"))?;
        form = form.encode_with(move |text| encoding.encode(text).0.into_owned());
    }
    for part in row.get("parts").and_then(Value::as_array).ok_or("no parts")? {
        let part = part.as_object().ok_or("a part is no object")?;
        form = form.part(text(part, "name")?, made(part)?);
    }
    Ok(form)
}

fn made(part: &Map<String, Value>) -> Result<Part, String> {
    if let Some(key) = part.keys().find(|key| !["name", "value", "filename", "content_type"].contains(&key.as_str())) {
        return Err(format!("{key:?} is nothing that a part has"));
    }
    let value = text(part, "value")?;
    let mut made = match part.get("filename") {
        // A file is bytes, whatever they mean.
        Some(_) => Part::bytes(value.as_bytes().to_vec()).file_name(text(part, "filename")?),
        None => Part::text(value),
    };
    if part.contains_key("content_type") {
        made = made.content_type(text(part, "content_type")?);
    }
    Ok(made)
}

fn text<'a>(part: &'a Map<String, Value>, key: &str) -> Result<&'a str, String> {
    part.get(key).and_then(Value::as_str).ok_or_else(|| format!("a part has no {key}"))
}
