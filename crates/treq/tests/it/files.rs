//! All that writes files, over all that may be at a path, under several umasks: one manner for all of them.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use http::{Request, Response};
use tower::{Layer as _, ServiceExt as _, service_fn};
use treq::cookies::SessionCookies;
use treq::error::BoxError;
use treq::{Body, Client, Jar};
use treq_testing::{Cassette, Mode};

const MASK: &str = "TREQ_UMASK";
const CONTENT: &str = "a content of no secret";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Writer {
    Save,
    Download,
    Resume,
    Jar,
    Cassette,
}

const WRITERS: [Writer; 5] = [Writer::Save, Writer::Download, Writer::Resume, Writer::Jar, Writer::Cassette];

impl Writer {
    async fn write(self, path: &Path) -> Result<(), BoxError> {
        let site = service_fn(|_: Request<Body>| async {
            let response = Response::builder().header("etag", "\"a\"").body(Body::from(CONTENT));
            Ok::<_, BoxError>(response.unwrap())
        });
        let client = Client::from_service(site);
        let get = || client.get("http://a.test/f");
        match self {
            Writer::Save => drop(get().await?.save(path).await?),
            Writer::Download => drop(get().download(path).await?),
            Writer::Resume => drop(get().download(path).resume(true).await?),
            Writer::Jar => {
                let jar = Jar::new();
                jar.set_cookie(b"sid=7f; Max-Age=3600", &"http://a.test/".parse()?);
                jar.save_file(path, SessionCookies::Skip)?;
            }
            Writer::Cassette => {
                let cassette = Cassette::open(path, Mode::Always)?;
                let request = Request::get("http://a.test/f").body(Body::empty())?;
                let response = cassette.layer().layer(site).oneshot(request).await?;
                http_body_util::BodyExt::collect(response.into_body()).await?;
                cassette.finish()?;
            }
        }
        Ok(())
    }

    /// What is in each of its files.
    fn mark(self) -> &'static str {
        match self {
            Writer::Save | Writer::Download | Writer::Resume => CONTENT,
            Writer::Jar => "sid=7f",
            Writer::Cassette => "\"entries\"",
        }
    }

    fn is_private(self) -> bool {
        matches!(self, Writer::Jar | Writer::Cassette)
    }
}

/// What is at the path.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Target {
    Nothing,
    Regular(u32),
    Link(u32),
    Dangling,
    Chain,
    Fifo,
    Null,
    Full,
    Directory,
    LongName,
    TooLongName,
    Slash,
    Empty,
    MissingFolder,
}

