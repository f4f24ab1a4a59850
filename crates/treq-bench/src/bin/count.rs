//! `count CLIENT COUNT URL`: what `fetch` does, and how many allocations it took.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout)]

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

fn main() -> Result<(), treq_bench::Failure> {
    treq_bench::run(std::env::args().skip(1))?;
    let made = COUNTING.stats();
    println!("allocations: {}", made.allocations + made.reallocations);
    Ok(())
}
