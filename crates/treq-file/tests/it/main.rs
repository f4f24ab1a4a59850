//! Each writer over each thing that may be at a path, and each step interrupted.
#![cfg(unix)]
#![allow(missing_docs)]

mod partial;
mod search;
mod umask;

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use treq_file::{Access, Partial, Replacement};

/// The partial file of `file`.
const PART: &str = "file-aad01178f02a6a23.part";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Writer {
    Ordinary,
    Private,
    Partial,
}

const WRITERS: [Writer; 3] = [Writer::Ordinary, Writer::Private, Writer::Partial];

impl Writer {
    fn write(self, path: &Path, text: &str) -> io::Result<()> {
        let access = if self == Writer::Private { Access::Private } else { Access::Ordinary };
        if self == Writer::Partial {
            if let Some(mut part) = Partial::open(path)? {
                part.restart(Some(b"note"))?;
                part.write_all(text.as_bytes())?;
                return part.commit();
            }
        }
        let mut file = Replacement::create(path, access)?;
        file.write_all(text.as_bytes())?;
        file.commit()
    }
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    (folder, path)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// What an ordinary program's new file gets here.
fn usual() -> u32 {
    let (_folder, path) = folder();
    fs::write(&path, "").unwrap();
    mode(&path)
}

#[test]
fn what_is_not_the_path_of_a_file_is_named_with_a_remedy() {
    let (folder, path) = folder();
    symlink("one", folder.path().join("other")).unwrap();
    symlink("other", folder.path().join("one")).unwrap();
    let missing = folder.path().join("missing");
    for (path, shown, remedy) in [
        (folder.path().to_owned(), folder.path(), "give the path of a file"),
        (PathBuf::from(".."), Path::new(".."), "give a path that ends"),
        (path.join(""), &path, "give a path that ends"),
        (missing.join("file"), &missing, "create it first"),
        (folder.path().join("one"), &folder.path().join("one"), "remove the loop"),
    ] {
        for writer in WRITERS {
            let error = writer.write(&path, "new").unwrap_err().to_string();
            assert!(error.contains(&shown.display().to_string()) && error.contains(remedy), "{writer:?}: {error}");
        }
    }
}

#[test]
fn a_new_file_has_the_mode_that_is_usual_or_is_its_owners() {
    for writer in WRITERS {
        let (folder, path) = folder();
        writer.write(&path, "new").unwrap();
        assert_eq!(mode(&path), if writer == Writer::Private { 0o600 } else { usual() }, "{writer:?}");
        assert_eq!(
            (fs::read_to_string(&path).unwrap().as_str(), names(folder.path())),
            ("new", vec!["file".to_owned()])
        );
    }
}

#[test]
fn a_file_that_is_replaced_keeps_its_mode() {
    for writer in WRITERS {
        for before in [0o640, 0o600, 0o644, 0o444, 0o755] {
            let (folder, path) = folder();
            fs::write(&path, "a longer text than the new one").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(before)).unwrap();
            writer.write(&path, "new").unwrap();
            let kept = if writer == Writer::Private { before & 0o700 } else { before };
            assert_eq!(mode(&path), kept, "{writer:?} over {before:o}");
            assert_eq!(fs::read_to_string(&path).unwrap(), "new");
            assert_eq!(names(folder.path()), ["file"]);
        }
    }
}

#[test]
fn links_are_followed_and_stay() {
    for writer in WRITERS {
        for (links, exists) in [(1, true), (1, false), (3, true), (3, false)] {
            let (folder, path) = folder();
            fs::create_dir(folder.path().join("elsewhere")).unwrap();
            let target = folder.path().join("elsewhere/target");
            if exists {
                fs::write(&target, "old").unwrap();
            }
            // The last is relative to its own folder.
            symlink("elsewhere/target", folder.path().join("link1")).unwrap();
            for link in 2..=links {
                symlink(format!("link{}", link - 1), folder.path().join(format!("link{link}"))).unwrap();
            }
            symlink(folder.path().join(format!("link{links}")), &path).unwrap();
            writer.write(&path, "new").unwrap();
            assert!(fs::symlink_metadata(&path).unwrap().is_symlink(), "{writer:?}");
            assert_eq!(fs::read_to_string(&target).unwrap(), "new", "{writer:?}, {links} links, {exists}");
            assert_eq!(names(&folder.path().join("elsewhere")), ["target"]);
        }
        let (_folder, path) = folder();
        symlink("file", &path).unwrap();
        let error = writer.write(&path, "new").unwrap_err();
        assert!(error.to_string().contains("40 symbolic links"), "{error}");
    }
}

#[test]
fn what_is_no_regular_file_is_written_to() {
    for writer in WRITERS {
        let (folder, path) = folder();
        symlink("/dev/null", &path).unwrap();
        writer.write(&path, "new").unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().is_symlink() && fs::metadata("/dev/null").unwrap().len() == 0);
        assert_eq!(names(folder.path()), ["file"]);

        let fifo = folder.path().join("fifo");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let reader = fifo.clone();
        let read = std::thread::spawn(move || {
            let mut text = String::new();
            fs::File::open(reader).unwrap().read_to_string(&mut text).unwrap();
            text
        });
        writer.write(&fifo, "new").unwrap();
        assert_eq!(read.join().unwrap(), "new", "{writer:?}");
        assert!(!fs::metadata(&fifo).unwrap().is_file());
    }
}

