use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::redirect;
use crate::reply::Reply;

/// The cookies that came; of several of one name the first.
pub(crate) fn cookies(call: &Call) -> Reply {
    let mut cookies = Map::new();
    for (name, value) in sent(call) {
        cookies.entry(name).or_insert_with(|| Value::from(value));
    }
    Reply::json(&json!({ "cookies": cookies }))
}

/// The cookies as they came.
pub(crate) fn sent(call: &Call) -> Vec<(String, String)> {
    let field = call.header("cookie").unwrap_or_default();
    let pairs = field.split(';').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let named = pairs.filter(|(name, _)| !name.trim().is_empty());
    named.map(|(name, value)| (name.trim().to_owned(), unquoted(value.trim()))).collect()
}

/// Sets a cookie for each argument; of several of one name the first.
pub(crate) fn set(call: &Call) -> Reply {
    firsts(call).fold(redirect::page("/cookies"), |reply, (name, value)| with_cookie(reply, call, name, value))
}

pub(crate) fn set_one(call: &Call) -> Reply {
    with_cookie(redirect::page("/cookies"), call, call.segment(2), call.segment(3))
}

pub(crate) fn delete(call: &Call) -> Reply {
    firsts(call).fold(redirect::page("/cookies"), |reply, (name, _)| {
        let cookie = format!("{name}=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/");
        reply.header("set-cookie", &cookie)
    })
}

fn firsts(call: &Call) -> impl Iterator<Item = (&str, &str)> {
    let args = call.args.iter().enumerate();
    args.filter(|(at, (name, _))| !call.args[..*at].iter().any(|(other, _)| other == name))
        .map(|(_, (name, value))| (name.as_str(), value.as_str()))
}

pub(crate) fn with_cookie(reply: Reply, call: &Call, name: &str, value: &str) -> Reply {
    let secure = if call.secure { "; Secure" } else { "" };
    reply.header("set-cookie", &format!("{name}={}{secure}; Path=/", quoted(value)))
}

/// A value with other bytes than a cookie may have stands in quotes, those bytes as octal numbers.
fn quoted(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_!#$%&'()*+-./:<=>?@[]^`{|}~".contains(&byte);
    if value.bytes().all(plain) {
        return value.to_owned();
    }
    let mut out = String::from("\"");
    for byte in value.bytes() {
        // Writing to a string cannot fail.
        let _ = match byte {
            b'"' | b'\\' => write!(out, "\\{}", char::from(byte)),
            b',' | b';' | 0..=0x19 | 0x7f.. => write!(out, "\\{byte:03o}"),
            _ => write!(out, "{}", char::from(byte)),
        };
    }
    out + "\""
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut out = Vec::new();
    let mut rest = inner.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        match (*first, behind) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', behind @ ..]) => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = behind;
            }
            (b'\\', [escaped, behind @ ..]) => {
                out.push(*escaped);
                rest = behind;
            }
            (byte, _) => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_there_and_back() {
        for (value, expected) in
            [("v", "v"), ("a=b", "a=b"), ("w x;y", "\"w x\\073y\""), ("ü\"\\", "\"\\303\\274\\\"\\\\\"")]
        {
            assert_eq!(quoted(value), expected);
            assert_eq!(unquoted(expected), value);
        }
    }
}
