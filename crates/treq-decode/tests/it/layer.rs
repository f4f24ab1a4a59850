//! How the layer behaves.
