//! What goes out.

use super::{Difference, caller_fields, field, some_text};
use crate::{Case, Json, Mismatch, json};

pub(super) const RULES: &[Difference] = &[
    Difference::meant("an Accept-Encoding of the caller's is the only one", |case, it| {
        let own = caller_fields(case, "accept-encoding");
        field(it) == "request.field.accept-encoding" && own.iter().any(|value| value.text() == Some(&it.seen))
    }),
    Difference::meant(
        "credentials are a name and a password, and a cookie has a value: what is neither does not compile",
        |_, it| {
            it.field == "argument"
                && ["auth that is no pair", "a cookie whose value is no text"].contains(&it.seen.as_str())
        },
    ),
    Difference::meant("the type of a compressed archive is that of its compression", |_, it| {
        it.field == "part.field.content-type" && it.want == "application/x-tar" && it.seen.starts_with("application/")
    }),
    Difference::incidental("JSON has no charset parameter: RFC 8259, section 11", |case, it| {
        it.field == "request.field.content-type"
            && case.call("json").is_some()
            && it.want == "application/json; charset=UTF-8"
            && it.seen == "application/json"
    }),
    Difference::incidental("JSON is sent as UTF-8, not as escapes: RFC 8259, section 8.1", |case, it| {
        let parsed = |text: &str| {
            let bytes = json::bytes(text).ok()?;
            serde_json::from_slice::<serde_json::Value>(&bytes).ok()
        };
        it.field == "request.body"
            && case.call("json").is_some()
            && parsed(&it.want).is_some_and(|want| parsed(&it.seen) == Some(want))
    }),
    Difference::meant("NaN and infinities are no JSON: they are refused", |case, it| {
        refused(it) && case.call("json").is_some_and(|json| json.marked("float").is_some())
    }),
    Difference::meant("a fragment is never sent: RFC 9110, section 4.2.5", |_, it| {
        field(it) == "request.target" && it.want.split('#').next() == Some(&it.seen) && it.want.contains('#')
    }),
    Difference::meant(
        "methods are told apart by case, and sent as they are given: RFC 9110, section 9.1",
        |case, it| {
            // Another method than POST has no body that could be empty.
            let other = || case.call("method").and_then(Json::text).is_some_and(|it| it.to_ascii_uppercase() != it);
            (field(it) == "request.method" && it.seen.to_ascii_uppercase() == it.want)
                || (field(it) == "request.field.content-length" && (&*it.want, &*it.seen) == ("0", "") && other())
        },
    ),
    Difference::meant(
        "an empty body of a method that has one is said to be empty: RFC 9110, section 8.6",
        |case, it| {
            field(it) == "request.field.content-length"
                && (it.want.as_str(), it.seen.as_str()) == ("", "0")
                && case.call("method").and_then(Json::text).is_some_and(|it| it.eq_ignore_ascii_case("patch"))
        },
    ),
    Difference::meant("a header value with control characters is refused: RFC 9110, section 5.5", |case, it| {
        refused(it) && case.call("headers").is_some_and(|headers| some_text(headers, &super::is_control))
    }),
    Difference::meant("one Connection field goes out, and says what is done", |case, it| {
        field(it) == "request.field.connection" && given(case, "connection") && !it.seen.contains('\n')
    }),
    Difference::meant(
        "fields of the framing that the body contradicts are refused, equal ones go out once",
        |case, it| {
            let framing = given(case, "content-length") || given(case, "transfer-encoding");
            let once = matches!(field(it), "request.field.content-length" | "request.field.transfer-encoding")
                && it.want.lines().any(|value| value == it.seen);
            let one_way =
                it.seen.is_empty() && field(it) == "request.field.content-length" && given(case, "transfer-encoding");
            // Where fewer bytes follow than are announced, the server waits there for the rest of them.
            let never_whole = it.field == "outcome" && it.want == "nothing" && it.seen.starts_with("Builder: ");
            framing && (refused(it) || never_whole || once || one_way)
        },
    ),
    Difference::meant("a Transfer-Encoding of the caller's says nothing where no chunks are sent", |case, it| {
        let left_out = field(it) == "request.field.transfer-encoding" && it.seen.is_empty();
        let waits = it.field == "outcome" && it.want == "nothing" && it.seen.starts_with("200 after ");
        given(case, "transfer-encoding") && (left_out || waits)
    }),
    Difference::meant("who has no body expects no 100: RFC 9110, section 10.1.1", |case, it| {
        let bodies = ["data", "files", "json"];
        field(it) == "request.field.expect" && it.seen.is_empty() && bodies.iter().all(|name| case.call(name).is_none())
    }),
    Difference::meant("CONNECT names host and port: RFC 9112, section 3.2.3", |case, it| {
        field(it) == "request.target"
            && case.call("method").and_then(Json::text) == Some("CONNECT")
            && super::url(case).is_some_and(|url| url.contains(it.seen.split(':').next().unwrap_or_default()))
    }),
    Difference::meant("a Cookie of the caller's and the cookies of the call go out as one field", |case, it| {
        field(it) == "request.field.cookie"
            && given(case, "cookie")
            && case.call("cookies").is_some()
            && it.want.split("; ").all(|pair| it.seen.split("; ").any(|other| other == pair))
    }),
    Difference::meant("in a form a tilde is %7E and a star is a star: the URL standard", |case, it| {
        field(it) == "request.body"
            && case.call("data").is_some()
            && it.want.contains('~')
            // A star is the other way round: it is safe in the standard's forms.
            && it.want.replace('~', "%7E").replace("%2A", "*") == it.seen
    }),
    Difference::meant("types of files are those of a table of its own", |case, it| {
        // That of Python changes from version to version, and from machine to machine.
        let kind = |text: &str| text.contains('/') && !text.contains([' ', ';']);
        let said = || case.call("files").is_some_and(|files| some_text(files, &|text| text == it.want));
        it.field == "part.field.content-type" && kind(&it.want) && kind(&it.seen) && !said()
    }),
    Difference::meant(
        "bytes without a file's name are a field, which says no type: as browsers send it",
        |case, it| {
            let plain = |value: &Json| value.marked("bytes").is_some();
            it.field == "part.field.content-type"
                && (&*it.want, &*it.seen) == ("application/octet-stream", "")
                && case
                    .call("files")
                    .and_then(Json::map)
                    .is_some_and(|files| files.iter().any(|(_, value)| plain(value)))
        },
    ),
    Difference::meant("the caller's own Content-Type wins", |case, it| {
        let own = caller_fields(case, "content-type");
        field(it) == "request.field.content-type" && own.iter().any(|value| value.text() == Some(&it.seen))
    }),
    Difference::meant("names that differ in case alone are one field, of which all values are sent", |case, it| {
        let Some(name) = field(it).strip_prefix("request.field.") else { return false };
        let all = caller_fields(case, name);
        let values = all.iter().flat_map(|values| values.list().unwrap_or(std::slice::from_ref(*values)));
        all.len() > 1 && values.filter_map(Json::text).collect::<Vec<_>>().join("\n") == it.seen
    }),
    Difference::meant("the caller's map of fields is left as it is", |_, it| it.field.starts_with("caller_headers.")),
    Difference::meant("fields may be given as pairs, and none of them too", |case, it| {
        taken(it) && case.call("headers").is_some_and(|headers| headers.list().is_some())
    }),
    Difference::meant("what is refused there when it runs does not compile here", |_, it| {
        it.field == "argument.refused"
    }),
    Difference::meant(
        "pairs are text, as in the URL standard: those in another encoding are encoded by the caller, and sent as a body",
        |_, it| it.field == "argument" && it.seen == "bytes that are no UTF-8 in pairs",
    ),
    Difference::meant("in pairs None says nothing, and truth is spelt true and false", |case, it| {
        let odd = |name| case.call(name).is_some_and(has_none_or_bool);
        let is_of = match field(it) {
            "request.target" | "final_url" => odd("params"),
            "request.body" => odd("data"),
            "part.content" => odd("data"),
            _ => false,
        };
        is_of && spelt_here(&it.want) == it.seen
    }),
    Difference::meant(
        "what is given is given, even where it is empty: json beside data or files is refused",
        |case, it| {
            refused(it) && case.call("json").is_some() && (case.call("data").is_some() || case.call("files").is_some())
        },
    ),
    Difference::meant("text is content: of a body and of a part", |case, it| {
        let text = |name| case.call(name).is_some_and(|value| some_text(value, &|_| true));
        taken(it)
            && case.call("files").map_or_else(|| text("data"), |_| text("files"))
            && case.call("files").is_none_or(|_| case.call("data").is_none())
    }),
    Difference::meant("the values of fields are the same with files and without", |case, it| {
        taken(it) && case.call("files").is_some() && case.call("data").is_some()
    }),
    Difference::meant("parts carry no Content-Length: RFC 7578, section 4.8", |_, it| {
        it.field == "part.field.content-length" && it.seen.is_empty()
    }),
    Difference::meant("parts go out in the order in which they are given", |_, it| it.field == "parts.order"),
    Difference::meant("no body is cut: no content is taken for a boundary, and nothing empty for the end", |_, it| {
        it.field == "parts.whole"
    }),
    Difference::meant("an empty form is its closing delimiter alone", |_, it| it.field == "form.preamble"),
    Difference::meant("a Content-Type with control characters is refused", |case, it| {
        refused(it) && case.call("files").is_some_and(|files| some_text(files, &super::is_control))
    }),
    Difference::meant("names are escaped as browsers do: %22, %0D and %0A", |_, it| {
        let plain =
            |text: &str| ["%22", "%0D", "%0A", "\\\""].iter().fold(text.to_owned(), |it, one| it.replace(one, ""));
        it.field == "part.field.content-disposition" && it.seen.contains('%') && plain(&it.want) == plain(&it.seen)
    }),
    Difference::meant("nothing is escaped within a Content-Type", |_, it| {
        it.field == "part.field.content-type" && it.want.replace("\\\"", "\"") == it.seen
    }),
    Difference::meant("a user name with a colon is refused: RFC 7617, section 2", |case, it| {
        let user = case.call("auth").and_then(|auth| auth.marked("tuple")?.list()?.first());
        it.field == "outcome"
            && it.want == "an answer"
            && user.is_some_and(|user| some_text(user, &|it| it.contains(':')))
    }),
];

