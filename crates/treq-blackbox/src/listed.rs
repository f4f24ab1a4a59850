//! Where treq deliberately does otherwise than a case says. Rules, not ids: they hold for cases of the same kind that
//! nobody has seen yet.

use crate::Case;

/// Which cases may come out otherwise, and why.
type Rule = (fn(&Case) -> bool, &'static str);

/// There is none: every case that fails, fails.
const RULES: &[Rule] = &[];

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
}
