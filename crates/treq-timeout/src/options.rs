use std::time::Duration;

/// In a request's extensions: how long it may take as a whole, its answer's body included. `None`: as long as it takes.
/// Read by a [`DeadlineLayer`](crate::DeadlineLayer).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total(pub Option<Duration>);

/// In a request's extensions: how long its answer's head is waited for from the end of the request. `None`: as long as
/// it takes. Read by a [`TimeoutLayer`](crate::TimeoutLayer).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head(pub Option<Duration>);

/// In a request's extensions: how long each piece of its answer's body is waited for. `None`: as long as it takes. Read
/// by a [`TimeoutLayer`](crate::TimeoutLayer).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read(pub Option<Duration>);

/// In a request's extensions: how long the peer may take none of its body. `None`: as long as it takes. Read by a
/// [`TimeoutLayer`](crate::TimeoutLayer), where it [watches uploads](crate::Uploads).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write(pub Option<Duration>);
