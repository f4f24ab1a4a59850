use std::fmt;
use std::sync::Arc;

use treq_core::BoxError;

/// A content coding under way: takes coded bytes, gives decoded ones, piece by piece.
///
/// ```
/// use treq_core::BoxError;
/// use treq_decode::{Decoder, Progress};
///
/// /// Every byte with one bit turned over.
/// struct Flip;
///
/// impl Decoder for Flip {
///     fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, BoxError> {
///         let len = input.len().min(output.len());
///         output[..len].iter_mut().zip(input).for_each(|(to, from)| *to = from ^ 1);
///         Ok(Progress::new(len, len))
///     }
///
///     fn finish(&mut self) -> Result<(), BoxError> {
///         Ok(())
///     }
/// }
/// ```
pub trait Decoder: Send + 'static {
    /// Reads some of `input` and writes some of `output`. It is called again with what is left of the input, and with
    /// none for as long as it fills the output, until it has nothing more to give.
    ///
    /// # Errors
    ///
    /// For input that is not of this coding.
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, BoxError>;

    /// All of the input has been read and all of the output been taken.
    ///
    /// # Errors
    ///
    /// For input that ended before the coding did.
    fn finish(&mut self) -> Result<(), BoxError>;
}

impl<D: Decoder + ?Sized> Decoder for Box<D> {
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<Progress, BoxError> {
        D::decode(self, input, output)
    }

    fn finish(&mut self) -> Result<(), BoxError> {
        D::finish(self)
    }
}

/// How far one step of a [`Decoder`] came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes read of the input.
    pub read: usize,
    /// Bytes written to the output.
    pub written: usize,
}

impl Progress {
    /// A step that read and wrote these numbers of bytes.
    pub fn new(read: usize, written: usize) -> Progress {
        Progress { read, written }
    }
}

/// A content coding by its name.
#[derive(Clone)]
pub struct Coding {
    name: Box<str>,
    make: Arc<dyn Fn() -> Box<dyn Decoder> + Send + Sync>,
}

impl Coding {
    /// A coding that is undone by what `make` makes for each body. Its name is compared without regard to case.
    pub fn new<D: Decoder>(name: &str, make: impl Fn() -> D + Send + Sync + 'static) -> Coding {
        Coding { name: name.into(), make: Arc::new(move || Box::new(make())) }
    }

    /// The name as it stands in `Accept-Encoding`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether `name` of a `Content-Encoding` means this one: without regard to case, `x-gzip` for gzip
    /// ([RFC 9110, section 8.4.1.3](https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1.3)).
    pub(crate) fn is_named(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(&self.name) || (&*self.name == "gzip" && name.eq_ignore_ascii_case("x-gzip"))
    }

    pub(crate) fn decoder(&self) -> Box<dyn Decoder> {
        (self.make)()
    }
}

impl fmt::Debug for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Coding({})", self.name)
    }
}
