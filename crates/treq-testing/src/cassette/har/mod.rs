//! HTTP Archive 1.2, the format that browsers' tools export and read
//! ([specification](http://www.softwareishard.com/blog/har-12-spec/)).

mod date;
mod json;
mod read;
mod write;

pub(super) use self::date::stamp;
pub(super) use self::read::read;
pub(super) use self::write::write;

/// On `log`: bodies are as they were on the wire, not as a browser shows them.
const WIRE: &str = "_treqWire";
/// On a request or a response: what its body ended with.
const TRAILERS: &str = "_treqTrailers";
/// On a request or a response: why its body is not whole.
const CUT: &str = "_treqCut";
/// On a field or a posted body: `base64`, where the value is no text.
const ENCODING: &str = "_treqEncoding";
