//! Where the content of a part comes from, piece by piece.

use std::future::Future;
use std::io::{self, Read};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::Body as HttpBody;
use sync_wrapper::SyncWrapper;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use treq_core::Body;

use crate::Part;
use crate::error::Failure;
use crate::part::Content;
use crate::plan::unreadable;

/// A reader, which only who polls it asks, so that it need not be `Sync`.
pub(crate) type Reader = SyncWrapper<Pin<Box<dyn AsyncRead + Send>>>;

pub(crate) enum Source {
    Bytes(Bytes),
    File(FileReader),
    Reader(Reader, BytesMut),
    Body(Body),
}

impl Source {
    /// A file to be opened, which must then have this length.
    pub(crate) fn path(path: PathBuf, expected: Option<u64>) -> Source {
        Source::File(FileReader { state: State::Closed(path, expected), buffer: BytesMut::new() })
    }

    /// A file from where it is.
    pub(crate) fn open(file: std::fs::File, is_regular: bool) -> Source {
        let state = State::Open(Opened { file, path: None, is_regular });
        Source::File(FileReader { state, buffer: BytesMut::new() })
    }

    pub(crate) fn reader(reader: Reader) -> Source {
        Source::Reader(reader, BytesMut::new())
    }

    /// The content of what a factory made, with the length that it states.
    pub(crate) fn made(part: Part) -> Result<(Source, Option<u64>), Failure> {
        if let Some(wrong) = part.wrong {
            return Err(wrong);
        }
        let (own, source) = match part.content {
            Content::Text(text) => (None, Source::Bytes(text.into())),
            Content::Bytes(bytes) => (None, Source::Bytes(bytes)),
            Content::Path(path) => (None, Source::path(path, None)),
            Content::Open(file, length) => (length, Source::open(file, length.is_some())),
            Content::Reader(reader) => (None, Source::reader(reader)),
            Content::Stream(body) => (None, Source::Body(body)),
            Content::Form(_) => return Err(Failure::new("its factory made a multipart, which has a boundary anew")),
            Content::Factory(_) => return Err(Failure::new("its factory made a factory")),
        };
        Ok((source, part.length.or(own)))
    }

    /// The next piece, of at most `size` bytes where it is read here, or the end.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, size: usize) -> Poll<Option<Result<Bytes, Failure>>> {
        match self {
            Source::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                Poll::Ready((!bytes.is_empty()).then_some(Ok(bytes)))
            }
            Source::File(file) => file.poll(cx, size).map(Result::transpose),
            Source::Reader(reader, buffer) => {
                let read = ready!(poll_reader(reader.get_mut().as_mut(), buffer, cx, size));
                let failed = |error| Failure::caused("its reader failed", error);
                Poll::Ready(read.map_err(failed).transpose())
            }
            Source::Body(body) => {
                let frame = ready!(Pin::new(body).poll_frame(cx));
                let failed = |error| Failure::caused("its content cannot be read", error);
                // A part has no trailers: they are nothing to send.
                Poll::Ready(frame.map(|frame| frame.map_err(failed).map(|it| it.into_data().unwrap_or_default())))
            }
        }
    }
}

fn poll_reader(
    reader: Pin<&mut (dyn AsyncRead + Send)>,
    buffer: &mut BytesMut,
    cx: &mut Context<'_>,
    size: usize,
) -> Poll<io::Result<Option<Bytes>>> {
    if buffer.is_empty() {
        refill(buffer, size);
    }
    let mut into = ReadBuf::new(buffer);
    ready!(reader.poll_read(cx, &mut into))?;
    let read = into.filled().len();
    Poll::Ready(Ok((read > 0).then(|| buffer.split_to(read).freeze())))
}

/// Takes the allocation back where all that was split from it is gone, and makes another where not.
fn refill(buffer: &mut BytesMut, size: usize) {
    // What is left over of a short read is not kept: `reserve` would make room beside it.
    buffer.clear();
    buffer.reserve(size);
    buffer.resize(size, 0);
}

/// A file that is read on the threads for blocking, one buffer at a time and only when polled.
pub(crate) struct FileReader {
    state: State,
    buffer: BytesMut,
}

