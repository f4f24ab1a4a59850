use bytes::Bytes;
use http_body_util::Full;
use treq_multipart::{Form, Part};
use treq_testing::Random;

use crate::support::{Field, Trickle, read_back};

const LETTERS: &[&str] = &["a", "Z", "é", "💩", " ", ";", "=", "'", "\\x", "%22", ".", "-", "\u{0}", "\t", "名"];

fn word(random: &mut Random) -> String {
    (0..random.below(12)).map(|_| LETTERS[random.below(LETTERS.len())]).collect()
}

fn content(random: &mut Random) -> Vec<u8> {
    let most = [0, 1, 20, 5_000, 200_000][random.below(5)];
    let bytes = (0..random.below(most + 1)).map(|_| b"\r\n-a\xff\0B"[random.below(7)]);
    bytes.collect()
}

/// A part and what must be read of it.
fn part(random: &mut Random, folder: &std::path::Path, at: usize) -> (Part, Field) {
    let bytes = content(random);
    let step = 1 + random.below(3_000);
    let octets = Some("application/octet-stream".to_owned());
    let (mut part, mut file, mut kind) = match random.below(8) {
        0 => {
            let text = word(random);
            return (Part::text(text.clone()), (None, None, None, text.into_bytes()));
        }
        1 => (Part::bytes(bytes.clone()), None, None),
        2 => {
            let path = folder.join(format!("{at}.bin"));
            std::fs::write(&path, &bytes).unwrap();
            (Part::file(path), Some(format!("{at}.bin")), octets)
        }
        3 => (Part::reader(Trickle::new(bytes.clone(), step)), None, octets),
        4 => (Part::reader(Trickle::new(bytes.clone(), step)).with_length(bytes.len() as u64), None, octets),
        5 => (Part::stream(Trickle::new(bytes.clone(), step)), None, octets),
        6 => (Part::stream(Full::new(Bytes::from(bytes.clone()))), None, octets),
        _ => {
            let again = Bytes::from(bytes.clone());
            (Part::factory(move || Part::bytes(again.clone())), None, octets)
        }
    };
    if random.below(2) == 0 {
        let name = format!("p{}.png", word(random).replace(['.', '/', '\\'], ""));
        part = part.file_name(name.clone());
        (file, kind) = (Some(name), Some("image/png".to_owned()));
    }
    if random.below(3) == 0 {
        part = part.content_type("text/x; a=\"b\"");
        kind = Some("text/x; a=\"b\"".to_owned());
    }
    (part, (None, file, kind, bytes))
}

#[tokio::test]
async fn forms_of_all_kinds_of_parts_read_back() {
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..200 {
        let random = &mut Random::new(seed);
        let mut form = Form::new().buffer_size(1 + random.below(70_000));
        let mut expected = Vec::new();
        for at in 0..random.below(9) {
            let (part, mut field) = part(random, folder.path(), at);
            // multer takes no control characters in names.
            let name = word(random).replace(['\u{0}', '\t'], "");
            field.0 = Some(name.clone());
            field.1 = field.1.map(|file| file.replace(['\u{0}', '\t'], ""));
            let part = match &field.1 {
                Some(file) => part.file_name(file.clone()),
                None => part,
            };
            form = form.part(name, part);
            expected.push(field);
        }
        let found = read_back(form.encode().unwrap()).await;
        // multer reads names as they are, and backslashes as escapes.
        let unescaped = |name: Option<String>| name.map(|name| name.replace("\\x", "x"));
        let expected: Vec<Field> =
            expected.into_iter().map(|(a, b, c, d)| (unescaped(a), unescaped(b), c, d)).collect();
        let found: Vec<Field> = found.into_iter().map(|(a, b, c, d)| (unescaped(a), unescaped(b), c, d)).collect();
        for (found, expected) in found.iter().zip(&expected) {
            let (name, length) = (&expected.0, expected.3.len());
            assert_eq!((&found.0, &found.1, &found.2), (name, &expected.1, &expected.2), "seed {seed}");
            assert!(found.3 == expected.3, "seed {seed}, {name:?}: {length} bytes");
        }
        assert_eq!(found.len(), expected.len(), "seed {seed}");
    }
}
