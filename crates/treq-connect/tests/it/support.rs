//! Targets, resolvers and directories for the tests.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use treq_core::{Name, Origin, Resolve, Resolving, Target, uri};

pub(crate) fn target(url: &str) -> Target {
    Target::new(Origin::from_uri(&uri::parse(url).unwrap().uri).unwrap())
}

/// A resolver with one answer for every name, which writes down what it was asked.
#[derive(Clone, Default)]
pub(crate) struct Scripted {
    pub(crate) answer: Vec<SocketAddr>,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    pub(crate) fn answering(answer: impl IntoIterator<Item = SocketAddr>) -> Scripted {
        Scripted { answer: answer.into_iter().collect(), asked: Arc::default() }
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Resolve for Scripted {
    fn resolve(&self, name: Name) -> Resolving {
        self.asked.lock().unwrap().push(format!("{} {}", name.host(), name.port()));
        Box::pin(std::future::ready(Ok(self.answer.clone().into())))
    }
}

/// A directory of its own, removed with its content at the end of the test.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Scratch {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("treq-connect-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        // Not below the target directory: a Unix socket's path has room for about 100 bytes.
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Scratch(path)
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }

    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
