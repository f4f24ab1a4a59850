//! Suites that any client can be put through: redirects, cookies, content codings, HTTP/1.1 framing.
//!
//! A suite makes a client for each of its cases, over a connector in memory that leads every host to the servers of the
//! case; sends the case's requests, one after the other; and compares what the servers saw and what the caller got with
//! what a standard asks for. The client is any `Service<http::Request<Body>>`.
//!
//! Where the standards leave a choice there is no case, but for one: that the client does what the suite is about. It
//! follows redirects, keeps cookies, and knows gzip, deflate, br and zstd. One that does less leaves cases out, by
//! [`Report::only`].
//!
//! A layer is put around [`Bare`], the barest client there is; a client is made over the connector itself:
//!
//! ```
//! use http::{HeaderValue, Request};
//! use tower::Layer;
//! use tower::util::MapRequestLayer;
//! use treq_core::Body;
//! use treq_testing::suite::{self, Bare, Level};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let named = MapRequestLayer::new(|mut request: Request<Body>| {
//!     request.headers_mut().insert("user-agent", HeaderValue::from_static("shop/1"));
//!     request
//! });
//! let report = suite::framing(|connector| named.layer(Bare::new(connector))).await;
//! println!("{report}");
//!
//! // What hyper's parser below refuses is none of the layer's business.
//! let report = report.only(|case| case.level() == Level::Must && case.name() != "a_folded_line_is_one_value");
//! report.assert_passed();
//! # }
//! ```
//!
//! A client whose connector is a `Service<Uri>` (hyper-util's) needs an adapter that calls the [`MemoryConnector`] with
//! [`Target::new(Origin::from_uri(&uri)?)`](treq_core::Target) and takes [`io`](treq_core::Connected) of what comes.
//!
//! # https
//!
//! Nothing is encrypted: on a connection for an https URL the servers expect HTTP in the clear, and what they know of it
//! is the `Target`, an https origin or a [`Secure`](crate::Secure) route. A client that insists on TLS above its connector
//! cannot take part in these cases: `report.only(|case| !case.needs_https())`.
//!
//! # What fails a case
//!
//! Beside what the case asks for: a client that panics; that hangs, which is 30 seconds without an answer; one whose
//! connections outlive it by 30 seconds, or whose tasks do by an hour. All of them are the case's failure, and the next
//! case is played. Run a suite on a runtime of one thread in paused time (`#[tokio::test(start_paused = true)]`), where none
//! of this takes real time; elsewhere tasks that are left cannot be told from others and are not looked for.

mod bare;
mod case;
mod expect;
mod play;
mod report;
mod server;

use http::{Request, Response};
use tower_service::Service;
use treq_core::{Body, BoxError};

use crate::MemoryConnector;

pub use self::bare::Bare;
pub use self::case::{Case, Level};
pub use self::expect::Fault;
pub use self::report::{Report, Verdict};

macro_rules! suites {
    ($($(#[$doc:meta])* $name:ident, $lines:literal;)+) => {
        $(
            $(#[$doc])*
            ///
            /// `make` gets the connector of a case and makes the client, or the layer around [`Bare`], for it.
            pub async fn $name<S, B>(make: impl Fn(MemoryConnector) -> S) -> Report
            where
                S: Service<Request<Body>, Response = Response<B>>,
                S::Error: Into<BoxError>,
                B: http_body::Body,
                B::Error: Into<BoxError>,
            {
                run(&Case::read(stringify!($name), include_str!($lines)), &make).await
            }
        )+

        /// All four suites.
        ///
        /// `make` gets the connector of a case and makes the client for it.
        pub async fn all<S, B>(make: impl Fn(MemoryConnector) -> S) -> Report
        where
            S: Service<Request<Body>, Response = Response<B>>,
            S::Error: Into<BoxError>,
            B: http_body::Body,
            B::Error: Into<BoxError>,
        {
            let mut report = Report::default();
            $(report.append($name(&make).await);)+
            report
        }
    };
}

suites! {
    /// Redirects, followed: where to, with which method, and what is taken along
    /// ([RFC 9110, section 15.4](https://www.rfc-editor.org/rfc/rfc9110#section-15.4)).
    redirects, "../../suites/redirects.jsonl";
    /// Cookies, kept and sent back
    /// ([RFC 6265bis, section 5](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5)).
    cookies, "../../suites/cookies.jsonl";
    /// Content codings, undone: gzip, deflate, br and zstd
    /// ([RFC 9110, section 8.4](https://www.rfc-editor.org/rfc/rfc9110#section-8.4)).
    decoding, "../../suites/decoding.jsonl";
    /// Where HTTP/1.1 messages end
    /// ([RFC 9112, section 6](https://www.rfc-editor.org/rfc/rfc9112#section-6)), and that nothing of one gets into another.
    framing, "../../suites/framing.jsonl";
}

async fn run<S, B>(cases: &[Case], make: &impl Fn(MemoryConnector) -> S) -> Report
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: http_body::Body,
    B::Error: Into<BoxError>,
{
    let mut report = Report::default();
    for case in cases {
        report.add(Verdict::new(case.clone(), play::play(case, make).await));
    }
    report
}
