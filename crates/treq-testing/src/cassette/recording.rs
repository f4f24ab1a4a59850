//! An exchange, while it is recorded.

use std::any::Any;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Response, Version, request};
use http_body::{Body as HttpBody, Frame, SizeHint};
use pin_project_lite::pin_project;
use treq_core::{Body, BoxError, Reason};

use super::entry::{Answer, Asked, Cut, Entry, Message};
use super::har;
use super::shared::Shared;
use crate::tasks::lock;

/// What was read of a body.
#[derive(Debug, Default)]
pub(super) struct Tape {
    data: Vec<u8>,
    trailers: Option<HeaderMap>,
    /// Whether it was read to its end, and if not, whether it failed.
    end: Option<Result<(), ()>>,
    too_large: bool,
}

impl Tape {
    /// Takes note of what a body yields.
    pub(super) fn take<E>(&mut self, frame: Option<&Result<Frame<Bytes>, E>>, limit: usize) {
        match frame {
            None => self.end = Some(Ok(())),
            Some(Err(_)) => self.end = Some(Err(())),
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.too_large |= self.data.len().saturating_add(data.len()) > limit;
                    if self.too_large {
                        // It is not kept: what is there need not be either.
                        self.data = Vec::new();
                    } else {
                        self.data.extend_from_slice(data);
                    }
                }
                if let Some(trailers) = frame.trailers_ref() {
                    self.trailers = Some(trailers.clone());
                }
            }
        }
    }

    /// Nothing comes any more.
    pub(super) fn ended(&mut self) {
        self.end.get_or_insert(Ok(()));
    }

    fn message(&self, headers: HeaderMap) -> Message {
        let cut = match self.end {
            Some(Ok(())) => None,
            Some(Err(())) => Some(Cut::Failed),
            None => Some(Cut::Dropped),
        };
        Message { headers, body: Bytes::copy_from_slice(&self.data), trailers: self.trailers.clone(), cut }
    }
}

/// What is sent of a request. A body that is sent again begins it anew.
#[derive(Debug, Default)]
struct Sent {
    tape: Tape,
    sending: u64,
}

/// A request on its way.
pub(super) struct Recording {
    shared: Arc<Shared>,
    number: u64,
    asked: Asked,
    sent: Arc<Mutex<Sent>>,
    date: SystemTime,
    start: Instant,
}

impl Recording {
    /// Of a request whose body is read while it is sent: the body to be sent instead.
    pub(super) fn streamed<B>(shared: &Arc<Shared>, head: &request::Parts, body: B) -> (Recording, Body)
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let mut slot = Some(body);
        let any: &mut dyn Any = &mut slot;
        if let Some(ours) = any.downcast_mut::<Option<Body>>().and_then(Option::take) {
            return match ours.as_bytes().map(Bytes::copy_from_slice) {
                // Whether or not the server reads it.
                Some(bytes) => (Recording::whole(shared, Asked::of(head, bytes, None)), ours),
                None => Recording::teed(shared, head, ours),
            };
        }
        // It was not taken, as it is another type.
        Recording::teed(shared, head, slot.map_or_else(Body::empty, Body::new))
    }

    /// The body is copied while it is read. One that can be sent again still can.
    fn teed(shared: &Arc<Shared>, head: &request::Parts, body: Body) -> (Recording, Body) {
        let recording = Recording::new(shared, Asked::of(head, Bytes::new(), None));
        if body.is_end_stream() {
            lock(&recording.sent).tape.ended();
        }
        let (sent, limit) = (Arc::clone(&recording.sent), shared.max_body());
        let tee = move |body: Body| Body::new(Tee { body, sent: Arc::clone(&sent), limit, sending: None });
        (recording, body.map_each(tee))
    }

    /// Of a request that is known as a whole.
    pub(super) fn whole(shared: &Arc<Shared>, asked: Asked) -> Recording {
        let recording = Recording::new(shared, asked);
        let mut sent = lock(&recording.sent);
        sent.tape.too_large = recording.asked.message.body.len() > shared.max_body();
        sent.tape.data = recording.asked.message.body.to_vec();
        sent.tape.trailers = recording.asked.message.trailers.clone();
        sent.tape.ended();
        drop(sent);
        recording
    }

    fn new(shared: &Arc<Shared>, asked: Asked) -> Recording {
        Recording {
            number: shared.number(),
            shared: Arc::clone(shared),
            asked,
            sent: Arc::default(),
            date: SystemTime::now(),
            start: Instant::now(),
        }
    }

    /// The head of its answer is there.
    pub(super) fn answered<B>(mut self, response: &Response<B>) -> Receiving {
        // Which one a request goes out in is decided further down, and what comes back has the same.
        if response.version() == Version::HTTP_2 {
            self.asked.version = Version::HTTP_2;
        }
        let extensions = response.extensions();
        let reason = extensions.get::<Reason>().map(|reason| reason.as_bytes().to_vec());
        let reason = reason.or_else(|| Some(extensions.get::<hyper::ext::ReasonPhrase>()?.as_bytes().to_vec()));
        let answer = Answer {
            status: response.status(),
            reason: reason.map(|reason| String::from_utf8_lossy(&reason).into_owned()),
            version: response.version(),
            message: Message { headers: response.headers().clone(), ..Message::default() },
        };
        let limit = self.shared.max_body();
        self.shared.opened();
        let wait = self.start.elapsed();
        let began = Instant::now();
        Receiving { recording: self, answer, tape: Tape::default(), limit, wait, began, is_kept: false }
    }
}

