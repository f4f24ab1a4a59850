//! Rules on one file's text.

use super::Complaint;

const SOURCE_LINES: usize = 400;
const README_LINES: usize = 80;
const EXAMPLE_LINES: usize = 40;

/// Sources are small; tests do not count where they stand last.
pub(super) fn short(text: &str) -> Option<Complaint> {
    let lines = without_tests(text);
    (lines > SOURCE_LINES).then(|| format!("{lines} lines before its tests; split it at {SOURCE_LINES}"))
}

/// The lines before a closing module of tests, or all of them.
fn without_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let Some(start) = lines.iter().rposition(|line| *line == "#[cfg(test)]") else { return lines.len() };
    let opens = lines.get(start + 1).is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'));
    let end = lines[start..].iter().position(|line| *line == "}").map(|end| start + end);
    if opens && end.is_some_and(|end| end + 1 == lines.len()) { start } else { lines.len() }
}

pub(super) fn readme(text: &str) -> Option<Complaint> {
    let lines = text.lines().count();
    (lines > README_LINES).then(|| format!("{lines} lines; a crate's README has at most {README_LINES}"))
}

/// Short enough to be read at once, and it opens with the line that runs it.
pub(super) fn example(name: &str, text: &str) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let lines = text.lines().count();
    if lines > EXAMPLE_LINES {
        complaints.push(format!("{lines} lines; an example has at most {EXAMPLE_LINES}"));
    }
    let first = text.lines().next().unwrap_or_default();
    let run = format!("--example {name}");
    let runs = first.split(run.as_str()).nth(1).is_some_and(|rest| !rest.starts_with(|c: char| is_word(c) || c == '-'));
    if !(first.starts_with("//! ") && first.contains("cargo run ") && runs) {
        complaints.push(format!("opens without its run line: `//! cargo run -p examples {run}`"));
    }
    complaints
}

pub(super) fn forbids_unsafe(text: &str) -> Option<Complaint> {
    let forbids = text.lines().any(|line| line.trim() == "#![forbid(unsafe_code)]");
    (!forbids).then(|| "no `#![forbid(unsafe_code)]`".to_owned())
}

/// Marks of work that somebody left, comments aside.
pub(super) fn unfinished(text: &str) -> Vec<Complaint> {
    const MACROS: &[&str] = &["todo", "unimplemented", "dbg"];
    let found = |line: &str| MACROS.iter().copied().find(|name| calls(line, name));
    let code = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    code.filter_map(|(at, line)| Some(format!("line {}: {}!", at + 1, found(line)?))).collect()
}

/// Let chains, which need Rust 1.88: the stated `rust-version` is older, and no lint says so.
pub(super) fn let_chains(text: &str) -> Vec<Complaint> {
    /// Put together here, so that the rule does not meet itself.
    const LINK: &str = concat!(" &", "& let ");
    let mut complaints = Vec::new();
    let mut lets = false;
    for (at, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line.trim())) {
        let binds = ["if let ", "while let "].iter().any(|start| line.contains(start));
        let more = line.starts_with("&& ");
        if (more && (lets || line.starts_with(LINK.trim_start()))) || (line.contains(LINK) && !line.starts_with("//")) {
            complaints.push(format!("line {at}: a let chain, which needs Rust 1.88"));
        }
        // A condition goes on until its brace opens.
        lets = (binds || (lets && more)) && !line.ends_with('{');
    }
    complaints
}

fn calls(line: &str, name: &str) -> bool {
    let call = format!("{name}!(");
    line.match_indices(&call).any(|(at, _)| !line[..at].ends_with(is_word))
}

