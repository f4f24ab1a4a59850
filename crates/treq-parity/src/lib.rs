//! What the original does, as data, with the runner that compares.
//!
//! `data/cases.jsonl` holds cases of Python treq's behaviour: what is given, and what came of it there. Those in a closed
//! form are played against our client by [`judge`], which looks at their content and never at their id; those told in
//! prose are tests of this crate named after them (`parity_c_pool_13_..`). Where we deliberately do something else, a
//! rule of [`differences`] says in which field and why, so that it holds for cases that nobody has seen yet.
//!
//! `data/catalogue.md` lists the features row by row; `data/rows.jsonl` says of each how it is checked ([`rows`]).
//!
//! [`live`] plays the cases by the original too, beside ours, and shows what differs: `cargo xtask parity --live`.
//!
//! The client is set up as the original is: redirect policy `Strict`, gzip alone, two idle connections for 240 seconds,
//! ISO-8859-1 where no charset is named. Order and case of field names do not count, nor does whether an error comes at
//! the call or when it is awaited, nor its words: its kind does.
#![forbid(unsafe_code)]

mod call;
mod case;
mod charset;
mod cookies;
pub mod differences;
mod errors;
mod forms;
mod json;
pub mod live;
mod multipart;
mod profile;
mod redirect;
mod request;
mod response;
pub mod rows;
mod sources;
mod testing;
mod uri;
mod wire;
mod world;

use std::path::Path;

pub use case::{Case, Mismatch, Outcome};
pub use json::Json;
pub use profile::{client, client_with};
pub use sources::Sources;
pub use world::{Connector, EMPTY, End, Received, Step, Wire, World};

/// Reads a file of cases.
///
/// # Errors
///
/// For a file that cannot be read, and a line that is no case, naming it.
pub fn read(path: &Path) -> Result<Vec<Case>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let case = |(at, line)| Case::parse(line).map_err(|why| format!("{}:{}: {why}", path.display(), at + 1));
    lines.map(case).collect()
}

/// Plays one case, or looks for its test.
pub fn judge(case: &Case, sources: &Sources) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let played = match runtime {
        Ok(runtime) => runtime.block_on(play(case)),
        Err(error) => Err(format!("no runtime: {error}")),
    };
    match played {
        Ok(Some(mismatches)) => verdict(case, &mismatches),
        Ok(None) | Err(_) if sources.has_test(&case.id) => Outcome::ByHand,
        Ok(None) => Outcome::Failed("its form is not known, and no test is named after it".to_owned()),
        Err(why) => Outcome::Failed(why),
    }
}

/// What came out otherwise; `None` where the case is not of a closed form.
async fn play(case: &Case) -> Result<Option<Vec<Mismatch>>, String> {
    if let Some(seen) = cookies::play(case).await? {
        return Ok(Some(seen));
    }
    if let Some(seen) = uri::play(case).await? {
        return Ok(Some(seen));
    }
    if let Some(seen) = charset::play(case).await? {
        return Ok(Some(seen));
    }
    if let Some(seen) = multipart::play(case).await? {
        return Ok(Some(seen));
    }
    if let Some(seen) = testing::play(case).await? {
        return Ok(Some(seen));
    }
    if let Some(seen) = forms::play(case).await? {
        return Ok(Some(seen));
    }
    response::play(case).await
}

fn verdict(case: &Case, mismatches: &[Mismatch]) -> Outcome {
    let mut reasons = Vec::new();
    let mut meant = false;
    for mismatch in mismatches {
        match differences::reason(case, mismatch) {
            Some(difference) => {
                meant |= !difference.incidental;
                if !reasons.contains(&difference.why) {
                    reasons.push(difference.why);
                }
            }
            None => return Outcome::Failed(mismatch.to_string()),
        }
    }
    if case.diverge && !meant {
        let better = case.better.as_deref().unwrap_or("something else");
        return Outcome::Failed(format!("it comes out as there, where this is wanted: {better}"));
    }
    if reasons.is_empty() { Outcome::Passed } else { Outcome::Different(reasons) }
}
