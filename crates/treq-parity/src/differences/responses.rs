//! What comes back.

use super::{Difference, field, server, server_fields};
use crate::{Case, Json, Mismatch};

pub(super) const RULES: &[Difference] = &[
    Difference::incidental("the list of codings that are left stands as it came", |_, it| {
        it.field == "header.content-encoding" && it.want.replace(' ', "") == it.seen.replace([' ', '\n'], "")
    }),
    Difference::meant(
        "an empty line before the status line is skipped, as RFC 9112, section 2.2 has it for requests",
        |case, it| {
            let empty = server(case).next().is_some_and(|head| head.starts_with("\r\n") || head.starts_with('\n'));
            let kept = it.field == "connection" && it.seen == "returned to pool";
            empty
                && (kept || (it.field == "outcome" && it.want == "ResponseFailed" && it.seen.starts_with("200 after ")))
        },
    ),
    Difference::meant(
        "a request whose body can be made again is sent again, where its method is idempotent",
        |case, it| {
            let with_body = super::some_text(&case.given, &|text| text.contains(" with "));
            let method = it.field.strip_prefix("retried.").unwrap_or_default();
            with_body && it.seen == "true" && ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"].contains(&method)
        },
    ),
    Difference::meant("an answer to HEAD shows the fields that an answer to GET would have", |case, it| {
        let shown = it.field == "header.content-encoding" && it.seen != "(none)";
        shown && case.call("method").and_then(Json::text) == Some("HEAD")
    }),
    Difference::meant(
        "what stands behind a chunk's size is not looked at: extensions are ignored, RFC 9112, section 7.1.1",
        |case, it| {
            let chunked = server_fields(case, "transfer-encoding").iter().any(|value| value == "chunked");
            let first = body(case).split("\r\n").next().unwrap_or_default().to_owned();
            let size = first.split(';').next().unwrap_or_default().trim_end_matches([' ', '\t']);
            let number = !size.is_empty() && size.bytes().all(|byte| byte.is_ascii_hexdigit());
            let taken = (it.field == "read.error" && !failed(&it.seen))
                || (it.field == "connection" && it.seen == "returned to pool");
            taken && chunked && number && size != first
        },
    ),
    Difference::meant("a response in a debugger looks as Rust's structs do", |_, it| it.field == "repr"),
    Difference::meant("a time limit says that it is one, in every phase", |_, it| it.field == "error.timeout"),
    Difference::meant("a time limit holds to the end of the body", |_, it| {
        it.field == "timeout.body" && it.seen.contains("Timeout(Total)")
    }),
    Difference::meant("PUT is idempotent, and sent again: RFC 9110, section 9.2.2", |_, it| {
        it.field == "retried.PUT" && it.seen == "true"
    }),
    Difference::incidental("the fields of framing and connection are shown as they came", |_, it| {
        const HIDDEN: [&str; 9] = [
            "content-length",
            "connection",
            "keep-alive",
            "te",
            "trailer",
            "trailers",
            "transfer-encoding",
            "upgrade",
            "proxy-connection",
        ];
        it.field.strip_prefix("header.").is_some_and(|name| HIDDEN.contains(&name)) && it.want == "(none)"
    }),
    Difference::incidental("the length is what the server said, also of an answer that has no body", |case, it| {
        let bodiless = case.call("method").and_then(Json::text) == Some("HEAD")
            || case.expect.get("status").and_then(Json::number).is_some_and(|status| matches!(status, 204 | 304));
        it.field == "length" && bodiless && server_fields(case, "content-length").contains(&it.seen)
    }),
    Difference::meant(
        "names of codings are compared without regard to case, x-gzip among them: RFC 9110, section 8.4.1",
        |case, it| {
            let codings = codings(case);
            let gzip = |name: &String| name == "gzip" || name == "x-gzip";
            of_decoding(it)
                && !codings.is_empty()
                && codings.iter().all(gzip)
                && !server(case).any(|it| it.contains(": gzip"))
        },
    ),
    Difference::meant("deflate, br and zstd are undone too", |case, it| {
        (of_decoding(it) || it.field == "connection")
            && codings(case).iter().any(|name| ["deflate", "br", "zstd"].contains(&name.as_str()))
    }),
    Difference::meant("every member of a gzip is decoded: RFC 1952, section 2.2", |case, it| {
        it.field == "read" && gzipped(case) && it.seen.len() > it.want.len() && it.seen.starts_with(&it.want)
    }),
    Difference::meant("a gzip that is cut, or followed by something else, is an error", |case, it| {
        it.field == "read" && gzipped(case) && it.seen.starts_with("Decode: ")
    }),
    Difference::meant("a reset cuts a body, also one that runs to the end of the connection", |case, it| {
        it.field == "read" && it.seen.starts_with("Body: ") && server(case).any(|it| it == "<connection reset>")
    }),
    Difference::meant(
        "an answer with another Transfer-Encoding than chunked is refused: RFC 9112, section 6.1",
        |case, it| {
            let values = server_fields(case, "transfer-encoding");
            refused(it) && values.join(",") != "chunked" && !values.is_empty()
        },
    ),
    Difference::meant("101 ends the exchange", |case, it| {
        it.field == "outcome" && it.want == "nothing" && it.seen.contains("101") && begins(case, "HTTP/1.1 101")
    }),
    Difference::meant("an answer is HTTP/1.x: RFC 9112, section 2.3", |case, it| {
        refused(it) && !begins(case, "HTTP/1.1 ") && !begins(case, "HTTP/1.0 ")
    }),
    Difference::meant("a status is three digits: RFC 9112, section 4", |case, it| {
        let status = server(case).next().and_then(|head| head.split(' ').nth(1)).unwrap_or_default();
        let three = status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit());
        refused(it) && !three
    }),
    Difference::meant(
        "what closes a connection is read as RFC 9112, section 9.3 has it: HTTP/1.0, close in any case and in a list",
        |case, it| {
            let closes = |value: &String| value.split(',').any(|token| token.trim() == "close");
            let last = server(case).any(|it| it.starts_with("HTTP/1.0 "));
            pooled(it) && (last || server_fields(case, "connection").iter().any(closes))
        },
    ),
    Difference::meant("bytes that nobody asked for end the connection", |case, it| {
        pooled(it) && has_more_than_its_length(case)
    }),
    Difference::meant("the limit on a head is on the whole of it: 64 KiB, and 100 fields", |case, it| {
        let long = server(case).any(|piece| piece.contains(" times "));
        it.field == "outcome" && long && it.want == "ResponseFailed" && it.seen.starts_with("200 after ")
    }),
    Difference::meant("no field is made up", |_, it| {
        let empty = it.field == "header.content-encoding" && it.want.is_empty();
        (empty || it.field.starts_with("header.shown.")) && it.seen == "(none)"
    }),
    Difference::meant("a byte order mark is no part of the text", |_, it| {
        it.field == "read" && it.want.strip_prefix('\u{feff}') == Some(&it.seen)
    }),
    Difference::meant("JSON may begin with a byte order mark: RFC 8259, section 8.1", |case, it| {
        it.field == "read.error" && it.want == "JSONDecodeError" && body(case).starts_with("\u{ef}\u{bb}\u{bf}")
    }),
    Difference::meant("a charset that nobody knows counts as none", |_, it| {
        (it.field == "read.error" && it.want == "LookupError" && !failed(&it.seen))
            || (it.field == "charset" && it.want.starts_with("charset "))
    }),
    Difference::meant(
        "names of charsets mean what the Encoding standard says: ASCII and Latin-1 are windows-1252",
        |case, it| {
            const LATIN: [&str; 7] = ["ascii", "us-ascii", "latin1", "latin-1", "iso-8859-1", "iso8859-1", "l1"];
            let named = server_fields(case, "content-type").iter().any(|it| LATIN.iter().any(|name| it.contains(name)));
            let as_1252 = || {
                let bytes = crate::json::bytes(body(case)).unwrap_or_default();
                encoding_rs::WINDOWS_1252.decode(&bytes).0.into_owned()
            };
            (it.field == "read" || (it.field == "read.error" && it.want == "UnicodeDecodeError" && named))
                && it.seen == as_1252()
        },
    ),
    Difference::meant(
        "of several charsets the first counts, of several types the last with the charset before it: Fetch, section 2.2.5",
        |case, it| {
            let types = server_fields(case, "content-type");
            let twice = types.len() > 1 || types.iter().any(|value| value.matches("charset").count() > 1);
            let given = case.given.get("content_type").and_then(Json::text).unwrap_or_default().to_ascii_lowercase();
            (it.field == "read" && twice) || (it.field == "charset" && given.matches("charset").count() > 1)
        },
    ),
    Difference::meant("what does not fit a charset is U+FFFD, where a charset is said for want of one", |case, it| {
        let or = case.given.get("then_read").and_then(Json::list).is_some_and(|list| list.len() == 2);
        it.field == "read.error" && it.want == "UnicodeDecodeError" && or && it.seen.contains('\u{fffd}')
    }),
    Difference::meant("NaN and infinities are no JSON", |case, it| {
        // A number may be too large to be one.
        let infinite = || ["inf", "-inf"].contains(&it.want.as_str());
        of_json(case, it)
            && it.seen.starts_with("Decode: ")
            && (body(case).contains("NaN") || body(case).contains("Infinity") || infinite())
    }),
    Difference::meant("half of a surrogate pair is no character: RFC 8259, section 8.2", |case, it| {
        of_json(case, it) && it.seen.starts_with("Decode: ") && body(case).to_ascii_lowercase().contains("\\ud")
    }),
    Difference::meant("-0 in JSON is minus zero", |case, it| {
        of_json(case, it) && (it.want.as_str(), it.seen.as_str()) == ("0", "-0.0")
    }),
    Difference::meant("types that end in +json are JSON: RFC 6839, section 3.1", |case, it| {
        let named =
            some_content_type(case, |kind| kind.split(';').next().unwrap_or_default().trim().ends_with("+json"));
        matches!(it.field.as_str(), "charset" | "read") && named
    }),
    Difference::meant("a Content-Type is read as the standard on MIME types says: WHATWG, section 4.4", |case, it| {
        let odd = |kind: &str| {
            let charset = kind.split("charset").nth(1).unwrap_or_default();
            charset.contains('\\') || charset.trim_end().contains(' ')
        };
        matches!(it.field.as_str(), "charset" | "read") && some_content_type(case, odd)
    }),
    Difference::meant("a field with control characters breaks an answer: RFC 9110, section 5.5", |case, it| {
        let heads = || server(case).filter_map(|piece| piece.split("\r\n\r\n").next());
        refused(it) && heads().any(|head| head.split("\r\n").any(super::is_control))
    }),
    Difference::meant("Keep-Alive's timeout is kept to", |case, it| {
        pooled(it) && server_fields(case, "keep-alive").iter().any(|value| value.contains("timeout="))
    }),
    Difference::meant("chunks that break their syntax are an error at once: RFC 9112, section 7.1", |case, it| {
        let at_once = (it.field == "read" && it.seen.starts_with("Body: "))
            || (it.field == "connection" && it.seen == "closed by client");
        at_once && server_fields(case, "transfer-encoding") == ["chunked"] && breaks_chunks(body(case))
    }),
];

