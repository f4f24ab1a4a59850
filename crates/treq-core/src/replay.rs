/// A value that may be able to give a second one with the same contents.
///
/// Implemented for every `Clone` body, where `Clone` must mean *the same bytes again* (as it does for
/// `http_body_util::Full` and `Empty`), and for [`Body`](crate::Body), which is not `Clone` because a stream is not.
pub trait TryClone: Sized {
    /// A copy that yields what this value would have yielded, or `None` where that cannot be had.
    fn try_clone(&self) -> Option<Self>;
}

impl<T: Clone + http_body::Body> TryClone for T {
    fn try_clone(&self) -> Option<T> {
        Some(self.clone())
    }
}

/// How a layer that may send a request twice comes by a second body of type `B`.
///
/// Layers take [`ByTryClone`] unless they are told otherwise. A closure admits any foreign body, and [`Never`] says
/// that bodies go out once:
///
/// ```
/// use treq_core::{Never, Replay};
///
/// struct Foreign(u32);
/// let by_closure = |body: &Foreign| Some(Foreign(body.0));
/// assert_eq!(by_closure.copy(&Foreign(7)).map(|copy| copy.0), Some(7));
/// assert!(Never.copy(&Foreign(7)).is_none());
/// ```
pub trait Replay<B> {
    /// A second body with the same contents, or `None` where the body can be sent only once.
    fn copy(&self, body: &B) -> Option<B>;
}

/// [`Replay`] of bodies that are [`TryClone`].
#[derive(Clone, Copy, Debug, Default)]
pub struct ByTryClone;

impl<B: TryClone> Replay<B> for ByTryClone {
    fn copy(&self, body: &B) -> Option<B> {
        body.try_clone()
    }
}

/// [`Replay`] of nothing: whatever the body, it is sent once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Never;

impl<B> Replay<B> for Never {
    fn copy(&self, _: &B) -> Option<B> {
        None
    }
}

impl<B, F: Fn(&B) -> Option<B>> Replay<B> for F {
    fn copy(&self, body: &B) -> Option<B> {
        self(body)
    }
}

/// Returns the closure, as one that is a [`Replay`]: a closure that is written in place needs no type of its parameter.
///
/// ```
/// use treq_core::{Replay, replay_fn};
///
/// struct Foreign(u32);
/// let copy = replay_fn::<Foreign, _>(|body| Some(Foreign(body.0)));
/// assert_eq!(copy.copy(&Foreign(7)).map(|copy| copy.0), Some(7));
/// // Where the closure looks at nothing, the type comes from the service.
/// let again = replay_fn(|_| Some(Foreign(8)));
/// assert_eq!(again.copy(&Foreign(7)).map(|copy| copy.0), Some(8));
/// ```
pub fn replay_fn<B, F: Fn(&B) -> Option<B>>(copy: F) -> F {
    copy
}
