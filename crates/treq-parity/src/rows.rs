//! The rows of the catalogue.
