//! Where treq deliberately does otherwise than a case says. Rules, not ids: they hold for cases of the same kind that
//! nobody has seen yet.

use crate::Case;

/// Which cases may come out otherwise, and why.
type Rule = (fn(&Case) -> bool, &'static str);

const RULES: &[Rule] = &[(
    drops_preconditions,
    "the caller's own preconditions cross origins: RFC 9110, section 15.4, has only those removed that the client added",
)];

/// A redirect to another origin, after which a field of the caller's that makes its request conditional is to be gone.
fn drops_preconditions(case: &Case) -> bool {
    let absent = case.expect().get("absent").and_then(serde_json::Value::as_object);
    let names = absent.into_iter().flat_map(|by| by.values()).filter_map(serde_json::Value::as_array).flatten();
    let mut names = names.filter_map(serde_json::Value::as_str).peekable();
    case.area() == "redirect"
        && names.peek().is_some()
        && names.all(|name| name.to_ascii_lowercase().starts_with("if-"))
}

/// The reason for which a case may come out otherwise.
pub fn reason(case: &Case) -> Option<&'static str> {
    find(RULES, case)
}

fn find(rules: &[Rule], case: &Case) -> Option<&'static str> {
    rules.iter().find(|(holds, _)| holds(case)).map(|(_, reason)| *reason)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_rule_that_holds_gives_the_reason() {
        let rules: &[Rule] = &[(|case| case.area() == "pool", "first"), (|case| case.is_scripted(), "second")];
        let reason = |case| find(rules, &Case::new(case));
        assert_eq!(reason(json!({ "area": "pool", "server_script": {} })), Some("first"));
        assert_eq!(reason(json!({ "area": "http1", "server_script": {} })), Some("second"));
        assert_eq!(reason(json!({ "area": "http1" })), None);
    }

    #[test]
    fn only_what_is_conditional_may_stay() {
        let listed = |names: &[&str]| {
            let expect = json!({ "absent": { "B": names } });
            reason(&Case::new(json!({ "area": "redirect", "expect": expect }))).is_some()
        };
        assert!(listed(&["If-None-Match"]) && listed(&["if-match", "if-range"]));
        assert!(!listed(&["if-match", "authorization"]) && !listed(&["cookie"]) && !listed(&[]));
        assert!(reason(&Case::new(json!({ "area": "redirect", "expect": { "outcome": "ok" } }))).is_none());
    }
}
