//! Exchanges recorded against a real server, played from then on without it.

mod body;
mod connect;
mod entry;
mod file;
mod har;
mod layer;
mod masks;
mod matching;
mod mode;
mod options;
mod player;
mod recording;
mod report;
mod shared;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use treq_core::Error;

use self::shared::Shared;

pub use self::body::CassetteBody;
pub use self::connect::{CassetteConnect, CassettePipe, Offline};
pub use self::layer::{CassetteLayer, CassetteService};
pub use self::masks::Masks;
pub use self::matching::Matching;
pub use self::mode::Mode;
pub use self::options::CassetteOptions;
pub use self::player::Player;

/// A file of recorded exchanges, which answers for the server that it was recorded against.
///
/// It is an HTTP Archive 1.2, which the network panels of browsers read, and one that a browser exported plays too. Its
/// [layer](Cassette::layer) stands over any HTTP service, its [player](Cassette::player) in place of one, its
/// [connector](Cassette::connect) in front of one for clients that no layer can be put into. All of them share it, and
/// so do clones.
///
/// ```
/// use http::{Request, Response};
/// use tower::{ServiceExt, service_fn};
/// use tower_layer::Layer;
/// use treq_core::{Body, BoxError};
/// use treq_testing::{Cassette, Mode};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), BoxError> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("tea.har");
/// let server = service_fn(|_: Request<Body>| async { Ok::<_, BoxError>(Response::new(Body::from("green"))) });
/// let request = || Request::get("http://a.test/tea").header("authorization", "Bearer 1f3a").body(Body::empty());
///
/// // The first run: there is no such file.
/// let cassette = Cassette::open(&path, Mode::Once)?;
/// cassette.layer().layer(server).oneshot(request()?).await?;
/// cassette.finish()?;
/// assert!(!std::fs::read_to_string(&path)?.contains("1f3a"));
///
/// // Every further run: the server is gone.
/// let gone = service_fn(|_: Request<Body>| async { Err::<Response<Body>, _>(BoxError::from("gone")) });
/// let cassette = Cassette::open(&path, Mode::Once)?;
/// assert_eq!(cassette.layer().layer(gone).oneshot(request()?).await?.status(), 200);
/// cassette.assert_played();
/// # Ok(()) }
/// ```
///
/// # Where it stands
///
/// Next to the network, below what follows redirects, answers challenges, keeps cookies and decodes: so each exchange is
/// recorded, and all of that is tested on replay too. In a `treq::Client` that is `agent_layer`.
///
/// # What is recorded
///
/// Requests as they come to the layer, answers as they leave the service below it: status, reason phrase, fields with
/// their duplicates in the order of the `HeaderMap`, body, trailers. A body is kept as it is there, coded still where the
/// layer stands below what decodes it, but in one piece; how it was cut into chunks is not kept. It is copied while it is
/// read, up to a [limit](CassetteOptions::max_body).
///
/// A body that is dropped before its end, or fails, is kept up to there, and on replay ends there with an error. An
/// exchange that is given up before the head of its answer, or that fails before, is not kept; nor is a change of
/// protocol (101). [Secrets are masked](Masks).
///
/// # On replay
///
/// Each entry is played once, in the order of the file: of several that [match](Matching) the first that was not played
/// yet. Nothing waits for as long as the server did. A request that no entry matches is an error that says what was asked
/// beside the entry most like it, and makes [`assert_played`](Cassette::assert_played) and [`finish`](Cassette::finish)
/// fail, whatever the code under test makes of it.
///
/// An archive from a browser has bodies decoded, whatever their `Content-Encoding` says: that field, `Content-Length` and
/// `Transfer-Encoding` are dropped from its answers then. Names such as `:authority` are skipped, and entries that
/// were not answered. What it has beyond an exchange (pages, timings of connections) is not written again where
/// [`Mode::New`] adds to it.
///
/// # The file
///
/// It is written by [`save`](Cassette::save) and [`finish`](Cassette::finish), whole and at once: what is written beside
/// it takes its name. Dropping the last of cassette, layers and services writes it too, and prints what goes wrong; not
/// so while a test panics, since half a recording would be played ever after. (A
/// test that ends by `?` is not told from one that succeeds: what it wrote is to be deleted by hand.)
///
/// Clones share a cassette, also among several clients. Two that are opened on one file while they record do not: the one
/// that is written last takes the place of the other. Tests that run at the same time have a file each.
#[derive(Clone)]
pub struct Cassette {
    shared: Arc<Shared>,
}

