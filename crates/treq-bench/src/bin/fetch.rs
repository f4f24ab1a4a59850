//! `fetch CLIENT COUNT URL`: so many GETs with one client, one after the other.
#![forbid(unsafe_code)]

fn main() -> Result<(), treq_bench::Failure> {
    treq_bench::run(std::env::args().skip(1))
}
