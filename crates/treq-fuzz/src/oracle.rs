use std::alloc::System;
use std::error::Error as StdError;
use std::fmt::{Debug, Display};
use std::time::Duration;

use peakmem_alloc::{PeakMemAlloc, PeakMemAllocTrait as _};
use rustix::time::{ClockId, clock_gettime};

use crate::Target;

#[global_allocator]
static ALLOCATOR: PeakMemAlloc<System> = PeakMemAlloc::system();

/// Stands for a password, a token or a key in the inputs.
pub const SECRET: &str = "c4nAry9";

/// Inputs of one kind, one four times as long as the other, in bytes. What takes the square of 256 KiB takes minutes.
const SHORT: usize = 64 * 1024;
const LONG: usize = 4 * SHORT;

/// The longer one may take this long whatever the shorter one took: of a millisecond the scheduler's share is too large.
const FREE: Duration = Duration::from_millis(300);

/// The largest ratio of the two times: twice that of linear growth.
const GROWTH: u32 = 8;

/// The memory that a run may hold at once, whatever the length of the input: 16 MiB.
const MEMORY: usize = 16 << 20;

/// And how much for each byte of it: a list of names of one letter takes a hundred or two for each, while it grows twice that.
const PER_BYTE: usize = 512;

/// Runs the target on this input, and on some inputs like it that are far longer as well.
///
/// # Panics
///
/// If an invariant is broken; the message says which.
pub fn play(target: &Target, input: &[u8]) {
    // The fuzzer sees what the bytes are compared with, and writes it anywhere, escapes between its letters too.
    let letters: Vec<u8> = input.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
    if letters.windows(SECRET.len()).any(|bytes| bytes == SECRET.as_bytes()) {
        return;
    }
    measured(target, input);
    let mark = hash(input);
    // The few that are tried are the same in each run.
    if mark % 64 == 0 {
        grow(target, input, mark);
    }
}

/// Checks that time and memory grow no faster than the input.
fn grow(target: &Target, input: &[u8], mark: u64) {
    let (short, long) = (longer(input, mark, SHORT), longer(input, mark, LONG));
    let took = measured(target, &long);
    if took <= FREE {
        return;
    }
    let shorter = measured(target, &short);
    // Once more, should something have got in between.
    let took = took.min(measured(target, &long));
    assert!(
        took <= FREE || took <= shorter * GROWTH,
        "{}: {SHORT} bytes take {shorter:?}, {LONG} bytes {took:?}",
        target.name
    );
}

/// The input with a piece of it, or all of it, again and again.
fn longer(input: &[u8], mark: u64, len: usize) -> Vec<u8> {
    let mark = usize::try_from(mark >> 8).unwrap_or(0);
    let start = mark % (input.len() + 1);
    let end = start + (mark >> 16) % (input.len() - start + 1);
    let (start, end) = if start == end { (0, input.len()) } else { (start, end) };
    let unit = &input[start..end];
    if unit.is_empty() {
        return Vec::new();
    }
    [&input[..start], &unit.repeat(len / unit.len() + 1), &input[end..]].concat()
}

/// Runs the target; the processor's time that it took. The memory at its peak is within bounds.
fn measured(target: &Target, input: &[u8]) -> Duration {
    ALLOCATOR.reset_peak_memory();
    let before = now();
    (target.run)(input);
    let took = now().saturating_sub(before);
    let peak = ALLOCATOR.get_peak_memory();
    let most = MEMORY + target.windows + input.len() * PER_BYTE;
    assert!(peak <= most, "{}: {} bytes take {peak} bytes of memory, more than {most}", target.name, input.len());
    took
}

/// The CPU time of this thread.
fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.try_into().unwrap_or(0))
}

/// FNV-1a: the same in each build, unlike the standard library's.
fn hash(input: &[u8]) -> u64 {
    input.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

/// Panics if the value's `Debug` has the secret in it.
pub(crate) fn shows_nothing(what: &impl Debug) {
    keeps_secret(&format!("{what:?} {what:#?}"));
}

/// Panics if an error, or one of its causes, has the secret in it.
pub(crate) fn tells_nothing(error: &(impl StdError + 'static)) {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        keeps_secret(&format!("{error} {error:?}"));
        next = error.source();
    }
}

pub(crate) fn keeps_secret(text: &(impl Display + ?Sized)) {
    let text = text.to_string();
    assert!(!text.contains(SECRET), "a secret is shown: {text}");
}
