//! Each family of endpoints over a real loopback socket.

mod bytes;
mod caching;
mod client;
mod codings;
mod cookies;
mod digest;
mod echo;
mod forms;
mod methods;
mod redirect;
mod server;
mod status;
