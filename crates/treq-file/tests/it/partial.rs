//! What a partial file must not do to others, and must not show them.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use treq_file::Partial;

use crate::{PART, WRITERS, Writer, folder, mode, names};

#[test]
fn a_partial_file_is_not_written_through_a_link() {
    let (folder, path) = folder();
    let victim = folder.path().join("victim");
    for name in [PART, "file-aad01178f02a6a23.part.note"] {
        fs::write(&victim, "precious").unwrap();
        let link = folder.path().join(name);
        symlink("victim", &link).unwrap();
        // Refusing and replacing the link are both right; writing through it is not.
        let outcome = Writer::Partial.write(&path, "new");
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious", "{name}: {outcome:?}");
        assert!(fs::symlink_metadata(&path).map_or(true, |found| found.is_file()), "{name}: {outcome:?}");
        if let Err(error) = outcome {
            assert!(error.to_string().contains(name), "{error}");
        }
        let _ = fs::remove_file(&link);
        let _ = fs::remove_file(&path);
    }
}

#[test]
fn a_partial_file_is_a_regular_one() {
    let (folder, path) = folder();
    let part = folder.path().join(PART);
    fs::create_dir(&part).unwrap();
    let error = Partial::open(&path).unwrap_err();
    assert!(error.to_string().contains(PART), "{error}");
    fs::remove_dir(&part).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &part, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let error = Partial::open(&path).unwrap_err();
    assert!(error.kind() == io::ErrorKind::InvalidInput && error.to_string().contains(PART), "{error}");
    assert_eq!(names(folder.path()), [PART]);
}

#[test]
fn a_note_comes_back_whole_or_not_at_all() {
    const MOST: usize = 256 * 1024;
    let (folder, path) = folder();
    for (len, comes_back) in [(MOST, true), (MOST + 1, false)] {
        let note = vec![b'n'; len];
        let mut part = Partial::open(&path).unwrap().unwrap();
        part.restart(Some(&note)).unwrap();
        part.write_all(b"some").unwrap();
        drop(part);
        let part = Partial::open(&path).unwrap().unwrap();
        assert_eq!(part.note() == Some(&note[..]), comes_back, "{len}");
        assert_eq!(part.note().is_some(), comes_back, "{len}");
    }
    // One that something else has left there.
    fs::write(folder.path().join("file-aad01178f02a6a23.part.note"), vec![b'n'; MOST + 1]).unwrap();
    assert_eq!(Partial::open(&path).unwrap().unwrap().note(), None);
}

#[test]
fn a_partial_file_shows_no_more_than_the_file_it_replaces() {
    for before in [0o600, 0o640, 0o444] {
        let (folder, path) = folder();
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(before)).unwrap();
        let mut part = Partial::open(&path).unwrap().unwrap();
        part.restart(None).unwrap();
        part.write_all(b"secret").unwrap();
        let shown = mode(&folder.path().join(PART));
        assert_eq!(shown & 0o077 & !before, 0, "{shown:o} for a file of {before:o}");
        drop(part);
        // One that is gone on with, too, although its file has become private since.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let part = Partial::open(&path).unwrap().unwrap();
        assert_eq!(mode(part.path()) & 0o077, 0);
        part.commit().unwrap();
        assert_eq!(mode(&path), 0o600);
    }
}

#[test]
fn new_bytes_do_not_run_as_the_owner_of_the_old() {
    for writer in WRITERS {
        let (_folder, path) = folder();
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o6755)).unwrap();
        writer.write(&path, "new").unwrap();
        assert_eq!(mode(&path) & 0o6000, 0, "{writer:?}");
    }
}

#[test]
fn a_commit_that_fails_leaves_what_can_be_gone_on_with() {
    let (folder, path) = folder();
    let mut part = Partial::open(&path).unwrap().unwrap();
    part.restart(Some(b"one")).unwrap();
    part.write_all(b"0123").unwrap();
    // Something has come into its way meanwhile.
    fs::create_dir_all(path.join("full")).unwrap();
    part.commit().unwrap_err();
    fs::remove_dir_all(&path).unwrap();
    let part = Partial::open(&path).unwrap().unwrap();
    assert_eq!((part.len(), part.note()), (4, Some(&b"one"[..])));
    part.commit().unwrap();
    assert_eq!(names(folder.path()), ["file"]);
}

