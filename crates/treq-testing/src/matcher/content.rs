//! Of a body, what it says.

use serde_json::Value;

use super::{Matcher, field};
use crate::{Params, StubRequest, show};

/// Matches a JSON body that has everything in here: objects may have more members, and lists are compared item by item
/// and have the same length; `1` and `1.0` are different.
///
/// ```
/// use treq_testing::{ANY, JsonSubset, RequestSequence};
///
/// let order = JsonSubset::new(r#"{"items": [{"sku": "tea"}]}"#);
/// let sequence = RequestSequence::reporting(drop).expect(("post", "http://a.test/", ANY, ANY, order), (201, (), ""));
/// # assert!(!sequence.consumed());
/// ```
#[derive(Clone, Debug)]
pub struct JsonSubset(Result<Value, String>);

impl JsonSubset {
    /// Of JSON text; what displays itself as such will do, `serde_json::json!({..})` among it.
    pub fn new(json: impl ToString) -> JsonSubset {
        let text = json.to_string();
        JsonSubset(
            serde_json::from_str(&text).map_err(|error| format!("what is expected is not JSON: {error}: {text}")),
        )
    }
}

impl Matcher<field::Data> for JsonSubset {
    fn matches(&self, request: &StubRequest) -> bool {
        let Ok(seen) = serde_json::from_slice(&request.data) else { return false };
        self.0.as_ref().is_ok_and(|wanted| is_within(wanted, &seen))
    }

    fn expected(&self) -> String {
        match &self.0 {
            Ok(wanted) => format!("JSON with at least\n{wanted}"),
            Err(why) => why.clone(),
        }
    }

    fn fault(&self) -> Option<String> {
        self.0.as_ref().err().cloned()
    }
}

fn is_within(wanted: &Value, seen: &Value) -> bool {
    match (wanted, seen) {
        (Value::Object(wanted), Value::Object(seen)) => {
            wanted.iter().all(|(name, value)| seen.get(name).is_some_and(|seen| is_within(value, seen)))
        }
        (Value::Array(wanted), Value::Array(seen)) => {
            wanted.len() == seen.len() && wanted.iter().zip(seen).all(|(wanted, seen)| is_within(wanted, seen))
        }
        _ => wanted == seen,
    }
}

/// Matches a body of the type `application/x-www-form-urlencoded` that has these pairs among its own.
#[derive(Clone, Debug)]
pub struct HasForm(Params);

impl HasForm {
    /// Of pairs, in which a name may come several times.
    pub fn new<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> HasForm {
        HasForm(pairs.into_iter().collect())
    }
}

impl Matcher<field::Data> for HasForm {
    fn matches(&self, request: &StubRequest) -> bool {
        request.form().is_some_and(|form| form.contain(&self.0))
    }

    fn expected(&self) -> String {
        format!("a form with at least\n{}", show::params(&self.0))
    }
}
