//! Other programs: started in the workspace's root, named in every error.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What went wrong is a sentence that names the command, the file or the crate.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// Which of a program's streams is kept while it is shown.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// The workspace's folder. Cargo says at run time where it is, so no path is built into the program.
pub(crate) fn root() -> Outcome<PathBuf> {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").ok_or("start it by `cargo xtask`")?;
    let parent = Path::new(&here).parent().ok_or("CARGO_MANIFEST_DIR has no parent folder")?;
    Ok(parent.to_path_buf())
}

/// A program with its arguments, to be started in the root.
pub(crate) fn command(program: impl AsRef<Path>, arguments: &[&str]) -> Outcome<Command> {
    let mut command = Command::new(program.as_ref());
    command.args(arguments).current_dir(root()?);
    // What `cargo run` has set for this program is not meant for another cargo below it: build scripts that watch
    // these variables would run again, here and at the next call by hand.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH"].contains(&&*text) {
            command.env_remove(&name);
        }
    }
    Ok(command)
}

pub(crate) fn cargo(arguments: &[&str]) -> Outcome<Command> {
    command("cargo", arguments)
}

/// Runs it to its end, its output shown.
pub(crate) fn to_end(command: &mut Command) -> Outcome {
    println!("$ {}", shown(command));
    let status = command.status().map_err(|error| format!("`{}`: {error}", shown(command)))?;
    if status.success() { Ok(()) } else { Err(format!("`{}` ended with {status}", shown(command))) }
}

/// Runs it to its end and hands out what it printed; what it said on its error stream stands in the error.
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let output = command.output().map_err(|error| format!("`{}`: {error}", shown(command)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`{}` ended with {}\n{}", shown(command), output.status, said.trim_end()));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("`{}`: {error}", shown(command)))
}

/// Runs it to its end, its output shown, and hands out the lines of one stream.
pub(crate) fn tee(command: &mut Command, stream: Stream) -> Outcome<Vec<String>> {
    println!("$ {}", shown(command));
    match stream {
        Stream::Out => command.stdout(Stdio::piped()),
        Stream::Err => command.stderr(Stdio::piped()),
    };
    let name = shown(command);
    let failed = |error: std::io::Error| format!("`{name}`: {error}");
    let mut lines = Vec::new();
    let mut child = command.spawn().map_err(failed)?;
    let source: Option<Box<dyn std::io::Read>> = match stream {
        Stream::Out => child.stdout.take().map(|it| Box::new(it) as _),
        Stream::Err => child.stderr.take().map(|it| Box::new(it) as _),
    };
    for line in source.map(BufReader::new).into_iter().flat_map(|it| it.split(b'\n')) {
        let line = String::from_utf8_lossy(&line.map_err(failed)?).into_owned();
        match stream {
            Stream::Out => writeln!(std::io::stdout(), "{line}").map_err(failed)?,
            Stream::Err => writeln!(std::io::stderr(), "{line}").map_err(failed)?,
        }
        lines.push(line);
    }
    let status = child.wait().map_err(failed)?;
    if status.success() { Ok(lines) } else { Err(format!("`{name}` ended with {status}")) }
}

/// Is such a program installed? Asked by running it, its output unseen.
pub(crate) fn present(program: &str, arguments: &[&str]) -> Outcome<bool> {
    let mut probe = command(program, arguments)?;
    let status = probe.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    Ok(status.is_ok_and(|status| status.success()))
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// Takes `flag` out of the arguments and says whether it stood there.
pub(crate) fn flag(arguments: &mut Vec<String>, flag: &str) -> bool {
    let before = arguments.len();
    arguments.retain(|argument| argument != flag);
    arguments.len() < before
}

/// Takes an option with its value.
pub(crate) fn value(arguments: &mut Vec<String>, name: &str) -> Outcome<Option<String>> {
    let Some(at) = arguments.iter().position(|argument| argument == name) else { return Ok(None) };
    if at + 1 == arguments.len() {
        return Err(format!("{name} needs a value"));
    }
    arguments.remove(at);
    Ok(Some(arguments.remove(at)))
}

/// Takes an option whose value is a number.
pub(crate) fn number(arguments: &mut Vec<String>, name: &str) -> Outcome<Option<u64>> {
    let Some(text) = value(arguments, name)? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| format!("{name} wants a number, not {text:?}"))
}

/// Arguments that nobody took are an error.
pub(crate) fn no_more(arguments: &[String]) -> Outcome {
    if arguments.is_empty() { Ok(()) } else { Err(format!("does not know {:?}", arguments.join(" "))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_flag_out() {
        let mut arguments = vec!["--fast".to_owned(), "x".to_owned()];
        assert!(flag(&mut arguments, "--fast"));
        assert!(!flag(&mut arguments, "--fast"));
        assert_eq!(no_more(&arguments).unwrap_err(), "does not know \"x\"");
        let mut arguments = vec!["--seed".to_owned(), "7".to_owned(), "--seeds".to_owned()];
        assert_eq!(value(&mut arguments, "--seed").unwrap().as_deref(), Some("7"));
        assert_eq!(value(&mut arguments, "--other").unwrap(), None);
        assert!(value(&mut arguments, "--seeds").is_err());
        let mut arguments = ["--seed", "7", "--seeds", "many"].map(str::to_owned).to_vec();
        assert_eq!(number(&mut arguments, "--seed"), Ok(Some(7)));
        assert_eq!(number(&mut arguments, "--seeds").unwrap_err(), "--seeds wants a number, not \"many\"");
    }

    #[test]
    fn an_error_names_the_command() {
        let error = to_end(&mut Command::new("no-such-program-anywhere")).unwrap_err();
        assert!(error.contains("`no-such-program-anywhere`"), "{error}");
        let error = output(Command::new("sh").args(["-c", "echo why >&2; exit 3"])).unwrap_err();
        assert!(error.contains("exit status: 3") && error.ends_with("why"), "{error}");
    }

    #[test]
    fn tee_keeps_one_stream() {
        let lines = tee(Command::new("sh").args(["-c", "echo one; echo two"]), Stream::Out).unwrap();
        assert_eq!(lines, ["one", "two"]);
    }
}
