//! `gunzip flate2|treq-decode COUNT FILE`: the same gzip, decoded so many times. `gunzip write FILE` makes it.
#![forbid(unsafe_code)]

fn main() -> Result<(), treq_bench::Failure> {
    treq_bench::gunzip(std::env::args().skip(1))
}
