//! Forms as bytes, read back by multer, and cut short in every way.

mod files;
mod kinds;
mod parity;
mod roundtrip;
mod rows;
mod sending;
mod support;
mod threats;
