//! The layers over services of several kinds.

mod contract;
mod deadline;
mod phases;
mod runtime;
mod services;
mod support;
mod ticks;
mod uploads;