/// Where something was sent there, and is an error of `Kind::Builder` here.
fn refused(it: &Mismatch) -> bool {
    it.field == "outcome" && it.want == "an answer" && it.seen.starts_with("Builder: ")
}

/// Where something was refused there, and is sent here.
fn taken(it: &Mismatch) -> bool {
    let refused = ["TypeError", "ValueError", "AttributeError"].contains(&it.want.as_str());
    it.field == "outcome" && refused && it.seen.starts_with("200 after ")
}

fn given(case: &Case, name: &str) -> bool {
    !caller_fields(case, name).is_empty()
}

fn has_none_or_bool(json: &Json) -> bool {
    match json {
        Json::Null | Json::Bool(_) => true,
        Json::List(list) => list.iter().any(has_none_or_bool),
        Json::Map(map) => map.iter().any(|(_, value)| has_none_or_bool(value)),
        Json::Number(_) | Json::Text(_) => false,
    }
}

/// Pairs as they are spelt there, as they are here.
fn spelt_here(text: &str) -> String {
    let (before, pairs) =
        text.split_once('?').map_or((String::new(), text), |(path, pairs)| (format!("{path}?"), pairs));
    let pairs = pairs.split('&').filter(|pair| !pair.ends_with("=None"));
    let pairs = pairs.map(|pair| pair.replace("=True", "=true").replace("=False", "=false"));
    let joined = format!("{before}{}", pairs.collect::<Vec<_>>().join("&"));
    joined.strip_suffix('?').map(str::to_owned).unwrap_or(joined)
}
