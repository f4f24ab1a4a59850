/// Request option: how often this request may be sent in all, the first time among them. 1, as 0, switches the layer
/// off for it.
///
/// ```
/// let request = http::Request::get("http://a.test/").extension(treq_retry::Attempts::new(5)).body(())?;
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts(u32);

impl Attempts {
    /// At most so many attempts.
    #[must_use]
    pub const fn new(attempts: u32) -> Attempts {
        Attempts(attempts)
    }

    /// The number of attempts.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.0
    }
}

/// Request option: whether this request gets an `Idempotency-Key` of the layer, if its method is not idempotent and it
/// has none.
///
/// ```
/// let request = http::Request::post("http://a.test/").extension(treq_retry::IdempotencyKey::new(true)).body(())?;
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(bool);

impl IdempotencyKey {
    /// With a key or without.
    #[must_use]
    pub const fn new(on: bool) -> IdempotencyKey {
        IdempotencyKey(on)
    }

    /// Whether the request gets a key.
    #[must_use]
    pub const fn is_on(self) -> bool {
        self.0
    }
}

/// Response extension: how often the request was sent, if that is more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempted(u32);

impl Attempted {
    /// Sent so many times. The layer makes it; mocks of the layer do, too.
    #[must_use]
    pub const fn new(attempts: u32) -> Attempted {
        Attempted(attempts)
    }

    /// The number of attempts.
    #[must_use]
    pub const fn count(self) -> u32 {
        self.0
    }
}
