//! cargo run -p examples --example query_params
//!
//! The query of a URL out of pairs, a map, a list of values or a struct; what the URL has already stays.
#![allow(clippy::print_stdout)] // Examples print.

use std::collections::BTreeMap;

use treq::{Error, RequestBuilder};

#[derive(serde::Serialize)]
struct Search {
    q: &'static str,
    page: u32,
    sort: Option<&'static str>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = examples::base().await?;
    let get = || treq::get(base.url("/get"));

    show("pairs", get().params([("foo", "bar"), ("baz", "bax")])).await?;
    show("a map", get().params(BTreeMap::from([("foo", "bar"), ("baz", "bax")]))).await?;
    show("lists of values", get().params([("foo", vec!["bar", "baz"])])).await?;
    show("a struct", get().params(Search { q: "tea & milk", page: 2, sort: None })).await?;
    show("in the URL and as params", treq::get(base.url("/get?foo=bar")).params([("baz", "bax")])).await?;
    Ok(())
}

async fn show(what: &str, request: RequestBuilder) -> Result<(), Error> {
    let response = request.await?.error_for_status().await?;
    println!("{what}: {}", response.url().query().unwrap_or_default());
    Ok(())
}