/// The next download may begin as soon as the name is free; a note that it leaves is its own.
#[test]
fn a_commit_takes_no_note_but_its_own() {
    let (_folder, path) = folder();
    for _ in 0..300 {
        let mut first = Partial::open(&path).unwrap().unwrap();
        first.restart(Some(b"first")).unwrap();
        first.write_all(b"1").unwrap();
        let own = path.clone();
        let second = std::thread::spawn(move || {
            let mut second = Partial::open(&own).unwrap().unwrap();
            second.restart(Some(b"second")).unwrap();
            second.write_all(b"2").unwrap();
        });
        first.commit().unwrap();
        second.join().unwrap();
        let third = Partial::open(&path).unwrap().unwrap();
        assert_eq!((third.len(), third.note()), (1, Some(&b"second"[..])));
        third.discard().unwrap();
    }
}

/// One that was put there under the name of a partial file is not what the note next to it is on.
#[test]
fn a_note_is_on_the_file_that_it_was_left_with() {
    let (folder, _) = folder();
    let (one, other) = (folder.path().join("a"), folder.path().join("a-af63dc4c8601ec8c.part"));
    let mut cut = Partial::open(&one).unwrap().unwrap();
    cut.restart(Some(b"note")).unwrap();
    cut.write_all(b"one").unwrap();
    drop(cut);
    fs::write(folder.path().join("new"), b"other").unwrap();
    fs::rename(folder.path().join("new"), &other).unwrap();
    let next = Partial::open(&one).unwrap().unwrap();
    assert_eq!((next.len(), next.note()), (5, None));
}

/// Two files, the first of which is written under the name of the second.
#[test]
fn what_has_taken_the_name_meanwhile_is_not_put_in_place() {
    let (folder, _) = folder();
    let (one, other) = (folder.path().join("a"), folder.path().join("a-af63dc4c8601ec8c.part"));
    let mut slow = Partial::open(&one).unwrap().unwrap();
    slow.restart(Some(b"note")).unwrap();
    slow.write_all(b"one").unwrap();
    let mut fast = Partial::open(&other).unwrap().unwrap();
    fast.restart(None).unwrap();
    fast.write_all(b"two").unwrap();
    fast.commit().unwrap();
    assert_eq!(slow.commit().unwrap_err().kind(), io::ErrorKind::InvalidData);
    assert_eq!(names(folder.path()), ["a-af63dc4c8601ec8c.part"]);
    assert_eq!(fs::read(&other).unwrap(), b"two");
}

/// Whenever another file takes the name, it is neither put in place of what was written nor removed.
#[test]
fn what_has_taken_the_name_is_left_alone() {
    #[derive(Clone, Copy, Debug)]
    enum End {
        Drop,
        Discard,
        Restart,
        Commit,
    }
    for end in [End::Drop, End::Discard, End::Restart, End::Commit] {
        for (bytes, taker) in
            [("", Writer::Ordinary), ("one", Writer::Ordinary), ("", Writer::Partial), ("one", Writer::Partial)]
        {
            let place = format!("{end:?} {bytes:?} {taker:?}");
            let (folder, path) = folder();
            let other = folder.path().join(PART);
            let mut slow = Partial::open(&path).unwrap().unwrap();
            slow.restart(Some(b"note")).unwrap();
            slow.write_all(bytes.as_bytes()).unwrap();
            taker.write(&other, "precious").unwrap();
            match end {
                End::Drop => drop(slow),
                End::Discard => slow.discard().unwrap(),
                End::Restart => {
                    assert_eq!(slow.restart(None).unwrap_err().kind(), io::ErrorKind::InvalidData, "{place}")
                }
                End::Commit => assert_eq!(slow.commit().unwrap_err().kind(), io::ErrorKind::InvalidData, "{place}"),
            }
            assert_eq!(fs::read_to_string(&other).unwrap(), "precious", "{place}");
            assert!(!path.exists(), "{place}");
        }
    }
}

#[test]
fn the_note_of_what_has_taken_the_name_is_left_alone() {
    let (_folder, path) = folder();
    let mut slow = Partial::open(&path).unwrap().unwrap();
    slow.restart(Some(b"slow")).unwrap();
    slow.write_all(b"0123").unwrap();
    fs::remove_file(slow.path()).unwrap();
    let mut next = Partial::open(&path).unwrap().unwrap();
    next.restart(Some(b"next")).unwrap();
    next.write_all(b"4567").unwrap();
    slow.commit().unwrap_err();
    drop(next);
    let again = Partial::open(&path).unwrap().unwrap();
    assert_eq!((again.len(), again.note()), (4, Some(&b"next"[..])));
}

