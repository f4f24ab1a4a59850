//! The design's invariants as code: every complaint is printed, any of them fails.
//!
//! The decisions are plain functions over what `cargo metadata` says and what the files hold; the tables are data.

mod arrows;
mod files;
mod manifests;
mod rust_version;
pub(crate) mod table;
mod text;

use crate::metadata::Metadata;
use crate::run::{Outcome, no_more};

/// One broken rule: where, and what to do about it.
type Complaint = String;

pub(crate) fn run(arguments: &[String]) -> Outcome {
    no_more(arguments)?;
    let metadata = Metadata::load()?;
    let files = files::list(&metadata.root, &metadata.target)?;

    let mut complaints = files::check(&files);
    complaints.extend(files::strangers(&files));
    complaints.extend(manifests::check(&metadata));
    complaints.extend(manifests::one_version_each(&metadata));
    complaints.extend(files.iter().filter_map(manifests::inherits_lints));
    complaints.extend(arrows::check(&metadata));
    let highest = rust_version::highest(&metadata)?;
    complaints.extend(rust_version::check(&metadata, &highest));

    println!("{} files, {} crates; {highest}", files.len(), metadata.workspace().count());
    for complaint in &complaints {
        println!("tidy: {complaint}");
    }
    if complaints.is_empty() { Ok(()) } else { Err(format!("{} rules broken, named above", complaints.len())) }
}
