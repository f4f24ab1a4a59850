//! Random orders of what may be done to a partial file, with a model of what is on the disk.

use std::fs;
use std::io::Write as _;

use treq_file::Partial;

use crate::{PART, folder, names};

/// SplitMix64: a seed is all that a failure needs to be seen again. treq-testing has one too, and stands on this crate.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// What must be on the disk.
#[derive(Debug, Default)]
struct Model {
    file: Option<Vec<u8>>,
    bytes: Vec<u8>,
    note: Option<Vec<u8>>,
}

#[test]
fn whatever_is_done_in_whatever_order_only_whole_contents_are_seen() {
    for seed in 0..100 {
        let mut random = Random(seed);
        let (folder, path) = folder();
        let mut model = Model::default();
        let mut open: Option<Partial> = None;
        let mut written = false;
        for step in 0..40 {
            let place = format!("seed {seed}, step {step}: {model:?}");
            match (open.take(), random.below(9)) {
                (None, _) => {
                    let part = Partial::open(&path).unwrap().unwrap();
                    assert_eq!(part.len(), model.bytes.len() as u64, "{place}");
                    assert_eq!(part.note(), model.note.as_deref(), "{place}");
                    written = false;
                    open = Some(part);
                }
                (Some(mut part), 0) => {
                    let note = (random.below(2) == 0).then(|| format!("note {step}").into_bytes());
                    part.restart(note.as_deref()).unwrap();
                    (model.bytes, model.note) = (Vec::new(), note);
                    written = false;
                    open = Some(part);
                }
                (Some(mut part), 1..=3) => {
                    let piece = vec![b'a' + (step % 26) as u8; random.below(5) as usize];
                    part.write_all(&piece).unwrap();
                    written |= !piece.is_empty();
                    model.bytes.extend(piece);
                    open = Some(part);
                }
                (Some(mut part), 4) => {
                    // Another process that knows nothing of the lock.
                    let mut stray = fs::OpenOptions::new().append(true).open(part.path()).unwrap();
                    stray.write_all(b"stray").unwrap();
                    if !written && random.below(2) == 0 {
                        part.trim().unwrap();
                        open = Some(part);
                    } else {
                        part.commit().unwrap_err();
                        // No later attempt may trust it.
                        let part = Partial::open(&path).unwrap().unwrap();
                        assert_eq!(part.note(), None, "{place}");
                        part.discard().unwrap();
                        (model.bytes, model.note) = (Vec::new(), None);
                    }
                }
                (Some(part), 5) => {
                    part.commit().unwrap();
                    model.file = Some(std::mem::take(&mut model.bytes));
                    model.note = None;
                }
                (Some(part), 6) => {
                    part.discard().unwrap();
                    (model.bytes, model.note) = (Vec::new(), None);
                }
                (Some(mut part), 7) => {
                    // Another file takes the name: whatever comes then, it stays, and is not put in place.
                    let other = part.path().to_owned();
                    let new = folder.path().join("new");
                    fs::write(&new, "other").unwrap();
                    fs::rename(&new, &other).unwrap();
                    match random.below(4) {
                        0 => drop(part),
                        1 => part.discard().unwrap(),
                        2 => drop(part.restart(Some(b"note")).unwrap_err()),
                        _ => drop(part.commit().unwrap_err()),
                    }
                    assert_eq!(fs::read(&other).ok().as_deref(), Some(&b"other"[..]), "{place}");
                    // What was written is gone, and no note is taken for one on the other.
                    let part = Partial::open(&path).unwrap().unwrap();
                    assert_eq!((part.len(), part.note()), (5, None), "{place}");
                    part.discard().unwrap();
                    (model.bytes, model.note) = (Vec::new(), None);
                }
                (Some(part), _) => {
                    drop(part);
                    if model.bytes.is_empty() {
                        model.note = None;
                    }
                }
            }
            assert_eq!(fs::read(&path).ok(), model.file, "{place}");
            let known = ["file", PART, "file-aad01178f02a6a23.part.note"];
            assert!(names(folder.path()).iter().all(|name| known.contains(&name.as_str())), "{place}");
        }
    }
}
