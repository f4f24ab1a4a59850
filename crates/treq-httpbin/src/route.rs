use http::Method;

use crate::call::Call;
use crate::reply::Reply;
use crate::{auth, caching, cookies, digest, echo, pages, redirect, status, streams};

/// Where a path leads.
pub(crate) struct Route {
    methods: &'static [Method],
    pub(crate) reads: Reads,
    pub(crate) run: fn(&Call) -> Reply,
}

/// What an endpoint wants of a request's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reads {
    /// Only its length: it is not kept.
    Length,
    /// All of it.
    Content,
}

const GET: &[Method] = &[Method::GET, Method::HEAD];
const GET_OR_POST: &[Method] = &[Method::GET, Method::HEAD, Method::POST];
const SENDING: &[Method] = &[Method::POST, Method::PUT, Method::PATCH];
const ANY: &[Method] =
    &[Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::TRACE];

/// The route of a path, by its segments.
pub(crate) fn find(segments: &[&str]) -> Option<Route> {
    let tells = |methods, run| Some(Route { methods, reads: Reads::Length, run });
    let reads = |methods, run| Some(Route { methods, reads: Reads::Content, run });
    match segments {
        ["get"] => tells(GET, echo::get),
        ["post"] => reads(&[Method::POST], echo::sent),
        ["put"] => reads(&[Method::PUT], echo::sent),
        ["patch"] => reads(&[Method::PATCH], echo::sent),
        ["delete"] => reads(&[Method::DELETE], echo::sent),
        ["anything", rest @ ..] if rest != [""] => reads(ANY, echo::anything),
        ["headers"] => tells(GET, echo::headers),
        ["ip"] => tells(GET, echo::ip),
        ["user-agent"] => tells(GET, echo::user_agent),
        ["uuid"] => tells(GET, echo::uuid),
        ["response-headers"] => tells(GET_OR_POST, echo::response_headers),
        ["gzip"] => tells(GET, echo::gzip),
        ["deflate"] => tells(GET, echo::deflate),
        ["brotli"] => tells(GET, echo::brotli),
        ["zstd"] => tells(GET, echo::zstd),
        ["delay", _] => reads(ANY, echo::delay),
        ["upload-count"] => tells(SENDING, echo::upload_count),

        ["status", _] => tells(ANY, status::status),
        ["redirect", n] if number(n) => tells(GET, redirect::redirect),
        ["relative-redirect", n] if number(n) => tells(GET, redirect::relative),
        ["absolute-redirect", n] if number(n) => tells(GET, redirect::absolute),
        ["redirect-to"] => tells(ANY, redirect::to),

        ["cookies"] => tells(GET, cookies::cookies),
        ["cookies", "set"] => tells(GET, cookies::set),
        ["cookies", "set", _, _] => tells(GET, cookies::set_one),
        ["cookies", "delete"] => tells(GET, cookies::delete),

        ["basic-auth", _, _] => tells(GET, auth::basic),
        ["hidden-basic-auth", _, _] => tells(GET, auth::hidden_basic),
        ["digest-auth", _, _, _] | ["digest-auth", _, _, _, _] | ["digest-auth", _, _, _, _, _] => {
            reads(GET, digest::digest)
        }
        ["bearer"] => tells(GET, auth::bearer),

        ["stream", n] if number(n) => tells(GET, streams::lines),
        ["bytes", n] if number(n) => tells(GET, streams::bytes),
        ["stream-bytes", n] if number(n) => tells(GET, streams::stream_bytes),
        ["range", n] if number(n) => tells(GET, streams::range),
        ["zeros", n] if number(n) => tells(GET, streams::zeros),
        ["drip"] => tells(GET, streams::drip),

        ["etag", _] => tells(GET, caching::etag),
        ["cache"] => tells(GET, caching::cache),
        ["cache", n] if number(n) => tells(GET, caching::max_age),

        [""] => tells(GET, pages::index),
        ["html"] => tells(GET, pages::html),
        ["json"] => tells(GET, pages::json),
        ["xml"] => tells(GET, pages::xml),
        ["encoding", "utf8"] => tells(GET, pages::utf8),
        ["robots.txt"] => tells(GET, pages::robots),
        ["deny"] => tells(GET, pages::deny),
        ["image", "png"] => tells(GET, pages::png),
        ["links", n] if number(n) => tells(GET, pages::first_links),
        ["links", n, at] if number(n) && number(at) => tells(GET, pages::links),
        ["base64", _] => tells(GET, pages::base64),
        _ => None,
    }
}

impl Route {
    /// Whether the endpoint itself answers to the method.
    pub(crate) fn allows(&self, method: &Method) -> bool {
        self.methods.contains(method)
    }

    /// The value of `Allow`.
    pub(crate) fn allow(&self) -> String {
        let names: Vec<_> = self.methods.iter().chain([&Method::OPTIONS]).map(Method::as_str).collect();
        names.join(", ")
    }
}

fn number(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit()) && segment.parse::<u64>().is_ok()
}
