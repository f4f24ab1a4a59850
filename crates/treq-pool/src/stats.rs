/// What a pool holds at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// Connections in use, idle and being made.
    pub open: usize,
    /// Connections that wait for their next request.
    pub idle: usize,
    /// Connections being made.
    pub connecting: usize,
    /// Requests that wait for a connection, those that are making one meanwhile among them.
    pub waiting: usize,
    /// Kinds of targets with a connection or a waiter.
    pub hosts: usize,
    /// Connections made since the pool was.
    pub made: u64,
}

impl PoolStats {
    /// Connections that carry an exchange.
    pub fn in_use(&self) -> usize {
        self.open - self.idle - self.connecting
    }
}