impl Cassette {
    /// The cassette of this file, with the defaults for all but the mode.
    ///
    /// # Errors
    ///
    /// As [`CassetteOptions::open`].
    pub fn open(path: impl AsRef<Path>, mode: Mode) -> Result<Cassette, Error> {
        CassetteOptions::new().mode(mode).open(path)
    }

    /// A cassette set up in detail.
    pub fn options() -> CassetteOptions {
        CassetteOptions::new()
    }

    fn of(shared: Shared) -> Cassette {
        Cassette { shared: Arc::new(shared) }
    }

    /// A layer that records what goes through it, or plays.
    pub fn layer(&self) -> CassetteLayer {
        CassetteLayer::new(Arc::clone(&self.shared))
    }

    /// A service that plays; it needs none below it, and never records.
    pub fn player(&self) -> Player {
        Player::new(Arc::clone(&self.shared))
    }

    /// A connector around `inner`, a `Service<Target>`, that records what is said on its connections, or plays. See
    /// [`CassetteConnect`].
    pub fn connect<C>(&self, inner: C) -> CassetteConnect<C> {
        CassetteConnect::new(self, inner)
    }

    /// A connector that plays; it needs none below it.
    pub fn offline(&self) -> CassetteConnect<Offline> {
        self.connect(Offline::new())
    }

    /// Whether requests may go to the network, and what comes is recorded.
    pub fn is_recording(&self) -> bool {
        self.shared.records()
    }

    /// How many exchanges are on it, recorded and played ones.
    pub fn len(&self) -> usize {
        self.shared.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Method and URL, masked, of the entries of the file that were not played.
    pub fn unplayed(&self) -> Vec<String> {
        self.shared.unplayed()
    }

    /// Fails the test unless each entry of the file was played, and nothing was refused.
    ///
    /// # Panics
    ///
    /// Where an entry was not played, or a request was refused, with all of them.
    #[track_caller]
    pub fn assert_played(&self) {
        let mut faults = self.shared.refused();
        let unplayed = self.unplayed();
        if !unplayed.is_empty() {
            faults.push(format!(
                "The cassette {} was not played to its end. Left are:\n- {}",
                self.shared.name(),
                unplayed.join("\n- ")
            ));
        }
        if !faults.is_empty() {
            // This is how a test fails.
            panic!("{}", faults.join("\n\n"));
        }
    }

    /// The archive as it would be written now.
    pub fn to_har(&self) -> String {
        self.shared.to_har()
    }

    /// Writes the file, if there is something new to write.
    ///
    /// # Errors
    ///
    /// If the file cannot be written. If an exchange could not be kept: its body was larger than the limit, or in a
    /// coding that cannot be looked into; the others are written. Each such exchange is told once.
    pub fn save(&self) -> Result<(), Error> {
        self.shared.save()
    }

    /// Writes the file, at the end of a test.
    ///
    /// # Errors
    ///
    /// As [`save`](Cassette::save). If the body of an answer is still held, so that its exchange is missing. If a request
    /// was refused, whether or not that was noticed.
    pub fn finish(self) -> Result<(), Error> {
        self.shared.finish()
    }
}

impl fmt::Debug for Cassette {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cassette")
            .field("name", &self.shared.name())
            .field("recording", &self.is_recording())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