const TARGETS: [Target; 16] = [
    Target::Nothing,
    Target::Regular(0o640),
    Target::Regular(0o600),
    Target::Regular(0o444),
    Target::Link(0o640),
    Target::Link(0o600),
    Target::Dangling,
    Target::Chain,
    Target::Fifo,
    Target::Null,
    Target::Full,
    Target::Directory,
    Target::LongName,
    Target::TooLongName,
    Target::Slash,
    Target::Empty,
];

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn regular(path: &Path, mode: u32) {
    fs::write(path, "old").unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

async fn play(writer: Writer, target: Target, mask: u32) {
    let place = format!("{writer:?} to {target:?} under {mask:03o}");
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (path, real) = (at("file"), at("real"));
    let new = if writer.is_private() { 0o600 } else { 0o666 } & !mask;
    let kept = |old: u32| if writer.is_private() { old & 0o700 } else { old };
    let whole = |path: &Path, mode_after: u32| {
        assert!(fs::read_to_string(path).unwrap().contains(writer.mark()), "{place}");
        assert_eq!(mode(path), mode_after, "{place}: {:o}", mode(path));
    };
    match target {
        Target::Nothing => {
            writer.write(&path).await.unwrap();
            whole(&path, new);
            assert_eq!(count(folder.path()), 1, "{place}");
        }
        Target::Regular(old) => {
            regular(&path, old);
            writer.write(&path).await.unwrap();
            whole(&path, kept(old));
            assert_eq!(count(folder.path()), 1, "{place}");
        }
        Target::Link(old) => {
            regular(&real, old);
            symlink("real", &path).unwrap();
            writer.write(&path).await.unwrap();
            whole(&real, kept(old));
            assert!(fs::symlink_metadata(&path).unwrap().is_symlink(), "{place}");
            assert_eq!(count(folder.path()), 2, "{place}");
        }
        Target::Dangling | Target::Chain => {
            let first = if target == Target::Chain { "second" } else { "real" };
            symlink(first, &path).unwrap();
            symlink(at("real"), at("second")).unwrap();
            writer.write(&path).await.unwrap();
            whole(&real, new);
            assert!(fs::symlink_metadata(&path).unwrap().is_symlink(), "{place}");
            assert!(fs::symlink_metadata(at("second")).unwrap().is_symlink(), "{place}");
            assert_eq!(count(folder.path()), 3, "{place}");
        }
        Target::Fifo => {
            assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
            let reader = path.clone();
            let read = std::thread::spawn(move || fs::read_to_string(reader).unwrap());
            writer.write(&path).await.unwrap();
            assert!(read.join().unwrap().contains(writer.mark()), "{place}");
            assert!(!fs::metadata(&path).unwrap().is_file(), "{place}");
            assert_eq!(count(folder.path()), 1, "{place}");
        }
        Target::Null | Target::Full => {
            let device = if target == Target::Null { "/dev/null" } else { "/dev/full" };
            symlink(device, &path).unwrap();
            assert_eq!(writer.write(&path).await.is_ok(), target == Target::Null, "{place}");
            assert!(fs::symlink_metadata(&path).unwrap().is_symlink(), "{place}");
            assert!(!fs::metadata(device).unwrap().is_file(), "{place}");
            assert_eq!(count(folder.path()), 1, "{place}");
        }
        Target::Directory => {
            fs::create_dir(&path).unwrap();
            writer.write(&path).await.unwrap_err();
            assert_eq!((count(folder.path()), count(&path)), (1, 0), "{place}");
        }
        Target::LongName => {
            let path = at(&"x".repeat(255));
            writer.write(&path).await.unwrap();
            whole(&path, new);
            assert_eq!(count(folder.path()), 1, "{place}");
        }
        Target::TooLongName => {
            writer.write(&at(&"x".repeat(256))).await.unwrap_err();
            assert_eq!(count(folder.path()), 0, "{place}");
        }
        Target::Slash => {
            writer.write(&PathBuf::from(format!("{}/", path.display()))).await.unwrap_err();
            assert_eq!(count(folder.path()), 0, "{place}");
        }
        Target::Empty => drop(writer.write(Path::new("")).await.unwrap_err()),
        Target::MissingFolder => {
            let outcome = writer.write(&at("missing/file")).await;
            // A cassette makes its folder.
            assert_eq!(outcome.is_ok(), writer == Writer::Cassette, "{place}: {outcome:?}");
            assert_eq!(at("missing").exists(), writer == Writer::Cassette, "{place}");
        }
    }
}

/// The umask is the process's, so each is tried in one of its own.
#[tokio::test]
async fn whatever_writes_files_writes_them_alike() {
    if let Some(mask) = std::env::var_os(MASK) {
        let mask = u32::from_str_radix(mask.to_str().unwrap(), 8).unwrap();
        for writer in WRITERS {
            for target in TARGETS.into_iter().chain([Target::MissingFolder]) {
                play(writer, target, mask).await;
            }
        }
        return;
    }
    for mask in ["000", "022", "027", "077"] {
        let run = again(&format!("umask {mask}"), "whatever_writes_files_writes_them_alike", mask);
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        assert!(String::from_utf8_lossy(&run.stdout).contains("1 passed"), "{mask}");
    }
}

fn again(first: &str, test: &str, mask: &str) -> std::process::Output {
    let script = format!("{first}; exec \"$0\" --exact files::{test}");
    let own = std::env::current_exe().unwrap();
    Command::new("sh").args(["-c", &script]).arg(own).env(MASK, mask).output().unwrap()
}

/// No file of this process may grow beyond a block: as on a disk that is full. It is a process of its own, too.
#[tokio::test]
async fn where_there_is_no_room_the_old_file_stays() {
    if std::env::var_os(MASK).is_none() {
        let run = again("trap '' XFSZ; ulimit -f 1", "where_there_is_no_room_the_old_file_stays", "022");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        assert!(String::from_utf8_lossy(&run.stdout).contains("1 passed"));
        return;
    }
    let site = service_fn(|_: Request<Body>| async {
        let response = Response::builder().header("etag", "\"a\"").body(Body::from(vec![b'x'; 8192]));
        Ok::<_, BoxError>(response.unwrap())
    });
    let client = Client::from_service(site);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "old").unwrap();
    let get = || client.get("http://a.test/f");
    for error in [
        get().await.unwrap().save(&path).await.unwrap_err(),
        get().download(&path).await.unwrap_err(),
        get().download(&path).resume(true).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), treq::Kind::Body);
        assert!(error.to_string().contains("cannot be written"), "{error}");
        assert!(error.find::<std::io::Error>().is_some());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    }
    // What fitted is there for the next attempt, and nothing else.
    let part = fs::metadata(folder.path().join("file-aad01178f02a6a23.part")).unwrap().len();
    assert!((1..8192).contains(&part), "{part}");
    assert_eq!(count(folder.path()), 3);
}
