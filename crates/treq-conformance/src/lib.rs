//! Public and purpose-made conformance suites, as data, with their runner.
//!
//! `cargo xtask conformance [suite..] [--data DIR]` plays the rows of `data/`, or of another folder of the same layout,
//! against treq: the whole client, over loopback sockets or pipes in memory, and where a suite is about one value, such
//! as a date or a cookie, what the client reads or writes it with. A row that the standards leave open passes with any of
//! its alternatives; a row that treq deliberately answers in another way is covered by a rule in [`listed`] that gives
//! the reason. A row of a shape that nobody knows fails.
//!
//! [`services`] plays, beside these, the suites that `treq-testing` has for any client.
#![forbid(unsafe_code)]

mod auth;
mod content_coding;
mod content_disposition;
mod cookies;
mod h1_connections;
mod h1_responses;
mod http_dates;
pub mod listed;
mod mime;
mod multipart;
mod netrc;
mod outgoing_headers;
mod proxy_env;
mod public_suffix;
mod redirects;
mod row;
pub mod services;
mod time;
mod url_query;
mod urls;
mod world;

use std::path::Path;

pub use row::Row;

/// How one row came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As the row says.
    Passed,
    /// In one of the ways that the row leaves open.
    Open,
    /// Otherwise, by a rule with this reason.
    Listed(&'static str),
    /// Otherwise: what was seen.
    Failed(String),
}

/// A suite: its folder, and how a row of one of its files is played.
pub struct Suite {
    /// The folder's name.
    pub name: &'static str,
    play: fn(file: &str, row: &Row) -> Result<(), String>,
}

/// The suites that have a runner.
pub const SUITES: &[Suite] = &[
    Suite { name: "h1-responses", play: h1_responses::play },
    Suite { name: "h1-connections", play: h1_connections::play },
    Suite { name: "redirects", play: redirects::play },
    Suite { name: "cookies-http-state", play: cookies::play_http_state },
    Suite { name: "cookies-6265bis", play: cookies::play },
    Suite { name: "public-suffix", play: public_suffix::play },
    Suite { name: "content-coding", play: content_coding::play },
    Suite { name: "multipart", play: multipart::play },
    Suite { name: "url-query", play: url_query::play },
    Suite { name: "outgoing-headers", play: outgoing_headers::play },
    Suite { name: "auth", play: auth::play },
    Suite { name: "netrc", play: netrc::play },
    Suite { name: "proxy-env", play: proxy_env::play },
    Suite { name: "mime", play: mime::play },
    Suite { name: "content-disposition", play: content_disposition::play },
    Suite { name: "http-dates", play: http_dates::play },
];

/// The rows of one file, each with its outcome.
pub struct Played {
    /// The file's name without its ending.
    pub file: String,
    /// Id and outcome, in the order of the file.
    pub rows: Vec<(String, Outcome)>,
}

impl Suite {
    /// Plays every file of the suite under `data`.
    ///
    /// # Errors
    ///
    /// For a folder or file that cannot be read, and a line that is not JSON, naming it.
    pub fn run(&self, data: &Path) -> Result<Vec<Played>, String> {
        let folder = data.join(self.name);
        let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
        files.sort();
        files.iter().map(|path| self.run_file(path)).collect()
    }

    fn run_file(&self, path: &Path) -> Result<Played, String> {
        let file = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let rows = Row::read(path)?;
        let rows = rows.iter().map(|row| (row.id().to_owned(), self.judge(&file, row))).collect();
        Ok(Played { file, rows })
    }

    fn judge(&self, file: &str, row: &Row) -> Outcome {
        match (self.play)(file, row) {
            Ok(()) if row.is_open() => Outcome::Open,
            Ok(()) => Outcome::Passed,
            Err(seen) => match listed::reason(self.name, row) {
                Some(reason) => Outcome::Listed(reason),
                None => Outcome::Failed(seen),
            },
        }
    }
}

/// Runs one row's exchange on a runtime of its own.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.map_err(|error| format!("no runtime: {error}"))?.block_on(future))
}
