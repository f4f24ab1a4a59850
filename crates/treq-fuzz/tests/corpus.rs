//! The kept corpus of each target, and mutations of it by seed: the same in each run. `TREQ_SEEDS=5000` plays so many of each.
#![forbid(unsafe_code)]

use std::fs;
use std::path::Path;

use treq_fuzz::{TARGETS, mutated, play};
use treq_testing::Random;

/// Mutations of each target's corpus.
const SEEDS: u64 = 400;

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn search(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target");
    let corpus = corpus(name);
    assert!(corpus.len() >= 3, "{name} has a corpus");
    for input in &corpus {
        play(target, input);
    }
    let seeds = std::env::var("TREQ_SEEDS").map_or(SEEDS, |text| text.parse().expect("a number"));
    for seed in 0..seeds {
        let mut random = Random::new(seed);
        let (input, other) = (random.pick(&corpus).clone(), random.pick(&corpus).clone());
        let input = mutated(&input, &other, &mut random);
        let played = std::panic::catch_unwind(|| play(target, &input));
        assert!(played.is_ok(), "{name}, seed {seed}: {}", input.escape_ascii());
    }
}

macro_rules! searches {
    ($($name:ident),*) => {
        $(#[test]
        fn $name() {
            search(stringify!($name));
        })*

        #[test]
        fn each_target_is_searched() {
            let names = [$(stringify!($name)),*];
            assert_eq!(names.len(), TARGETS.len());
            for target in TARGETS {
                assert!(names.contains(&target.name), "{}", target.name);
            }
        }
    };
}

searches!(
    url,
    http1,
    http2,
    set_cookie,
    location,
    challenge,
    netrc,
    link,
    media,
    no_proxy,
    retry_after,
    decode,
    multipart,
    cassette,
    har
);
