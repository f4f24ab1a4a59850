//! One scripted connection.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::compressed;
use crate::listener::{Request, Shared};
use crate::step::Step;

/// How long a step that reads waits for the next bytes.
const PATIENCE: Duration = Duration::from_secs(25);
const FLOOD: Duration = Duration::from_secs(15);
const DRIP: Duration = Duration::from_secs(20);
/// Repeated pieces go out in writes of about this size.
const WRITE: usize = 64 * 1024;
const PREFACE: usize = 24;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const ACK: u8 = 1;

/// A stream that plays a script.
pub(crate) struct Connection {
    stream: TcpStream,
    record: Shared,
    /// What has arrived and no step has taken.
    unread: Vec<u8>,
    /// The place of this connection's last request in the record.
    request: Option<usize>,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, record: Shared) -> Connection {
        Connection { stream, record, unread: Vec::new(), request: None }
    }

    /// To the end of the script; the stream is closed then.
    pub(crate) fn play(mut self, script: &[Step]) -> io::Result<()> {
        self.stream.set_read_timeout(Some(PATIENCE))?;
        let mut at = 0;
        while let Some(step) = script.get(at) {
            at += 1;
            match step {
                Step::Head => self.read_head()?,
                Step::Body => self.read_body()?,
                Step::Send(bytes) => self.stream.write_all(bytes)?,
                Step::Repeat(times, piece) => self.repeat(*times, piece)?,
                Step::Flood(piece) => self.flood(piece)?,
                Step::Drip { pause, bytes, forever } => self.drip(*pause, bytes, *forever)?,
                Step::Sleep(time) => thread::sleep(*time),
                Step::Close => return Ok(()),
                Step::Reset => return SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)),
                Step::Shutdown => self.stream.shutdown(Shutdown::Write)?,
                Step::Hold(time) => return self.hold(*time),
                Step::Goto(next) => at = *next,
                Step::Bomb { coding, mib } => self.stream.write_all(&compressed::bomb(coding, *mib))?,
                Step::Chain(times) => self.stream.write_all(&compressed::chain(*times))?,
                Step::Members(empty) => self.stream.write_all(&compressed::members(*empty))?,
                Step::Http2Open => self.open_http2()?,
                Step::Http2Drain(time) => self.drain_http2(*time)?,
            }
        }
        Ok(())
    }

    /// More bytes into `unread`.
    fn fill(&mut self) -> io::Result<()> {
        let mut piece = [0; 16 * 1024];
        let n = self.stream.read(&mut piece)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.record.lock().raw.extend_from_slice(&piece[..n]);
        self.unread.extend_from_slice(&piece[..n]);
        Ok(())
    }

    fn fill_to(&mut self, len: usize) -> io::Result<()> {
        while self.unread.len() < len {
            self.fill()?;
        }
        Ok(())
    }

    /// What stands before the next `end`, which is taken too.
    fn take_until(&mut self, end: &[u8]) -> io::Result<Vec<u8>> {
        let mut looked = 0;
        loop {
            let found = self.unread[looked..].windows(end.len()).position(|window| window == end);
            if let Some(at) = found.map(|at| at + looked) {
                let rest = self.unread.split_off(at + end.len());
                let mut taken = std::mem::replace(&mut self.unread, rest);
                taken.truncate(at);
                return Ok(taken);
            }
            looked = self.unread.len().saturating_sub(end.len() - 1);
            self.fill()?;
        }
    }

    fn read_head(&mut self) -> io::Result<()> {
        let head = latin1(&self.take_until(b"\r\n\r\n")?);
        let mut lines = head.split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        self.saw(Request { line, headers, body: String::new() });
        Ok(())
    }

    fn saw(&mut self, request: Request) {
        let mut record = self.record.lock();
        record.requests.push(request);
        self.request = Some(record.requests.len() - 1);
    }

    /// As far as it comes: a body that is cut is recorded so.
    fn read_body(&mut self) -> io::Result<()> {
        let Some(at) = self.request else { return Err(io::Error::other("body before head")) };
        let (length, chunked) = {
            let record = self.record.lock();
            let request = &record.requests[at];
            let length = request.values("content-length").last().map(|value| value.trim().parse::<usize>());
            let chunked = request.values("transfer-encoding").last().is_some_and(|value| value.contains("chunked"));
            (length.transpose().map_err(io::Error::other)?, chunked)
        };
        let body = match length {
            Some(length) => {
                or_cut(self.fill_to(length))?;
                let rest = self.unread.split_off(length.min(self.unread.len()));
                std::mem::replace(&mut self.unread, rest)
            }
            None if chunked => match or_cut(self.take_until(b"0\r\n\r\n"))? {
                Some(body) => body,
                None => std::mem::take(&mut self.unread),
            },
            None => return Ok(()),
        };
        self.record.lock().requests[at].body = latin1(&body);
        Ok(())
    }

    fn repeat(&mut self, times: u64, piece: &[u8]) -> io::Result<()> {
        let at_once = (WRITE / piece.len().max(1)).max(1);
        let block = piece.repeat(at_once);
        let mut left = times;
        while left > 0 {
            let now = usize::try_from(left).unwrap_or(usize::MAX).min(at_once);
            self.stream.write_all(&block[..now * piece.len()])?;
            left -= now as u64;
        }
        Ok(())
    }

    fn flood(&mut self, piece: &[u8]) -> io::Result<()> {
        let block = piece.repeat((WRITE / piece.len().max(1)).max(1));
        let start = Instant::now();
        while start.elapsed() < FLOOD {
            self.stream.write_all(&block)?;
        }
        Ok(())
    }

    fn drip(&mut self, pause: Duration, bytes: &[u8], forever: bool) -> io::Result<()> {
        let start = Instant::now();
        loop {
            for byte in bytes {
                self.stream.write_all(std::slice::from_ref(byte))?;
                // So that the other side reads it alone. To yield would cost a whole slice on a busy machine.
                thread::sleep(pause.max(Duration::from_micros(1)));
            }
            if !forever || start.elapsed() > DRIP {
                return Ok(());
            }
        }
    }

    fn hold(&mut self, time: Duration) -> io::Result<()> {
        self.wait_at_most(time)?;
        loop {
            // Its end, or nothing for so long: an error either way.
            self.fill()?;
            self.unread.clear();
        }
    }

    /// The system takes no limit of zero.
    fn wait_at_most(&self, time: Duration) -> io::Result<()> {
        self.stream.set_read_timeout(Some(time.max(Duration::from_millis(1))))
    }

    fn open_http2(&mut self) -> io::Result<()> {
        self.fill_to(PREFACE)?;
        self.unread.drain(..PREFACE);
        self.stream.write_all(&[0, 0, 0, SETTINGS, 0, 0, 0, 0, 0])?;
        loop {
            let Frame { kind, flags, stream } = self.read_frame()?;
            if kind == SETTINGS && flags & ACK == 0 {
                self.stream.write_all(&[0, 0, 0, SETTINGS, ACK, 0, 0, 0, 0])?;
            }
            if kind == HEADERS {
                self.saw(Request { line: format!("h2 stream {stream}"), ..Request::default() });
                return Ok(());
            }
        }
    }

    fn drain_http2(&mut self, time: Duration) -> io::Result<()> {
        self.wait_at_most(time)?;
        // Whatever ends the reading, the script goes on: what it writes will tell.
        while self.read_frame().is_ok() {}
        Ok(())
    }

    /// The head of the next frame; its payload is passed over.
    fn read_frame(&mut self) -> io::Result<Frame> {
        self.fill_to(9)?;
        let head: [u8; 9] = std::array::from_fn(|at| self.unread[at]);
        let len = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        self.fill_to(9 + len)?;
        self.unread.drain(..9 + len);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Ok(Frame { kind: head[3], flags: head[4], stream })
    }
}

struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
}

/// None where the stream ended too early.
fn or_cut<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Ok(whole) => Ok(Some(whole)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}