/// A commit takes as long as its bytes take to the disk, and the name may be taken all that time.
#[test]
fn a_name_that_is_taken_during_a_commit_is_not_put_in_place() {
    for round in 0..10 {
        let (folder, path) = folder();
        let (other, new) = (folder.path().join(PART), folder.path().join("new"));
        let mut slow = Partial::open(&path).unwrap().unwrap();
        slow.restart(Some(b"note")).unwrap();
        slow.write_all(&vec![b'x'; 16 << 20]).unwrap();
        fs::write(&new, "other").unwrap();
        let taker = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_micros(500 * round));
            fs::rename(new, other).unwrap();
        });
        let outcome = slow.commit();
        taker.join().unwrap();
        match outcome {
            Ok(()) => assert_eq!(fs::metadata(&path).unwrap().len(), 16 << 20, "{round}"),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{round}"),
        }
    }
}

/// What people call their files is not what partial files are called.
#[test]
fn files_of_similar_names_are_left_alone() {
    let (folder, path) = folder();
    for name in ["file.part", "file.part.note", "file.note", "file-part"] {
        Writer::Partial.write(&folder.path().join(name), name).unwrap();
    }
    Writer::Partial.write(&path, "new").unwrap();
    drop(Partial::open(&path).unwrap());
    for name in ["file.part", "file.part.note", "file.note", "file-part"] {
        assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), name);
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
}

#[test]
fn a_file_with_another_name_is_not_written_to() {
    for other in ["backup", "file"] {
        let (folder, path) = folder();
        let (part, other) = (folder.path().join(PART), folder.path().join(other));
        fs::write(&other, "precious").unwrap();
        fs::hard_link(&other, &part).unwrap();
        let error = Partial::open(&path).unwrap_err();
        assert!(error.kind() == io::ErrorKind::InvalidInput && error.to_string().contains("another name"), "{error}");
        assert_eq!(fs::read_to_string(&other).unwrap(), "precious");
    }
}

#[test]
fn what_others_have_written_is_not_removed() {
    let (_folder, path) = folder();
    let attempt = Partial::open(&path).unwrap().unwrap();
    let part = attempt.path().to_owned();
    fs::write(&part, "precious").unwrap();
    drop(attempt);
    assert_eq!(fs::read_to_string(part).unwrap(), "precious");
}

#[test]
fn what_was_moved_away_is_not_cut() {
    let (folder, path) = folder();
    let saved = folder.path().join("saved");
    let mut part = Partial::open(&path).unwrap().unwrap();
    part.restart(Some(b"note")).unwrap();
    part.write_all(b"0123").unwrap();
    fs::rename(part.path(), &saved).unwrap();
    assert_eq!(part.trim().unwrap_err().kind(), io::ErrorKind::InvalidData);
    part.discard().unwrap();
    assert_eq!(fs::read_to_string(&saved).unwrap(), "0123");
    assert_eq!(names(folder.path()), ["saved"]);
}

#[test]
fn bytes_of_others_between_its_own_cannot_be_trimmed() {
    let (_folder, path) = folder();
    let mut part = Partial::open(&path).unwrap().unwrap();
    part.restart(None).unwrap();
    part.write_all(b"AA").unwrap();
    let mut stray = fs::OpenOptions::new().append(true).open(part.path()).unwrap();
    stray.write_all(b"xx").unwrap();
    part.write_all(b"BB").unwrap();
    assert_eq!(part.trim().unwrap_err().kind(), io::ErrorKind::InvalidData);
    assert_eq!(part.commit().unwrap_err().kind(), io::ErrorKind::InvalidData);
    assert!(!path.exists());
}

/// As of any file that is replaced: what counts is its mode when it is.
#[test]
fn a_mode_that_was_changed_meanwhile_is_kept() {
    let (_folder, path) = folder();
    for old in [true, false] {
        if old {
            fs::write(&path, "old").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        }
        let mut part = Partial::open(&path).unwrap().unwrap();
        part.restart(None).unwrap();
        part.write_all(b"secret").unwrap();
        fs::write(&path, "new").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        part.commit().unwrap();
        assert_eq!(mode(&path), 0o600, "{old}");
        fs::remove_file(&path).unwrap();
    }
}
