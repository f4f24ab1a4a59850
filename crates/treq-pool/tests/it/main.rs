//! The pool over connections that do what a test tells them to.
#![allow(missing_docs)]

mod answer;
mod body;
mod caps;
mod fake;
mod idle;
mod keys;
mod model;
mod promises;
mod racing;
mod sharing;
