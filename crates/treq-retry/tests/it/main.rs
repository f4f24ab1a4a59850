//! The layer over services of several kinds.
