//! Cases that are told in prose, and rows that no case shows: tests named after their ids.

mod agents;
mod bodies;
mod cookies;
mod entry;
mod fields;
mod files;
mod guide;
mod integration;
mod pools;
mod reading;
mod runner;
mod support;
mod testing;
mod timeouts;
mod zerynth;
