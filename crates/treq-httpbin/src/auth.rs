use serde_json::json;

use crate::call::Call;
use crate::reply::Reply;
use crate::{base64, status};

pub(crate) fn basic(call: &Call) -> Reply {
    if known(call) { welcome(call) } else { status::of(401) }
}

/// The same without a challenge: a stranger is told that there is nothing.
pub(crate) fn hidden_basic(call: &Call) -> Reply {
    if known(call) { welcome(call) } else { status::of(404) }
}

pub(crate) fn bearer(call: &Call) -> Reply {
    let field = call.header("authorization").unwrap_or_default();
    match field.strip_prefix("Bearer ") {
        Some(token) => Reply::json(&json!({ "authenticated": true, "token": token })),
        None => Reply::empty(401).header("www-authenticate", "Bearer"),
    }
}

fn welcome(call: &Call) -> Reply {
    Reply::json(&json!({ "authenticated": true, "user": call.segment(1) }))
}

/// Whether the credentials ([RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)) are those of the path.
fn known(call: &Call) -> bool {
    let field = call.header("authorization").unwrap_or_default();
    let Some((scheme, coded)) = field.split_once(' ') else { return false };
    let wanted = format!("{}:{}", call.segment(1), call.segment(2));
    scheme.eq_ignore_ascii_case("basic") && base64::decode(coded.trim()).is_some_and(|given| given == wanted.as_bytes())
}
