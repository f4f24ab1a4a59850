//! Both programs end to end, and the rows that need no listener.
#![allow(missing_docs)]

mod adapter;
mod cookies;
mod given;
mod player;
