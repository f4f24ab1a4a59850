//! The layers over connectors and services of several kinds, and the rows of the conformance data.

mod contract;
mod drops;
mod forwards;
mod loopback;
mod routes;
mod rows;
mod services;
mod sockses;
mod support;
mod tunnels;