/// Absolute paths of the machine that somebody develops on. The prefixes are put together here, so that the rule
/// does not meet itself.
pub(super) fn machine_paths(text: &str) -> Vec<Complaint> {
    const FOLDERS: &[&str] = &["home", "root", "work", "Users"];
    let prefixes: Vec<String> = FOLDERS.iter().map(|folder| format!("/{folder}/")).collect();
    // Within a longer path, or a URL, the same letters are somebody else's.
    let starts = |line: &str, at: usize| !line[..at].ends_with(|c: char| is_word(c) || "/.-~%}>*]@".contains(c));
    let names = |line: &str, prefix: &str| line.match_indices(prefix).any(|(at, _)| starts(line, at));
    let found = |line: &str| prefixes.iter().find(|prefix| names(line, prefix));
    let lines = text.lines().enumerate();
    lines.filter_map(|(at, line)| Some(format!("line {}: a path under {}", at + 1, found(line)?))).collect()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_let_chains() {
        let and = "&".repeat(2);
        for text in
            ["if let Some(x) = y\n    AND x\n{", "if a\n    AND let Some(x) = y\n{", "if a AND let Some(x) = y {"]
        {
            assert_eq!(let_chains(&text.replace("AND", &and)).len(), 1, "{text}");
        }
        assert!(let_chains("if let Some(x) = y {\n    a\n        && b;\n}").is_empty());
        assert!(let_chains("if a\n    && b\n{").is_empty());
    }

    #[test]
    fn tests_count_unless_they_stand_last() {
        let tests = "#[cfg(test)]\nmod tests {\n    fn a() {}\n}\n";
        assert_eq!(without_tests(&format!("one\ntwo\n{tests}")), 2);
        assert_eq!(without_tests(&format!("one\n{tests}two\n")), 6);
        assert_eq!(without_tests("#[cfg(test)]\nuse a;\none\n"), 3);
        assert_eq!(without_tests("one\n"), 1);
        assert!(short(&"x\n".repeat(400)).is_none());
        assert!(short(&"x\n".repeat(401)).unwrap().starts_with("401 lines"));
    }

    #[test]
    fn an_example_is_short_and_says_how_to_run_it() {
        let good = "//! `cargo run -p examples --example get -- --base URL`\nfn main() {}\n";
        assert_eq!(example("get", good), Vec::<String>::new());
        for bad in ["fn main() {}\n", "//! A get.\n", "//! cargo run -p examples --example getter\n"] {
            assert_eq!(example("get", bad).len(), 1, "{bad}");
        }
        assert_eq!(example("get", &format!("{good}{}", "\n".repeat(40))).len(), 1);
    }

    #[test]
    fn finds_unfinished_work() {
        let mark = |name: &str| format!("    {name}!(\"later\")\n");
        assert_eq!(unfinished(&format!("a\n{}", mark("todo"))), ["line 2: todo!"]);
        assert_eq!(unfinished(&mark("dbg")), ["line 1: dbg!"]);
        assert!(unfinished(&mark("my_dbg")).is_empty());
        assert!(unfinished(&format!("//{}", mark("todo"))).is_empty());
    }

    #[test]
    fn finds_paths_of_a_machine() {
        let path = |folder: &str| format!("see /{folder}/someone/x");
        let expected = format!("line 1: a path under /{}/", "home");
        assert_eq!(machine_paths(&path("home")), [expected]);
        assert_eq!(machine_paths(&format!("\n\"{}", path("root").trim_start_matches("see "))).len(), 1);
        assert!(machine_paths(&format!("https://example.com{}", path("work").trim_start_matches("see "))).is_empty());
        assert!(machine_paths("/usr/lib/nginx").is_empty());
    }

    #[test]
    fn a_readme_has_sixty_lines() {
        assert!(readme(&"x\n".repeat(80)).is_none());
        assert!(readme(&"x\n".repeat(81)).is_some());
    }

    #[test]
    fn unsafe_code_is_forbidden_in_words() {
        assert!(forbids_unsafe("//! A.\n#![forbid(unsafe_code)]\n").is_none());
        assert!(forbids_unsafe("//! #![forbid(unsafe_code)] is not here\n").is_some());
    }
}
