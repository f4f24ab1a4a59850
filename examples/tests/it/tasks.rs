//! The fifteen tasks of the README at the root: counted, shown as they are, and compared.

use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::path::{Path, PathBuf};

/// In the order of the README's table.
const TASKS: [(&str, &str); 15] = [
    ("GET JSON", "get_json"),
    ("POST JSON", "post_json"),
    ("form", "form"),
    ("file upload", "upload"),
    ("download with progress", "download"),
    ("cookie session", "session"),
    ("Basic auth", "basic_auth"),
    ("root CA of one's own", "custom_root_ca"),
    ("proxy", "proxy"),
    ("retry", "retry"),
    ("timeout", "timeout"),
    ("100 URLs, ten at a time", "hundred_urls"),
    ("stub in a test", "stub_test"),
    ("layers over hyper's client", "layers"),
    ("axum `Router` in memory", "router"),
];

/// Those that every library can do.
const COMMON: usize = 13;

/// Folder, and how its files end.
const LIBRARIES: [(&str, &str); 5] =
    [("treq", "rs"), ("reqwest", "rs"), ("ureq", "rs"), ("httpx", "py"), ("treq_python", "py")];

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Size {
    lines: usize,
    chars: usize,
}

/// The body of the function that a file consists of: neither imports nor signature, neither blank lines nor
/// indentation nor line ends.
fn size(text: &str) -> Size {
    let function =
        |line: &&str| !["pub fn ", "pub async fn ", "def ", "async def "].iter().any(|it| line.starts_with(it));
    let body = text.lines().skip_while(function).skip(1).map(str::trim).filter(|line| !line.is_empty());
    // The brace that ends a function of Rust is as much its signature's as the one that opens it.
    let all =
        body.fold(Size::default(), |sum, line| Size { lines: sum.lines + 1, chars: sum.chars + line.chars().count() });
    match text.ends_with("\n}\n") {
        true => Size { lines: all.lines - 1, chars: all.chars - 1 },
        false => all,
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn text(library: &str, ending: &str, task: &str) -> Option<String> {
    read_to_string(root().join("tasks").join(library).join(task).with_extension(ending)).ok()
}

fn sizes(library: &str) -> BTreeMap<&'static str, Size> {
    let (_, ending) = LIBRARIES.into_iter().find(|(name, _)| *name == library).unwrap();
    TASKS.into_iter().filter_map(|(_, task)| Some((task, size(&text(library, ending, task)?)))).collect()
}

/// Over the tasks that all of them do.
fn total(library: &str) -> Size {
    let sizes = sizes(library);
    let common = TASKS[..COMMON].iter().map(|(_, task)| sizes[task]);
    common.fold(Size::default(), |sum, one| Size { lines: sum.lines + one.lines, chars: sum.chars + one.chars })
}

fn readme() -> String {
    read_to_string(root().join("../README.md")).unwrap()
}

#[test]
fn bodies_are_counted() {
    let rust = "use a::B;\n\npub fn f(url: &str) -> B {\n    let é = g(url)?;\n\n    if é {\n        h()\n    }\n}\n";
    assert_eq!(size(rust), Size { lines: 4, chars: 16 + 6 + 3 + 1 });
    let python = "import a\n\n\nasync def f(url):\n    with a.b(url) as c:\n        return c\n";
    assert_eq!(size(python), Size { lines: 2, chars: 19 + 8 });
}

#[test]
fn no_task_takes_more_with_treq() {
    let own = sizes("treq");
    for library in ["reqwest", "ureq", "httpx", "treq_python"] {
        for (task, other) in sizes(library) {
            assert!(own[task].lines <= other.lines, "{task}: {:?} with treq, {other:?} with {library}", own[task]);
            let rust = ["reqwest", "ureq"].contains(&library);
            assert!(!rust || own[task].chars <= other.chars, "{task}: {:?}, {other:?} with {library}", own[task]);
        }
    }
    // Some way below what the others need, and meant to stay there.
    assert!(total("treq").lines <= 30 && total("treq").chars <= 1300, "{:?}", total("treq"));
}

#[test]
fn the_readme_has_the_counts() {
    let show = |size: Option<&Size>| size.map_or("–".to_owned(), |size| format!("{} / {}", size.lines, size.chars));
    let all = LIBRARIES.map(|(library, _)| sizes(library));
    let mut table = String::new();
    for (at, (name, task)) in TASKS.into_iter().enumerate() {
        if at == COMMON {
            let totals = LIBRARIES.map(|(library, _)| show(Some(&total(library))));
            table += &format!("| *the first thirteen* | {} |\n", totals.join(" | "));
        }
        table += &format!("| {name} | {} |\n", all.each_ref().map(|sizes| show(sizes.get(task))).join(" | "));
    }
    assert!(readme().contains(&table), "the README's table should be\n{table}");
    assert!(all.iter().all(|sizes| TASKS[..COMMON].iter().all(|(_, task)| sizes.contains_key(task))));
}

#[test]
fn the_readme_shows_what_is_run() {
    let readme = readme();
    for (_, task) in TASKS {
        let text = text("treq", "rs", task).unwrap();
        let at = text.find("pub async fn").unwrap();
        let function = text[at..].strip_prefix("pub ").unwrap();
        assert!(readme.contains(&format!("\n{function}")), "{task} in the README should be\n{function}");
    }
}

/// With the registry, since what it compiles stands in a workspace of its own.
#[test]
#[ignore = "compiles reqwest, ureq and what they need"]
fn the_other_libraries_have_these_functions() {
    let manifest = root().join("tasks/Cargo.toml");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tasks");
    for arguments in [&["fmt", "--check"][..], &["check"]] {
        let mut cargo = std::process::Command::new(env!("CARGO"));
        cargo.args(arguments).arg("--manifest-path").arg(&manifest).env("CARGO_TARGET_DIR", &target);
        assert!(cargo.status().unwrap().success(), "{cargo:?}");
    }
}