#[test]
fn a_full_device_is_an_error() {
    for writer in WRITERS {
        let (_folder, path) = folder();
        symlink("/dev/full", &path).unwrap();
        let error = writer.write(&path, "new").unwrap_err();
        assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::NOSPC.raw_os_error()), "{writer:?}: {error}");
    }
}

#[test]
fn what_can_hold_no_file_is_an_error_that_changes_nothing() {
    for writer in WRITERS {
        let (folder, path) = folder();
        fs::create_dir(&path).unwrap();
        let missing = folder.path().join("missing/file");
        for path in
            [path.clone(), PathBuf::new(), PathBuf::from("/"), path.join(".."), folder.path().join("new/"), missing]
        {
            assert!(writer.write(&path, "new").is_err(), "{writer:?} {path:?}");
        }
        assert_eq!(names(folder.path()), ["file"]);
    }
}

#[test]
fn names_near_the_limit_fit() {
    for writer in WRITERS {
        for name in ["x".repeat(255), "é".repeat(127), "x".repeat(250)] {
            let (folder, _) = folder();
            let path = folder.path().join(&name);
            writer.write(&path, "new").unwrap();
            assert_eq!((fs::read_to_string(&path).unwrap().as_str(), names(folder.path())), ("new", vec![name]));
        }
        let (folder, _) = folder();
        let odd = folder.path().join(std::ffi::OsString::from_vec([b'x', 0xff, 0xfe].repeat(80)));
        writer.write(&odd, "new").unwrap();
        assert_eq!(fs::read_to_string(&odd).unwrap(), "new");
    }
    // Two that begin alike have partial files of their own.
    let (folder, _) = folder();
    let open = |end: char| Partial::open(&folder.path().join(format!("{}{end}", "x".repeat(250)))).unwrap().unwrap();
    let (one, other) = (open('a'), open('b'));
    assert_ne!(one.path(), other.path());
}

#[test]
fn nothing_of_an_interrupted_write_is_seen() {
    for steps in 0..3 {
        for before in [None, Some("old")] {
            let (folder, path) = folder();
            if let Some(text) = before {
                fs::write(&path, text).unwrap();
            }
            let mut file = Replacement::create(&path, Access::Ordinary).unwrap();
            for _ in 0..steps {
                file.write_all(b"piece").unwrap();
            }
            drop(file);
            assert_eq!(fs::read_to_string(&path).ok().as_deref(), before);
            assert_eq!(names(folder.path()).len(), usize::from(before.is_some()));
        }
    }
}

#[test]
fn a_partial_file_goes_on_and_says_what_it_is() {
    let (folder, path) = folder();
    fs::write(&path, "old").unwrap();
    let open = || Partial::open(&path).unwrap().unwrap();
    drop(open());
    assert_eq!(names(folder.path()), ["file"], "an attempt that came to nothing leaves nothing");
    let mut part = open();
    part.restart(Some(b"one")).unwrap();
    part.write_all(b"0123").unwrap();
    drop(part);
    assert_eq!(names(folder.path()), ["file", "file-aad01178f02a6a23.part", "file-aad01178f02a6a23.part.note"]);
    assert_eq!(mode(&folder.path().join("file-aad01178f02a6a23.part.note")), 0o600);

    let mut part = open();
    assert_eq!((part.len(), part.note()), (4, Some(&b"one"[..])));
    part.write_all(b"45").unwrap();
    drop(part);
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");

    let mut part = open();
    assert_eq!(part.len(), 6);
    part.restart(None).unwrap();
    part.write_all(b"new").unwrap();
    drop(part);
    let part = open();
    assert_eq!((part.len(), part.note()), (3, None));
    part.commit().unwrap();
    assert_eq!((fs::read_to_string(&path).unwrap().as_str(), names(folder.path())), ("new", vec!["file".to_owned()]));

    let mut part = open();
    part.write_all(b"more").unwrap();
    part.discard().unwrap();
    assert_eq!(names(folder.path()), ["file"]);
}

#[test]
fn a_partial_file_has_one_writer() {
    let (folder, path) = folder();
    let mut part = Partial::open(&path).unwrap().unwrap();
    part.restart(Some(b"one")).unwrap();
    part.write_all(b"0123").unwrap();
    let error = Partial::open(&path).unwrap_err();
    assert!(
        error.kind() == io::ErrorKind::WouldBlock && error.to_string().contains("file-aad01178f02a6a23.part is in use"),
        "{error}"
    );
    // One that waits has its turn, and sees what is there by then.
    let waiting = std::thread::spawn(move || Partial::open(&path).map(|part| part.unwrap().len()));
    std::thread::sleep(std::time::Duration::from_millis(50));
    part.write_all(b"45").unwrap();
    drop(part);
    assert_eq!(waiting.join().unwrap().unwrap(), 6);

    // What writes to it all the same is found out.
    let path = folder.path().join("file");
    let mut part = Partial::open(&path).unwrap().unwrap();
    let mut stray = fs::OpenOptions::new().append(true).open(part.path()).unwrap();
    stray.write_all(b"stray").unwrap();
    part.trim().unwrap();
    part.write_all(b"67").unwrap();
    stray.write_all(b"stray").unwrap();
    assert_eq!(part.commit().unwrap_err().kind(), io::ErrorKind::InvalidData);
    assert_eq!(Partial::open(&path).unwrap().unwrap().note(), None);
}
