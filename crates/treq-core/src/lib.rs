#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod auth;
mod body;
mod connected;
mod credential;
mod error;
mod exchange;
mod facts;
mod kept;
mod mask;
pub mod options;
mod origin;
mod replay;
mod resolve;
mod stand_in;
mod status;
mod target;
pub mod uri;

pub use body::Body;
pub use connected::{Connected, Forward, Peer, TlsFacts};
pub use credential::{MaskedFields, is_credential, is_secret_name};
pub use error::{BoxError, Error, Kind, Phase, Resend, find_cause};
pub use exchange::{Connection, Exchange, ExchangeError, Hold, InFlight, Wire};
pub use facts::{BodyEnd, ConnectionFacts, ConnectionId, Facts, Framing, Reason};
pub use kept::KeptFields;
pub use origin::{Origin, UriScheme};
pub use replay::{ByTryClone, Never, Replay, TryClone, replay_fn};
pub use resolve::{Name, Resolve, ResolveFn, Resolved, Resolving, resolve_fn};
pub use status::StatusError;
pub use target::{AsAny, HttpVersion, Key, Reuse, Route, Target};
