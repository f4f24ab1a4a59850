//! An httpbin-compatible server in this process: what examples, doctests and tests talk to instead of the network.
//!
//! ```
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
//! let server = treq_httpbin::Server::start().await?;
//! assert_eq!(server.url("/get"), format!("http://{}/get", server.addr()));
//!
//! let mut socket = tokio::net::TcpStream::connect(server.addr()).await?;
//! socket.write_all(b"GET /get?a=1 HTTP/1.1\r\nHost: bin.test\r\nConnection: close\r\n\r\n").await?;
//! let mut answer = String::new();
//! socket.read_to_string(&mut answer).await?;
//! assert!(answer.contains("\"url\": \"http://bin.test/get?a=1\""));
//! # Ok(()) }
//! ```
//!
//! [`Server`] listens on loopback, in the clear or with [TLS](Server::start_tls), and speaks HTTP/1.1 and HTTP/2;
//! [`Httpbin`] is the tower service behind it, for a pipe in memory. Dropping the server ends all its tasks.
//!
//! # Endpoints
//!
//! | family | paths |
//! |---|---|
//! | the request, told back | `/get` `/post` `/put` `/patch` `/delete` `/anything/…` `/headers` `/ip` `/user-agent` |
//! | status | `/status/{codes}` with weights |
//! | redirects | `/redirect/{n}` `/relative-redirect/{n}` `/absolute-redirect/{n}` `/redirect-to` |
//! | cookies | `/cookies` `/cookies/set` `/cookies/set/{name}/{value}` `/cookies/delete` |
//! | credentials | `/basic-auth/{user}/{password}` `/hidden-basic-auth/{user}/{password}` `/bearer` |
//! | Digest | `/digest-auth/{qop}/{user}/{password}/{algorithm}/{stale_after}`, the last two may be left out |
//! | codings | `/gzip` `/deflate` `/brotli` `/zstd` |
//! | bytes and time | `/stream/{n}` `/bytes/{n}` `/stream-bytes/{n}` `/range/{n}` `/drip` `/delay/{seconds}` |
//! | caching and headers | `/etag/{etag}` `/cache` `/cache/{seconds}` `/response-headers` `/uuid` |
//! | pages | `/html` `/json` `/xml` `/encoding/utf8` `/robots.txt` `/deny` `/image/png` `/links/{n}/{at}` `/base64/{value}` |
//! | our own | `/zeros/{n}` any number of zero bytes with their length, `/upload-count` the length of what was sent; both in constant memory |
//!
//! # Where it differs from httpbin 0.10
//!
//! - Not here: `/image` but for the PNG, `/forms/post`, `/spec.json`, `/legacy`. Only here: `/zstd`,
//!   `/zeros`, `/upload-count`.
//! - The texts of pages, pictures and error messages are our own; their types, titles and statuses are the same.
//! - `/status/1xx` and `/status` above 999 answer 400: an interim status cannot be a final one.
//! - `/image/png` is one pixel. The default page is one line.
//! - `/digest-auth` admits the user of the path only, its realm is `treq-httpbin`, and it answers a form under `auth-int` with 401.
//! - A `Date` is sent once a second, `Server` is `treq-httpbin`, names of fields are in lower case on the wire.
//! - The keys of the lines of `/stream` are sorted. Numbers beyond 64 bits in a JSON body come back as floats; `NaN` and
//!   `Infinity` are no JSON.
//! - `/drip` writes several bytes at a time where they are due within one millisecond.
//! - A fault in a parameter (`/delay/x`) answers 500 as there. A body that breaks off answers 400.
//! - Two slashes in a row in a path are not merged; an encoded slash does not separate segments. A request target with
//!   raw `"`, `<` or `>` is refused with 400 by hyper.
//! - `/status/407` has its `Proxy-Authenticate`, which a WSGI server strips. Fields with several values over HTTP/2, and
//!   the `Host` there, are shown as over HTTP/1.1.
#![forbid(unsafe_code)]

mod auth;
mod base64;
mod body;
mod caching;
mod call;
mod clock;
mod content;
mod cookies;
mod counts;
mod digest;
mod echo;
mod json;
mod listen;
mod options;
mod pages;
mod random;
mod redirect;
mod reply;
mod route;
mod server;
mod service;
mod status;
mod streams;
mod tasks;
mod text;
mod tls;

pub use body::Body;
pub use counts::Connections;
pub use options::Options;
pub use server::Server;
pub use service::{Answering, Httpbin};
pub use tls::Tls;