/// An answer that is being read; it is kept when that is over, or when this is dropped.
pub(super) struct Receiving {
    recording: Recording,
    answer: Answer,
    tape: Tape,
    limit: usize,
    wait: std::time::Duration,
    began: Instant,
    is_kept: bool,
}

impl Receiving {
    /// Takes note of what the body yields.
    pub(super) fn take<E>(&mut self, frame: Option<&Result<Frame<Bytes>, E>>) {
        if self.is_kept {
            return;
        }
        self.tape.take(frame, self.limit);
        if self.tape.end.is_some() {
            self.keep();
        }
    }

    /// Nothing comes any more.
    pub(super) fn ended(&mut self) {
        self.tape.ended();
        self.keep();
    }

    fn keep(&mut self) {
        if std::mem::replace(&mut self.is_kept, true) {
            return;
        }
        let recording = &self.recording;
        let shared = &recording.shared;
        shared.closed();
        let sent = lock(&recording.sent);
        let large = [(sent.tape.too_large, "request"), (self.tape.too_large, "answer")];
        if let Some((_, what)) = large.into_iter().find(|(is_large, _)| *is_large) {
            shared.too_large(&recording.asked, what);
            return;
        }
        let request =
            Asked { message: sent.tape.message(recording.asked.message.headers.clone()), ..recording.asked.clone() };
        drop(sent);
        let message = self.tape.message(std::mem::take(&mut self.answer.message.headers));
        let response = Answer { message, ..self.answer.clone() };
        let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let (wait, receive) = (millis(self.wait), millis(self.began.elapsed()));
        let entry = Entry { started: har::stamp(recording.date), wait, receive, request, response };
        shared.keep(recording.number, entry);
    }
}

/// What is not read to its end is kept as far as it was.
impl Drop for Receiving {
    fn drop(&mut self) {
        self.keep();
    }
}

pin_project! {
    struct Tee<B> {
        #[pin]
        body: B,
        sent: Arc<Mutex<Sent>>,
        limit: usize,
        // Which sending this is, once it has begun: a copy that is kept for later may be looked at before.
        sending: Option<u64>,
    }
}

impl<B: HttpBody<Data = Bytes>> HttpBody for Tee<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.body.as_mut().poll_frame(cx));
        let mut sent = lock(this.sent);
        let sending = *this.sending.get_or_insert_with(|| {
            *sent = Sent { tape: Tape::default(), sending: sent.sending + 1 };
            sent.sending
        });
        // What an earlier sending still yields is not what is sent last.
        if sending == sent.sending {
            sent.tape.take(frame.as_ref(), *this.limit);
            if this.body.is_end_stream() && sent.tape.end.is_none() {
                sent.tape.ended();
            }
        }
        drop(sent);
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
