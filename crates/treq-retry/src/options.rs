/// Request option: how often this request may be sent in all, the first time among them. 1, as 0, switches the layer
/// off for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts(pub u32);

/// Request option: whether this request gets an `Idempotency-Key` of the layer, if its method is not idempotent and it
/// has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(pub bool);

/// Response extension: how often the request was sent, where that is more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempted(pub u32);