/// Where an answer was taken there, and is not here.
fn refused(it: &Mismatch) -> bool {
    it.field == "outcome" && it.want == "an answer" && it.seen.starts_with("Protocol: ")
}

/// Where JSON is read.
fn of_json(case: &Case, it: &Mismatch) -> bool {
    it.field == "read" && case.given.get("then_read").and_then(Json::text) == Some("json")
}

fn some_content_type(case: &Case, is: impl Fn(&str) -> bool) -> bool {
    let given = case.given.get("content_type").and_then(Json::text).map(str::to_ascii_lowercase);
    server_fields(case, "content-type").into_iter().chain(given).any(|kind| is(&kind))
}

/// Whether these are chunks that nothing behind them can mend.
fn breaks_chunks(mut rest: &str) -> bool {
    while let Some((line, behind)) = rest.split_once("\r\n") {
        let digits = line.split(';').next().unwrap_or_default().trim_end_matches([' ', '\t']);
        let Ok(size) = usize::from_str_radix(digits, 16) else { return true };
        if size == 0 {
            let trailers = behind.split("\r\n").take_while(|line| !line.is_empty());
            return trailers
                .into_iter()
                .any(|line| line.split(':').next().unwrap_or_default().contains(' ') || !line.contains(':'));
        }
        match behind.char_indices().nth(size) {
            Some((at, _)) if behind[at..].starts_with("\r\n") => rest = &behind[at + 2..],
            Some((at, _)) => return !"\r\n".starts_with(&behind[at..]),
            None => return false,
        }
    }
    rest.contains('\n')
}

