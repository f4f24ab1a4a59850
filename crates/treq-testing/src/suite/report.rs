use std::fmt;

use super::{Case, Fault, Level};

/// How a client came through: each case, with what was wrong.
///
/// [`Display`](fmt::Display) has one line for each suite, and below it each case that failed, with its section and what
/// was expected and found.
#[derive(Clone, Debug, Default)]
#[must_use = "a report that nobody looks at fails no test: see `assert_passed`"]
pub struct Report {
    verdicts: Vec<Verdict>,
}

/// How one case came out.
#[derive(Clone, Debug)]
pub struct Verdict {
    case: Case,
    faults: Vec<Fault>,
}

impl Verdict {
    pub(super) fn new(case: Case, faults: Vec<Fault>) -> Verdict {
        Verdict { case, faults }
    }

    /// The case.
    pub fn case(&self) -> &Case {
        &self.case
    }

    /// What was wrong; nothing where the case passed.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Whether nothing was wrong.
    pub fn is_passed(&self) -> bool {
        self.faults.is_empty()
    }
}

impl Report {
    pub(super) fn add(&mut self, verdict: Verdict) {
        self.verdicts.push(verdict);
    }

    pub(super) fn append(&mut self, other: Report) {
        self.verdicts.extend(other.verdicts);
    }

    /// All cases, in the order in which they were played.
    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    /// The cases that passed.
    pub fn passed(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().filter(|verdict| verdict.is_passed())
    }

    /// The cases that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().filter(|verdict| !verdict.is_passed())
    }

    /// The report of these cases alone: without those that [need https](Case::needs_https), those of a
    /// [level](Case::level), or one by its name that the client answers in another way on purpose.
    pub fn only(mut self, keep: impl Fn(&Case) -> bool) -> Report {
        self.verdicts.retain(|verdict| keep(&verdict.case));
        self
    }

    /// Fails a test unless every case passed.
    ///
    /// # Panics
    ///
    /// With the whole report, where a case failed, and where there is no case at all.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(!self.verdicts.is_empty(), "no case was played");
        assert!(self.failed().next().is_none(), "cases failed\n{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut suites: Vec<_> = self.verdicts.iter().map(|verdict| verdict.case.suite()).collect();
        suites.dedup();
        for suite in suites {
            let of_suite = |verdict: &&Verdict| verdict.case.suite() == suite;
            let (passed, failed) = (self.passed().filter(of_suite).count(), self.failed().filter(of_suite).count());
            writeln!(f, "{suite:<10} passed {passed:>3}, failed {failed:>3}")?;
            for Verdict { case, faults } in self.failed().filter(of_suite) {
                let level = match case.level() {
                    Level::Must => "MUST",
                    Level::Should => "SHOULD",
                };
                writeln!(f, "  {level:<6} {} ({})", case.name(), case.section())?;
                for fault in faults {
                    writeln!(f, "         {fault}")?;
                }
            }
        }
        Ok(())
    }
}
