//! The original's errors by ours: one table.

use treq::Kind;

use crate::json::Json;

/// Whether an error of `kind` is what the original means by `error` (`{"kind": .., "causes": [..]}`).
pub(crate) fn means(error: &Json, kind: Kind) -> Option<bool> {
    let causes = error.get("causes").and_then(Json::list).unwrap_or_default();
    let causes = causes.iter().filter_map(|cause| cause.get("kind")?.text());
    let name = error.get("kind")?.text()?;
    let mut known = false;
    for name in causes.chain([name]) {
        if let Some(is) = kinds(name) {
            if is(kind) {
                return Some(true);
            }
            known = true;
        }
    }
    known.then_some(false)
}

/// Whether a name of the original's stands for this kind.
pub(crate) fn stands_for(name: &str, kind: Kind) -> bool {
    kinds(name).is_some_and(|is| is(kind))
}

/// Which of our kinds a name of the original's stands for.
fn kinds(name: &str) -> Option<fn(Kind) -> bool> {
    Some(match name {
        "TypeError" | "AttributeError" | "IndexError" | "KeyError" | "AssertionError" | "UnknownAuthConfig"
        | "InvalidHeaderName" | "BadHeaders" | "URLParseError" | "InvalidCodepoint" | "IDNAError"
        | "UnicodeEncodeError" | "InvalidMethod" | "InvalidURI" => |kind| kind == Kind::Builder,
        // Refused by the parser too: a field of an answer is no argument.
        "ValueError" => |kind| matches!(kind, Kind::Builder | Kind::Protocol | Kind::Redirect),
        "SchemeNotSupported" => |kind| matches!(kind, Kind::Builder | Kind::Redirect),
        "PageRedirect" | "InfiniteRedirection" | "RedirectWithNoLocation" => |kind| kind == Kind::Redirect,
        "ResponseNeverReceived" | "ConnectionDone" | "ConnectionLost" | "ConnectionAborted" => {
            |kind| matches!(kind, Kind::Protocol | Kind::Connect | Kind::Body)
        }
        "ParseError" | "BadResponseVersion" | "ResponseFailed" => |kind| kind == Kind::Protocol,
        "_DataLoss" | "PotentialDataLoss" | "PartialDownloadError" | "_MalformedChunkedDataError" => {
            |kind| matches!(kind, Kind::Body | Kind::Protocol | Kind::Decode)
        }
        "RequestGenerationFailed" | "RequestTransmissionFailed" | "WrongBodyLength" | "ExcessWrite" => {
            |kind| matches!(kind, Kind::Body | Kind::Builder)
        }
        "CancelledError" | "ConnectingCancelledError" | "TimeoutError" => {
            |kind| matches!(kind, Kind::Timeout(_) | Kind::Cancelled)
        }
        "ConnectionRefusedError" | "ConnectError" => |kind| kind == Kind::Connect,
        "DNSLookupError" => |kind| kind == Kind::Resolve,
        // That of zlib has no longer name.
        "error" => |kind| kind == Kind::Decode,
        "JSONDecodeError" | "UnicodeDecodeError" => |kind| matches!(kind, Kind::Decode | Kind::Builder),
        "LookupError" => |kind| matches!(kind, Kind::Decode | Kind::Builder),
        "RuntimeError" => |kind| kind == Kind::Body,
        _ => return None,
    })
}