fn failed(seen: &str) -> bool {
    seen.starts_with("Decode: ") || seen.starts_with("Body: ") || seen.starts_with("Builder: ") || seen == "pending"
}

/// Where a connection is kept there, and not here.
fn pooled(it: &Mismatch) -> bool {
    it.field == "connection" && it.want.starts_with("returned to pool") && it.seen != "returned to pool"
}

fn begins(case: &Case, with: &str) -> bool {
    server(case).next().is_some_and(|head| head.starts_with(with))
}

fn codings(case: &Case) -> Vec<String> {
    let values = server_fields(case, "content-encoding");
    values.iter().flat_map(|value| value.split(',')).map(|name| name.trim().to_owned()).collect()
}

fn gzipped(case: &Case) -> bool {
    codings(case).iter().any(|name| name == "gzip" || name == "x-gzip")
}

/// Whether this is something that comes of a coding that is undone.
fn of_decoding(it: &Mismatch) -> bool {
    matches!(field(it), "length" | "read" | "header.content-encoding" | "read.error")
}

/// What stands behind the head of the last answer.
fn body(case: &Case) -> &str {
    server(case).filter_map(|piece| piece.split_once("\r\n\r\n")).last().map_or("", |(_, body)| body)
}

fn has_more_than_its_length(case: &Case) -> bool {
    let length = server_fields(case, "content-length").pop().and_then(|length| length.parse::<usize>().ok());
    let head = case.call("method").and_then(Json::text) == Some("HEAD");
    let bodiless = head || case.expect.get("length").and_then(Json::number) == Some(0);
    length.is_some_and(|length| body(case).chars().count() > if bodiless { 0 } else { length })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_that_nothing_can_mend_are_told_from_those_that_are_not_over() {
        for broken in ["zz\r\nabc", "3\nabc\n0\n\n", "3\r\nabcd\r\n", "3\r\nabc\r\n0\r\nbad trailer\r\n\r\n"] {
            assert!(breaks_chunks(broken), "{broken:?}");
        }
        for whole in ["", "3", "3\r\nab", "3\r\nabc", "3\r\nabc\r\n", "3;x\r\nabc\r\n0\r\nX: y\r\n\r\n", "0\r\n\r\n"] {
            assert!(!breaks_chunks(whole), "{whole:?}");
        }
    }

    #[test]
    fn a_rule_for_content_types_holds_for_those_that_it_names() {
        let reason = |kind: &str| {
            let case = format!(r#"{{"id":"X","given":{{"content_type":"{kind}"}},"expect":{{}}}}"#);
            let mismatch = Mismatch::new("charset", "none", "é");
            super::super::reason(&Case::parse(&case).unwrap(), &mismatch).map(|rule| rule.why)
        };
        assert!(reason("application/ld+json").unwrap().contains("+json"));
        assert!(reason("text/html;charset = utf-8").unwrap().contains("MIME"));
        assert_eq!(reason("text/html; charset=utf-8"), None);
    }
}
