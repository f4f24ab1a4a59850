#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod agent;
mod arrival;
mod ban;
mod broken_off;
mod cassette;
mod connector;
pub mod contract;
mod counts;
mod faulty;
mod form;
mod hosts;
pub mod matcher;
mod memory;
mod pipe;
mod random;
mod raw;
mod sequence;
mod service;
mod show;
mod spy;
mod storm;
mod stub;
pub mod suite;
mod tasks;

pub use agent::{RequestTraversalAgent, Traversing};
pub use arrival::{Arrival, Secure};
pub use ban::{Banned, NetworkBan, NetworkBanLayer};
pub use cassette::{
    Cassette, CassetteBody, CassetteConnect, CassetteLayer, CassetteOptions, CassettePipe, CassetteService, Masks,
    Matching, Mode, Offline, Player,
};
pub use connector::{Connecting, MemoryConnector};
pub use faulty::{Faults, FaultyConnect, FaultyConnecting, FaultyIo};
pub use matcher::{ANY, HasCookies, HasForm, HasHeaders, HasParts, JsonSubset, Matcher, predicate, regex};
pub use memory::MemoryServer;
pub use pipe::{Pipe, ServerEnd};
pub use random::Random;
pub use raw::{RawBuilder, RawConnection, RawRequest, RawServer, Step};
pub use sequence::{Consume, Expected, RequestSequence};
pub use service::HttpService;
pub use spy::{AgentSpy, Spied, SpiedRequest, agent_spy};
pub use storm::{Ledger, Storm};
pub use stub::{IntoReply, Params, ReplyHeaders, StringStubbing, StubReply, StubRequest};
