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