enum State {
    Closed(PathBuf, Option<u64>),
    Open(Opened),
    /// The file is with the other thread, or on the way to it.
    Busy(JoinHandle<Result<Filled, Failure>>, Slot),
    Ended,
}

/// Where the file waits for the other thread, and where a drop finds it if that has not taken it yet. Aborting the task
/// would not do: tokio drops one that waits only when its turn comes.
type Slot = Arc<Mutex<Option<State>>>;

fn take(slot: &Slot) -> Option<State> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

struct Opened {
    file: std::fs::File,
    path: Option<PathBuf>,
    /// A pipe or a device gives what it has; a regular file fills the buffer.
    is_regular: bool,
}

struct Filled {
    opened: Opened,
    buffer: BytesMut,
    read: usize,
    ended: bool,
}

impl FileReader {
    fn poll(&mut self, cx: &mut Context<'_>, size: usize) -> Poll<Result<Option<Bytes>, Failure>> {
        loop {
            match std::mem::replace(&mut self.state, State::Ended) {
                State::Ended => return Poll::Ready(Ok(None)),
                State::Busy(mut task, slot) => match Pin::new(&mut task).poll(cx) {
                    Poll::Pending => {
                        self.state = State::Busy(task, slot);
                        return Poll::Pending;
                    }
                    Poll::Ready(Err(error)) => {
                        let message = "its file cannot be read: the runtime is shutting down";
                        return Poll::Ready(Err(Failure::caused(message, error)));
                    }
                    Poll::Ready(Ok(outcome)) => {
                        let Filled { opened, mut buffer, read, ended } = outcome?;
                        let piece = buffer.split_to(read).freeze();
                        if !ended {
                            self.state = State::Open(opened);
                            self.buffer = buffer;
                        }
                        return Poll::Ready(Ok((!piece.is_empty()).then_some(piece)));
                    }
                },
                start @ (State::Closed(..) | State::Open(_)) => {
                    let Ok(runtime) = Handle::try_current() else {
                        let message = "files are read on a tokio runtime, and there is none here: send the body inside \
                                       of one, or give bytes in place of files";
                        return Poll::Ready(Err(Failure::new(message)));
                    };
                    let mut buffer = std::mem::take(&mut self.buffer);
                    let slot = Arc::new(Mutex::new(Some(start)));
                    let there = Arc::clone(&slot);
                    let task = runtime.spawn_blocking(move || {
                        let opened = take(&there).unwrap_or(State::Ended).open()?;
                        refill(&mut buffer, size);
                        opened.fill(buffer)
                    });
                    self.state = State::Busy(task, slot);
                }
            }
        }
    }
}

impl Drop for FileReader {
    /// A read that has not begun never does, and its file is closed here; one that has begun closes it when it ends.
    fn drop(&mut self) {
        if let State::Busy(_, slot) = &self.state {
            drop(take(slot));
        }
    }
}

impl State {
    fn open(self) -> Result<Opened, Failure> {
        let (path, expected) = match self {
            State::Closed(path, expected) => (path, expected),
            State::Open(opened) => return Ok(opened),
            State::Busy(..) | State::Ended => return Err(Failure::new("its file is not there to be read")),
        };
        let open = || std::fs::File::open(&path).and_then(|file| file.metadata().map(|metadata| (file, metadata)));
        let (file, metadata) = open().map_err(|error| unreadable(&path, error))?;
        let found = metadata.len();
        match expected {
            Some(expected) if expected != found => Err(Failure::length(expected, found)),
            _ => Ok(Opened { file, path: Some(path), is_regular: metadata.is_file() }),
        }
    }
}

impl Opened {
    fn fill(mut self, mut buffer: BytesMut) -> Result<Filled, Failure> {
        let mut read = 0;
        let mut ended = false;
        while read < buffer.len() && !ended && (self.is_regular || read == 0) {
            match self.file.read(&mut buffer[read..]) {
                Ok(more) => {
                    read += more;
                    ended = more == 0;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(match &self.path {
                        Some(path) => unreadable(path, error),
                        None => Failure::caused("its file cannot be read", error),
                    });
                }
            }
        }
        Ok(Filled { opened: self, buffer, read, ended })
    }
}
