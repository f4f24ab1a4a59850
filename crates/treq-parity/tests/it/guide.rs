//! The page on deliberate differences and the rules that declare them say the same.

use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../treq/guide/differences.md");

#[test]
fn each_rule_stands_on_the_page_and_the_page_names_no_other() {
    let page = PAGE.replace('`', "");
    let mut on_the_page = BTreeSet::new();
    let mut in_table = false;
    for line in page.lines() {
        let first = line.strip_prefix("| ").and_then(|line| line.split(" | ").next());
        match first {
            Some("difference") => in_table = true,
            Some(difference) if in_table => assert!(on_the_page.insert(difference), "{difference}: twice"),
            Some(_) => {}
            None => in_table = in_table && line.starts_with('|'),
        }
    }
    let declared: BTreeSet<_> = treq_parity::differences::all().map(|rule| rule.why).collect();
    assert_eq!(declared.difference(&on_the_page).collect::<Vec<_>>(), Vec::<&&str>::new(), "not on the page");
    assert_eq!(on_the_page.difference(&declared).collect::<Vec<_>>(), Vec::<&&str>::new(), "no rule");
}
