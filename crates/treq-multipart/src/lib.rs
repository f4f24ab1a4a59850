#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod alone;
mod body;
mod boundary;
mod error;
mod escape;
mod form;
mod part;
mod plan;
mod progress;
mod source;

pub use body::FormBody;
pub use error::WrongLength;
pub use form::Form;
pub use part::Part;
pub use progress::Progress;
