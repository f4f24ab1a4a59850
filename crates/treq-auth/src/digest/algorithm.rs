use md5::Md5;
use sha2::{Digest as _, Sha256, Sha512_256};
use treq_core::auth::BodyHash;

/// In the order of their strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hash {
    Md5,
    Sha256,
    Sha512_256,
}

impl Hash {
    /// The hash in hex of these parts with colons in between.
    pub(crate) fn of(self, parts: &[&[u8]]) -> String {
        let mut hasher = Hasher::new(self);
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                hasher.update(b":");
            }
            hasher.update(part);
        }
        hex(&hasher.finish())
    }
}

/// The value of `algorithm` ([RFC 7616, section 6.1](https://www.rfc-editor.org/rfc/rfc7616#section-6.1)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Algorithm {
    pub(crate) hash: Hash,
    /// Whether the first nonces of a session go into the key.
    pub(crate) sess: bool,
}

impl Algorithm {
    /// MD5 where it is missing; none where it is unknown.
    pub(crate) fn of(name: Option<&[u8]>) -> Option<Algorithm> {
        let Some(name) = name else { return Some(Algorithm { hash: Hash::Md5, sess: false }) };
        let name = name.to_ascii_lowercase();
        let (name, sess) = match name.strip_suffix(b"-sess") {
            Some(name) => (name, true),
            None => (&name[..], false),
        };
        let hash = match name {
            b"md5" => Hash::Md5,
            b"sha-256" => Hash::Sha256,
            b"sha-512-256" => Hash::Sha512_256,
            _ => return None,
        };
        Some(Algorithm { hash, sess })
    }
}

enum Hasher {
    Md5(Md5),
    Sha256(Sha256),
    Sha512_256(Sha512_256),
}

impl Hasher {
    fn new(hash: Hash) -> Hasher {
        match hash {
            Hash::Md5 => Hasher::Md5(Md5::new()),
            Hash::Sha256 => Hasher::Sha256(Sha256::new()),
            Hash::Sha512_256 => Hasher::Sha512_256(Sha512_256::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Md5(hasher) => hasher.update(bytes),
            Hasher::Sha256(hasher) => hasher.update(bytes),
            Hasher::Sha512_256(hasher) => hasher.update(bytes),
        }
    }

    fn finish(self) -> Vec<u8> {
        match self {
            Hasher::Md5(hasher) => hasher.finalize().to_vec(),
            Hasher::Sha256(hasher) => hasher.finalize().to_vec(),
            Hasher::Sha512_256(hasher) => hasher.finalize().to_vec(),
        }
    }
}

/// The hash of a body, for `auth-int`. What it gives begins with the name of its hash.
pub(crate) struct Hashing {
    hash: Hash,
    hasher: Hasher,
}

impl Hashing {
    pub(crate) fn new(algorithm: Algorithm) -> Hashing {
        Hashing { hash: algorithm.hash, hasher: Hasher::new(algorithm.hash) }
    }

    /// In hex what `finish` gave, unless that was another hash.
    pub(crate) fn hex(algorithm: Algorithm, finished: &[u8]) -> Option<String> {
        match finished {
            [tag, hash @ ..] if *tag == algorithm.hash as u8 => Some(hex(hash)),
            _ => None,
        }
    }
}

impl BodyHash for Hashing {
    fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
    }

    fn finish(self: Box<Self>) -> Vec<u8> {
        let mut tagged = vec![self.hash as u8];
        tagged.extend(self.hasher.finish());
        tagged
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}
