//! Unboxed over the services of others.
