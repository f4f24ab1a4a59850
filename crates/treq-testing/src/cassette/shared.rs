//! The state behind a cassette, its layers and its services.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use treq_core::{Error, Kind};

use super::entry::{Answer, Asked, Entry};
use super::masks::{Masker, Masks};
use super::{CassetteOptions, Mode, file, har, report};
use crate::tasks::lock;

pub(super) struct Shared {
    name: String,
    path: Option<PathBuf>,
    options: CassetteOptions,
    plays: bool,
    records: bool,
    state: Mutex<State>,
}

struct State {
    masker: Masker,
    loaded: Vec<Loaded>,
    /// Recorded by this one, by the order in which the requests were made.
    recorded: BTreeMap<u64, Entry>,
    /// How many requests were made.
    asked: u64,
    /// Answers whose bodies are being read.
    open: usize,
    /// Whether there is something that the file does not have.
    is_new: bool,
    /// Requests that nothing was found for.
    refused: Vec<String>,
    /// Exchanges that could not be kept, until they are told.
    faults: Vec<String>,
}

/// An entry of the file.
struct Loaded {
    entry: Entry,
    /// Its request, masked: what others are compared with.
    request: Asked,
    played: usize,
}

impl Shared {
    pub(super) fn new(
        name: String,
        path: Option<PathBuf>,
        options: CassetteOptions,
        entries: Option<Vec<Entry>>,
    ) -> Shared {
        let plays = entries.is_some() || matches!(options.mode, Mode::Replay | Mode::New);
        let records = match options.mode {
            Mode::Replay => false,
            Mode::Once => entries.is_none(),
            Mode::New | Mode::Always => true,
        };
        let mut masker = Masker::new(options.masks.clone());
        let entries = entries.unwrap_or_default();
        entries.iter().for_each(|entry| masker.learn(entry));
        let load = |entry: Entry| Loaded { request: masker.request(&entry.request), entry, played: 0 };
        let loaded = entries.into_iter().map(load).collect();
        let state = State {
            masker,
            loaded,
            recorded: BTreeMap::new(),
            asked: 0,
            open: 0,
            is_new: false,
            refused: Vec::new(),
            faults: Vec::new(),
        };
        Shared { name, path, options, plays, records, state: Mutex::new(state) }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn plays(&self) -> bool {
        self.plays
    }

    pub(super) fn records(&self) -> bool {
        self.records
    }

    pub(super) fn masks(&self) -> &Masks {
        &self.options.masks
    }

    pub(super) fn max_body(&self) -> usize {
        self.options.max_body
    }

    pub(super) fn len(&self) -> usize {
        let state = lock(&self.state);
        state.loaded.len() + state.recorded.len()
    }

    pub(super) fn unplayed(&self) -> Vec<String> {
        let state = lock(&self.state);
        state.loaded.iter().filter(|entry| entry.played == 0).map(|entry| entry.request.line()).collect()
    }

    pub(super) fn refused(&self) -> Vec<String> {
        lock(&self.state).refused.clone()
    }

    /// The answer to a request, if it is on the cassette.
    pub(super) fn find(&self, asked: &Asked) -> Option<Answer> {
        let mut state = lock(&self.state);
        state.masker.learn_request(asked);
        // With the secrets of this request masked wherever they stand, or only where their names say so: the stand-in for a
        // password may be a word that is also in the URL, where the recorded one was not.
        let named = Masker::new(self.options.masks.clone()).request(asked);
        let asked = [state.masker.request(asked), named];
        let (repeat, matching) = (self.options.repeat, &self.options.matching);
        let is_same = |entry: &&mut Loaded| {
            let is_it = |asked| matching.differing(&entry.request, asked).is_empty();
            (repeat || entry.played == 0) && asked.iter().any(is_it)
        };
        // What a mask stands for anything in may be meant for another; of several the first that was played least.
        let is_exact = |entry: &Asked| {
            let is_it = |asked: &Asked| asked.url == entry.url && asked.message.body == entry.message.body;
            asked.iter().any(is_it)
        };
        let found =
            state.loaded.iter_mut().filter(is_same).min_by_key(|entry| (!is_exact(&entry.request), entry.played))?;
        found.played += 1;
        Some(found.entry.response.clone())
    }

    /// The error for a request that is not on the cassette.
    pub(super) fn refuse(&self, asked: &Asked) -> Error {
        let mut state = lock(&self.state);
        let asked = state.masker.request(asked);
        let loaded = state.loaded.iter();
        let entries: Vec<_> =
            loaded.map(|entry| report::Candidate { request: &entry.request, is_played: entry.played > 0 }).collect();
        let message = report::unknown(&self.name, &self.options.matching, &entries, &asked);
        state.refused.push(message.clone());
        Error::new(Kind::Other, message)
    }

    /// A number for a request that is to be recorded.
    pub(super) fn number(&self) -> u64 {
        let mut state = lock(&self.state);
        state.asked += 1;
        state.asked
    }

    pub(super) fn opened(&self) {
        lock(&self.state).open += 1;
    }

    pub(super) fn closed(&self) {
        lock(&self.state).open -= 1;
    }

    /// Keeps an exchange.
    pub(super) fn keep(&self, number: u64, entry: Entry) {
        let mut state = lock(&self.state);
        for (what, message) in [("request", &entry.request.message), ("answer", &entry.response.message)] {
            if let Some(coding) = self.options.masks.unread(message) {
                let line = state.masker.request(&entry.request).line();
                state.faults.push(format!(
                    "{line} is not kept: the body of its {what} is coded as {coding:?}, in which no secrets can be \
                     looked for; record it in another coding, or say Masks::unread_codings(true)"
                ));
                return;
            }
        }
        state.masker.learn(&entry);
        state.recorded.insert(number, entry);
        state.is_new = true;
    }

    /// Notes that an exchange could not be kept.
    pub(super) fn too_large(&self, asked: &Asked, what: &str) {
        let mut state = lock(&self.state);
        state.masker.learn_request(asked);
        let line = state.masker.request(asked).line();
        let limit = self.options.max_body;
        state.faults.push(format!(
            "{line} is not kept: the body of its {what} is larger than the limit of {limit} bytes; raise it by \
             CassetteOptions::max_body"
        ));
    }

    pub(super) fn to_har(&self) -> String {
        lock(&self.state).to_har()
    }

    pub(super) fn save(&self) -> Result<(), Error> {
        let mut state = lock(&self.state);
        if let (Some(path), true) = (&self.path, state.is_new) {
            file::replace(path, &state.to_har()).map_err(|error| {
                Error::new(Kind::Other, format!("the cassette {} cannot be written", self.name)).with_source(error)
            })?;
            state.is_new = false;
        }
        let faults = std::mem::take(&mut state.faults);
        if faults.is_empty() { Ok(()) } else { Err(self.incomplete(&faults)) }
    }

    pub(super) fn finish(&self) -> Result<(), Error> {
        let mut faults = Vec::new();
        {
            let mut state = lock(&self.state);
            if state.open > 0 {
                faults.push(format!(
                    "{} of its exchanges are not over: read or drop the bodies of their answers before",
                    state.open
                ));
            }
            faults.append(&mut state.refused);
            faults.append(&mut state.faults);
        }
        let saved = self.save();
        if faults.is_empty() {
            return saved;
        }
        faults.extend(saved.as_ref().err().map(ToString::to_string));
        let error = self.incomplete(&faults);
        Err(match saved {
            Ok(()) => error,
            Err(cause) => error.with_source(cause),
        })
    }

    fn incomplete(&self, faults: &[String]) -> Error {
        let what = if self.records { "is not complete" } else { "did not fit" };
        Error::new(Kind::Other, format!("the cassette {} {what}:\n{}", self.name, faults.join("\n")))
    }
}

impl State {
    fn to_har(&self) -> String {
        // All that was learned by now, so that an early exchange keeps no secret that a later one has shown to be one.
        let all = self.loaded.iter().map(|loaded| &loaded.entry).chain(self.recorded.values());
        let masked: Vec<_> = all.map(|entry| self.masker.entry(entry)).collect();
        har::write(masked.iter())
    }
}

/// Writes what nobody has written.
impl Drop for Shared {
    #[allow(clippy::print_stderr, reason = "there is nobody else to tell")]
    fn drop(&mut self) {
        // Half a recording would be played ever after.
        if std::thread::panicking() {
            return;
        }
        if let Err(error) = self.save() {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            eprintln!("{error}{cause}");
        }
    }
}
