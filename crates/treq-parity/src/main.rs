//! `treq-parity [--cases FILE]`: plays the cases and prints how they came out, behind a table of the catalogue.
//! `treq-parity --live PYTHON [--short] [--cases FILE]`: plays them by ours and by the treq of that Python, side by side;
//! `--short`: of differences that have their rule, only the counts are printed.
#![forbid(unsafe_code)]
// A command speaks by printing.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use treq_parity::rows::{self, Standing, Table};
use treq_parity::{Case, Outcome, Sources, judge, live, read};

fn main() -> ExitCode {
    // Some cases are tests that are to fail: what they say is enough, without the way there.
    std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all is as it should be.
fn run() -> Result<bool, String> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut given = None;
    let mut python = None;
    let mut short = false;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--cases" => given = Some(PathBuf::from(args.next().ok_or("--cases wants a file")?)),
            "--live" => python = Some(PathBuf::from(args.next().ok_or("--live wants a Python that has treq")?)),
            "--short" => short = true,
            other => {
                return Err(format!("{other:?} is not known: treq-parity [--live PYTHON [--short]] [--cases FILE]"));
            }
        }
    }
    let own = home.join("data/cases.jsonl");
    if let Some(python) = python {
        let cases = match &given {
            Some(file) => read(file)?,
            // Of the variations nothing is recorded: what the original does with them is seen when it runs.
            None => [read(&own)?, read(&home.join("live/variations.jsonl"))?].concat(),
        };
        return Ok(live::run(&python, &cases, short, &mut std::io::stdout())?.undeclared == 0);
    }
    let file = given.unwrap_or_else(|| own.clone());
    let sources = Sources::scan(&home.join("../.."))?;
    let cases = read(&file)?;
    let outcomes = play(&cases, &sources);
    // The rows are those of the catalogue here, whatever file the cases come from.
    let known = if file == own {
        outcomes.iter().map(|(id, outcome)| ((*id).to_owned(), outcome.clone())).collect()
    } else {
        let cases = read(&own)?;
        play(&cases, &sources).into_iter().map(|(id, outcome)| (id.to_owned(), outcome)).collect()
    };
    let open = sections(home, &known, &sources)?;
    for (id, outcome) in &outcomes {
        match outcome {
            Outcome::Different(reasons) => println!("{id} DIFFERENT {}", reasons.join("; ")),
            Outcome::Failed(why) => println!("{id} FAIL {why}"),
            Outcome::Passed | Outcome::ByHand => {}
        }
    }
    let count = |of: fn(&Outcome) -> bool| outcomes.iter().filter(|(_, outcome)| of(outcome)).count();
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    println!(
        "cases: passed {}, different {}, by hand {}, failed {failed}",
        count(|outcome| matches!(outcome, Outcome::Passed)),
        count(|outcome| matches!(outcome, Outcome::Different(_))),
        count(|outcome| matches!(outcome, Outcome::ByHand)),
    );
    Ok(failed == 0 && open == 0)
}

fn play<'a>(cases: &'a [Case], sources: &Sources) -> Vec<(&'a str, Outcome)> {
    cases.iter().map(|case| (case.id.as_str(), judge(case, sources))).collect()
}

/// Prints how the rows of each section stand. How many are open.
fn sections(home: &Path, outcomes: &BTreeMap<String, Outcome>, sources: &Sources) -> Result<usize, String> {
    let table = Table::read(&home.join("data/rows.jsonl"))?;
    let sections = rows::catalogue(&home.join("data/catalogue.md"))?;
    let known: Vec<_> = sections.iter().flat_map(|section| &section.rows).collect();
    if let Some(stranger) = table.rows().find(|row| !known.iter().any(|known| known == row)) {
        return Err(format!("the catalogue has no row {stranger}"));
    }
    let mut all_open = 0;
    for section in &sections {
        let (mut done, mut different, mut open) = (0, 0, Vec::new());
        for row in &section.rows {
            match table.standing(row, outcomes, sources) {
                Standing::Done => done += 1,
                Standing::Different(_) => different += 1,
                Standing::Open(why) => open.push(format!("{row} OPEN {why}")),
            }
        }
        println!("{}: done {done}, different {different}, open {}", section.title, open.len());
        open.iter().for_each(|row| println!("{row}"));
        all_open += open.len();
    }
    Ok(all_open)
}
