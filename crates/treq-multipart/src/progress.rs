use std::sync::Arc;

/// How far a sending has come; see [`Form::on_progress`](crate::Form::on_progress).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The bytes of the body handed on so far in this sending, boundaries and part headers among them.
    pub sent: u64,
    /// The bytes of the whole body, where that is known.
    pub total: Option<u64>,
}

pub(crate) type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;
