//! A case, and how it came out.

use crate::json::Json;

/// One case: what is given, what the original does, and what would be better.
#[derive(Clone, Debug)]
pub struct Case {
    /// Such as `C-REQ-01`.
    pub id: String,
    /// What is given.
    pub given: Json,
    /// What the original does.
    pub expect: Json,
    /// What it should have done, in prose.
    pub better: Option<String>,
    /// Whether [`better`](Case::better) is to be matched and not [`expect`](Case::expect).
    pub diverge: bool,
}

impl Case {
    /// Reads one line of a file of cases.
    ///
    /// # Errors
    ///
    /// Where it is not JSON, or has no id, `given` or `expect`.
    pub fn parse(line: &str) -> Result<Case, String> {
        let json: Json = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let field = |key: &str| json.get(key).cloned().ok_or_else(|| format!("there is no {key:?}"));
        Ok(Case {
            id: field("id")?.text().ok_or("the id is no text")?.to_owned(),
            given: field("given")?,
            expect: field("expect")?,
            better: json.get("better").and_then(Json::text).map(str::to_owned),
            diverge: json.get("verdict").and_then(Json::text) == Some("diverge"),
        })
    }

    /// The call that is made.
    pub(crate) fn call(&self, key: &str) -> Option<&Json> {
        self.given.get("call")?.get(key)
    }
}

/// One thing that came out otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Which, such as `request.field.content-type`.
    pub field: String,
    /// What the original has there.
    pub want: String,
    /// What was seen.
    pub seen: String,
}

impl Mismatch {
    pub(crate) fn new(field: impl Into<String>, want: impl ToString, seen: impl ToString) -> Mismatch {
        Mismatch { field: field.into(), want: want.to_string(), seen: seen.to_string() }
    }
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let short = |text: &str| text.chars().take(160).collect::<String>();
        write!(f, "{}: want {:?}, seen {:?}", self.field, short(&self.want), short(&self.seen))
    }
}

/// What differs, gathered.
#[derive(Debug, Default)]
pub(crate) struct Compared(pub(crate) Vec<Mismatch>);

impl Compared {
    pub(crate) fn same(&mut self, field: &str, want: impl ToString, seen: impl ToString) {
        let mismatch = Mismatch::new(field, want, seen);
        if mismatch.want != mismatch.seen {
            self.0.push(mismatch);
        }
    }
}

/// How one case came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As the original does it.
    Passed,
    /// Otherwise, by rules with these reasons.
    Different(Vec<&'static str>),
    /// A test is named after it.
    ByHand,
    /// What was seen.
    Failed(String),
}
