//! The workspace's own automation.
fn main() {}
