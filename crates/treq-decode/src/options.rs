/// Whether the answer to a request is decoded: an extension of the request. Absent, it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decoding {
    /// `Accept-Encoding` is offered, and the codings are undone.
    #[default]
    On,
    /// Nothing is offered and nothing undone: the body and its fields stay as they came.
    Off,
}
