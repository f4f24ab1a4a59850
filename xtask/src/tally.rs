//! What test runners say at their end.

use std::time::Duration;

/// The sums over all test binaries of one `cargo test`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    failed: u64,
    ignored: u64,
    measured: u64,
    filtered: u64,
}

impl Tally {
    /// In the runner's own words.
    pub(crate) fn shown(&self, took: Duration) -> String {
        let Self { passed, failed, ignored, measured, filtered } = self;
        format!(
            "test result: ok. {passed} passed; {failed} failed; {ignored} ignored; {measured} measured; \
             {filtered} filtered out; finished in {:.2}s",
            took.as_secs_f64()
        )
    }
}

/// Sums the `test result:` lines; none where there is no such line.
pub(crate) fn libtest(lines: &[String]) -> Option<Tally> {
    let results: Vec<&str> = lines.iter().filter_map(|line| line.trim().strip_prefix("test result: ")).collect();
    let count = |word: &str| -> u64 { results.iter().filter_map(|line| number_before(line, word)).sum() };
    (!results.is_empty()).then(|| Tally {
        passed: count("passed"),
        failed: count("failed"),
        ignored: count("ignored"),
        measured: count("measured"),
        filtered: count("filtered out"),
    })
}

/// The runner's `Summary [..] N tests run: ..` line.
pub(crate) fn nextest(lines: &[String]) -> Option<String> {
    lines.iter().rev().map(|line| line.trim()).find(|line| line.starts_with("Summary [")).map(str::to_owned)
}

fn number_before(line: &str, word: &str) -> Option<u64> {
    let part = line.split([';', '.']).map(str::trim).find_map(|part| part.strip_suffix(word))?;
    part.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn sums_the_binaries() {
        let said = lines(
            "test a ... ok\n\
             test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s\n\
             running 0 tests\n\
             test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s",
        );
        let tally = libtest(&said).unwrap();
        assert_eq!(tally, Tally { passed: 7, ignored: 1, filtered: 2, ..Tally::default() });
        let expected = "test result: ok. 7 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 1.50s";
        assert_eq!(tally.shown(Duration::from_millis(1500)), expected);
        assert_eq!(libtest(&lines("nothing")), None);
    }

    #[test]
    fn finds_the_summary_of_nextest() {
        let said =
            lines("    PASS [   0.004s] a b\n------------\n     Summary [   0.010s] 2 tests run: 2 passed, 0 skipped");
        assert_eq!(nextest(&said).as_deref(), Some("Summary [   0.010s] 2 tests run: 2 passed, 0 skipped"));
        assert_eq!(nextest(&lines("error")), None);
    }
}
