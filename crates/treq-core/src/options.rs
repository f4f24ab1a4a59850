//! What a request says to the layers, and they to each other: types in [`http::Extensions`].
//!
//! They are here since a layer finds an option by its type, which two versions of a layer's crate would have twice.
//! A layer's crate has those that it reads too. Without an option the layer does what it was set up for.
//!
//! ```
//! use std::time::Duration;
//! use treq_core::options::{MaxRedirects, ReadTimeout};
//!
//! let request = http::Request::get("https://a.test/")
//!     .extension(MaxRedirects::new(3))
//!     .extension(ReadTimeout::new(Duration::from_secs(5)))
//!     .body(())?;
//! # Ok::<(), http::Error>(())
//! ```

use std::time::Duration;

macro_rules! limits_of_time {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(Option<Duration>);

        impl $name {
            /// This limit; `None` for as long as it takes.
            #[must_use]
            pub fn new(limit: impl Into<Option<Duration>>) -> $name {
                $name(limit.into())
            }

            /// The limit, if there is one.
            #[must_use]
            pub const fn limit(self) -> Option<Duration> {
                self.0
            }
        }
    )+};
}

limits_of_time! {
    /// Request option: how long the request may take as a whole, the body of its response included.
    TotalTimeout,
    /// Request option: how long the head of its response may take from the end of the request.
    HeadTimeout,
    /// Request option: how long each piece of the body of its response may take.
    ReadTimeout,
    /// Request option: how long the peer may take none of the body of the request.
    WriteTimeout,
}

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident($of:ty) $count:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name($of);

        impl $name {
            /// At most so many.
            #[must_use]
            pub const fn new($count: $of) -> $name {
                $name($count)
            }

            /// The number.
            #[must_use]
            pub const fn count(self) -> $of {
                self.0
            }
        }
    )+};
}

counts! {
    /// Request option: how many redirects are followed; with 0 the first response is returned.
    MaxRedirects(usize) redirects,
    /// Request option: how often the request may be sent in all, the first time included. 1, as 0, means that it is not repeated.
    Attempts(u32) attempts,
}

/// Request option: whether the request gets an `Idempotency-Key`, if its method is not idempotent and it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(bool);

impl IdempotencyKey {
    /// With a key or without.
    #[must_use]
    pub const fn new(on: bool) -> IdempotencyKey {
        IdempotencyKey(on)
    }

    /// Returns true if the request gets a key.
    #[must_use]
    pub const fn is_on(self) -> bool {
        self.0
    }
}

/// Request option: whether content codings are offered and decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoding(bool);

impl Decoding {
    /// With `false` no `Accept-Encoding` is added, and the body and its fields stay as they came.
    #[must_use]
    pub const fn new(on: bool) -> Decoding {
        Decoding(on)
    }

    /// Returns true if codings are offered and decoded.
    #[must_use]
    pub const fn is_on(self) -> bool {
        self.0
    }
}

/// Request option: a connection of its own, which serves no other request, even if one is idle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewConnection;

impl NewConnection {
    /// The option.
    #[must_use]
    pub const fn new() -> NewConnection {
        NewConnection
    }
}

/// Request mark, set by a layer that follows redirects: the chain has left the origin that the caller chose. A layer that adds
/// credentials adds none from here on, even if a later hop returns to that origin, since another party has chosen its URL.
///
/// ```
/// use treq_core::options::LeftOrigin;
///
/// # fn sign(_: &mut http::Request<()>) {}
/// # fn add(request: &mut http::Request<()>) {
/// if request.extensions().get::<LeftOrigin>().is_none() {
///     sign(request);
/// }
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftOrigin;

impl LeftOrigin {
    /// The mark.
    #[must_use]
    pub const fn new() -> LeftOrigin {
        LeftOrigin
    }
}
