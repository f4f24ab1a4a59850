//! Processes that end when their guard does, and the ports they listen on.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::run::{Outcome, shown};

/// Until a peer answers, and between two looks.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);
/// What a process has to end by itself once it was asked to.
const FAREWELL: Duration = Duration::from_secs(5);

/// Free ports of the loopback interface.
pub(super) struct Ports {
    pub(super) httpbin: u16,
    pub(super) http: u16,
    pub(super) h2: u16,
    pub(super) h1: u16,
    pub(super) mtls: u16,
    pub(super) caddy: u16,
    pub(super) apache: u16,
    pub(super) squid_basic: u16,
    pub(super) squid_digest: u16,
    pub(super) tinyproxy: u16,
    pub(super) dante: u16,
    pub(super) microsocks: u16,
}

impl Ports {
    /// All are held until the last is known, so that they differ.
    pub(super) fn choose() -> Outcome<Self> {
        let failed = |error: std::io::Error| format!("no free port: {error}");
        let mut held = Vec::new();
        let mut next = || -> Outcome<u16> {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
            let port = listener.local_addr().map_err(failed)?.port();
            held.push(listener);
            Ok(port)
        };
        Ok(Self {
            httpbin: next()?,
            http: next()?,
            h2: next()?,
            h1: next()?,
            mtls: next()?,
            caddy: next()?,
            apache: next()?,
            squid_basic: next()?,
            squid_digest: next()?,
            tinyproxy: next()?,
            dante: next()?,
            microsocks: next()?,
        })
    }
}

/// A process of ours: asked to end, and then made to, when this is dropped.
pub(super) struct Guard {
    name: &'static str,
    child: Child,
}

impl Guard {
    pub(super) fn start(name: &'static str, mut command: Command) -> Outcome<Self> {
        println!("$ {}", shown(&command));
        let child = command.stdin(Stdio::null()).spawn().map_err(|error| format!("`{}`: {error}", shown(&command)))?;
        Ok(Self { name, child })
    }

    /// Waits until a GET of that path is answered with 200.
    pub(super) fn answers(&mut self, port: u16, path: &str) -> Outcome {
        self.wait_until(&format!("answers on port {port}"), || status(port, path).is_ok_and(|status| status == 200))
    }

    /// Waits until the port takes connections.
    pub(super) fn listens(&mut self, port: u16) -> Outcome {
        self.wait_until(&format!("listens on port {port}"), || connect(port).is_ok())
    }

    fn wait_until(&mut self, what: &str, met: impl Fn() -> bool) -> Outcome {
        let start = Instant::now();
        loop {
            // First: where another program has the port, it is not this one that answers.
            if let Some(status) = self.child.try_wait().map_err(|error| format!("{}: {error}", self.name))? {
                return Err(format!("{} ended with {status} before it {what}", self.name));
            }
            if met() {
                return Ok(());
            }
            if start.elapsed() > PATIENCE {
                return Err(format!("{} neither ended nor {what} within {} s", self.name, PATIENCE.as_secs()));
            }
            sleep(PAUSE);
        }
    }

    /// SIGTERM by the shell's own `kill`, to this process id alone: std has only SIGKILL, after which the workers of
    /// nginx and gunicorn would be left to themselves.
    fn end(&mut self) -> std::io::Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        Command::new("sh").args(["-c", "kill -TERM \"$0\"", &self.child.id().to_string()]).status()?;
        let start = Instant::now();
        while self.child.try_wait()?.is_none() {
            if start.elapsed() > FAREWELL {
                self.child.kill()?;
                self.child.wait()?;
                return Err(std::io::Error::new(ErrorKind::TimedOut, "had to be killed"));
            }
            sleep(PAUSE);
        }
        Ok(())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("{} (process {}): {error}", self.name, self.child.id());
        }
    }
}

fn connect(port: u16) -> std::io::Result<TcpStream> {
    TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), PATIENCE)
}

/// The status of a GET, as short as HTTP/1.0 makes it.
fn status(port: u16, path: &str) -> std::io::Result<u16> {
    let mut stream = connect(port)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let head = String::from_utf8_lossy(&answer);
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    code.ok_or_else(|| std::io::Error::new(ErrorKind::InvalidData, "no status line"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Guard {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Guard::start("shell", command).unwrap()
    }

    #[test]
    fn ports_differ() {
        let ports = Ports::choose().unwrap();
        let mut all = vec![ports.httpbin, ports.http, ports.h2, ports.h1, ports.mtls, ports.caddy, ports.apache];
        all.extend([ports.squid_basic, ports.squid_digest, ports.tinyproxy, ports.dante, ports.microsocks]);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 12);
    }

    #[test]
    fn a_dropped_guard_ends_its_process() {
        let mut guard = shell("exec sleep 60");
        assert!(guard.child.try_wait().unwrap().is_none());
        guard.end().unwrap();
        assert!(guard.child.try_wait().unwrap().is_some());
    }

    #[test]
    fn one_that_ends_too_early_is_named() {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let error = shell("exit 3").answers(port, "/").unwrap_err();
        assert!(error.starts_with("shell ended with exit status: 3 before it answers on port"), "{error}");
    }

    #[test]
    fn reads_a_status() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // To its end: closing with some of it unread would be a reset.
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                assert_eq!(stream.read(&mut byte).unwrap(), 1);
                request.extend(byte);
            }
            stream.write_all(b"HTTP/1.0 204 No Content\r\n\r\n").unwrap();
        });
        assert_eq!(status(port, "/").unwrap(), 204);
        server.join().unwrap();
    }
}
