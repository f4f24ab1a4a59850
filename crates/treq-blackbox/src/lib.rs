//! The whole client behind a JSON protocol, and the player of the threats' cases against it.
//!
//! `treq-blackbox` is the client: see [`adapter`]. `treq-threats [id..] [--area AREA..] [--cases FILE].. [--adapter CMD]
//! [-j N]` plays the cases of `data/cases.jsonl` and `data/more.jsonl`, or of other files of that form, each against
//! listeners on loopback that follow its script, and judges what client and listeners saw: see [`expect`]. After an error the same client must
//! succeed with a healthy server. A case that treq deliberately answers in another way is covered by a rule in
//! [`listed`] that gives the reason.
//!
//! The player runs the `treq-blackbox` that stands beside it, so both are built first: `cargo xtask threats` does so and
//! takes the same arguments.
#![forbid(unsafe_code)]

pub mod adapter;
mod case;
mod compressed;
mod connection;
pub mod escape;
pub mod expect;
pub mod listed;
pub mod listener;
mod play;
pub mod step;
pub mod usage;

pub use case::Case;
pub use play::{Adapter, Verdict, play};
