use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::call::{Call, flat};
use crate::json::pretty;
use crate::random::Random;
use crate::reply::{Coding, Reply};

pub(crate) fn get(call: &Call) -> Reply {
    Reply::json(&call.told().into())
}

pub(crate) fn sent(call: &Call) -> Reply {
    let mut told = with_content(call);
    told.insert("json".to_owned(), call.content.json());
    Reply::json(&told.into())
}

pub(crate) fn anything(call: &Call) -> Reply {
    let mut told = with_content(call);
    told.insert("json".to_owned(), call.content.json());
    told.insert("method".to_owned(), call.method.as_str().into());
    Reply::json(&told.into())
}

pub(crate) fn delay(call: &Call) -> Reply {
    match seconds(call.segment(1)) {
        Some(delay) => Reply::json(&with_content(call).into()).after(delay.min(Duration::from_secs(10))),
        None => Reply::broken(),
    }
}

pub(crate) fn headers(call: &Call) -> Reply {
    Reply::json(&json!({ "headers": call.shown_headers() }))
}

pub(crate) fn ip(call: &Call) -> Reply {
    Reply::json(&json!({ "origin": call.origin }))
}

pub(crate) fn user_agent(call: &Call) -> Reply {
    Reply::json(&json!({ "user-agent": call.header("user-agent") }))
}

/// A random UUID ([RFC 9562, section 5.4](https://www.rfc-editor.org/rfc/rfc9562#section-5.4)).
pub(crate) fn uuid(_: &Call) -> Reply {
    let hex = random_hex();
    let variant = ["8", "9", "a", "b"][usize::from(Random::new().byte() % 4)];
    let uuid = format!("{}-{}-4{}-{variant}{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..]);
    Reply::json(&json!({ "uuid": uuid }))
}

/// 32 random hexadecimal digits.
pub(crate) fn random_hex() -> String {
    Random::new().bytes(16).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn gzip(call: &Call) -> Reply {
    coded(call, "gzipped", Coding::Gzip)
}

pub(crate) fn deflate(call: &Call) -> Reply {
    coded(call, "deflated", Coding::Deflate)
}

pub(crate) fn brotli(call: &Call) -> Reply {
    coded(call, "brotli", Coding::Brotli)
}

pub(crate) fn zstd(call: &Call) -> Reply {
    coded(call, "zstd", Coding::Zstd)
}

pub(crate) fn upload_count(call: &Call) -> Reply {
    Reply::json(&json!({ "length": call.length }))
}

/// The arguments as fields of the answer, and as its content: which tells its own length too.
pub(crate) fn response_headers(call: &Call) -> Reply {
    let mut length = 0;
    let content = loop {
        let content = pretty(&header_object(call, length));
        if content.len() == length {
            break content;
        }
        length = content.len();
    };
    let reply = Reply::new("application/json", content);
    call.args.iter().fold(reply, |reply, (name, value)| reply.header(name, value))
}

/// Fields whose names differ only in case are one field, each spelling showing all its values.
fn header_object(call: &Call, length: usize) -> Value {
    let mut fields = vec![
        ("Content-Type".to_owned(), "application/json".to_owned()),
        ("Content-Length".to_owned(), length.to_string()),
    ];
    fields.extend(call.args.iter().cloned());
    let shown = fields.iter().map(|(name, _)| {
        let same = fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let pairs: Vec<_> = same.map(|(_, value)| (String::new(), value.clone())).collect();
        (name.clone(), flat(&pairs)[""].clone())
    });
    Value::Object(shown.collect())
}

/// A number of seconds, as Python's `float` reads it and `sleep` takes it.
pub(crate) fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.trim().parse().ok()?).ok()
}

fn with_content(call: &Call) -> Map<String, Value> {
    let mut told = call.told();
    told.insert("data".to_owned(), call.content.text().into());
    told.insert("files".to_owned(), call.content.files.clone().into());
    told.insert("form".to_owned(), flat(&call.content.form));
    told
}

fn coded(call: &Call, name: &str, coding: Coding) -> Reply {
    let told = json!({
        "headers": call.shown_headers(),
        "method": call.method.as_str(),
        "origin": call.origin,
        name: true,
    });
    Reply::json(&told).coded(coding)
}
