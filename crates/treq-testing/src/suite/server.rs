use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use treq_core::{Connected, Error, Kind, Peer, Resend, Target};

use super::case::{Answer, Case};
use crate::counts::Counts;
use crate::pipe::{ServerEnd, pipe};
use crate::raw::read::{BodyReader, take_head};
use crate::tasks::{Tasks, lock};
use crate::{Arrival, MemoryConnector, RawRequest};

/// A client that asks so often has lost its way. Its next request gets no answer, so that it hangs and time goes on.
const ENOUGH: usize = 1000;

/// The servers of one case, for every host: the n-th request gets the n-th answer, on whichever connection it comes.
pub(super) struct Server {
    shared: Arc<Shared>,
    counts: Counts,
    tasks: Tasks,
}

struct Shared {
    case: Case,
    arrived: Mutex<Vec<Arrived>>,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(super) struct Arrived {
    pub(super) origin: String,
    pub(super) request: RawRequest,
    /// Why its body could not be read.
    pub(super) fault: Option<String>,
}

impl Arrived {
    /// Method and target.
    pub(super) fn line(&self) -> String {
        format!("{} {}", self.request.method(), self.request.target())
    }

    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = String> {
        let same = self.request.headers.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name));
        same.map(|(_, value)| value.clone())
    }
}

impl Server {
    pub(super) fn new(case: &Case) -> Server {
        let shared = Shared { case: case.clone(), arrived: Mutex::default() };
        Server { shared: Arc::new(shared), counts: Counts::default(), tasks: Tasks::default() }
    }

    pub(super) fn connector(&self) -> MemoryConnector {
        let (shared, counts, tasks) = (Arc::clone(&self.shared), self.counts.clone(), self.tasks.clone());
        MemoryConnector::new(move |target: Target| {
            let made = if tasks.is_over() {
                let message = format!("the case that answered for {} is over", target.origin);
                Err(Error::new(Kind::Connect, message).with_resend(Resend::Safe))
            } else {
                let (client, end) = pipe(64 * 1024, counts.opened());
                let origin = Arrival::of(&target).origin().to_string();
                tasks.spawn(serve(Arc::clone(&shared), end, origin, counts.made()));
                Ok(Connected::new(client, Peer::Memory(target.origin.host().into())))
            };
            std::future::ready(made)
        })
    }

    /// The requests so far.
    pub(super) fn arrived(&self) -> Vec<Arrived> {
        lock(&self.shared.arrived).clone()
    }

    /// How many connections the client holds.
    pub(super) fn open(&self) -> usize {
        self.counts.open()
    }

    /// Waits until the client holds none.
    pub(super) async fn wait_closed(&self) {
        self.counts.none_open().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tasks.end();
    }
}

/// One connection, until either side closes it.
async fn serve(shared: Arc<Shared>, mut end: ServerEnd, origin: String, connection: usize) {
    let mut buffer = BytesMut::new();
    while let Some(place) = read(&shared, &mut end, &mut buffer, &origin, connection).await {
        let play = shared.case.play();
        let answer = match play.answers.get(place) {
            Some(answer) => Some(answer),
            None => play.answers.last().filter(|_| play.repeat && place < ENOUGH),
        };
        match answer {
            Some(answer) if write(answer, &mut end).await && !answer.close => {}
            Some(_) => break,
            // More than the case has answers for. An end would only be asked again.
            None => return end.client_gone().await,
        }
    }
    // It fails only where the client has gone.
    let _ = end.shutdown().await;
    end.client_gone().await;
}

/// The place of the next request among all; none where the client closes.
async fn read(
    shared: &Shared,
    end: &mut ServerEnd,
    buffer: &mut BytesMut,
    origin: &str,
    connection: usize,
) -> Option<usize> {
    let mut request = loop {
        match take_head(buffer) {
            Some(head) => break head,
            None => more(end, buffer).await?,
        }
    };
    request.connection = connection;
    let mut fault = None;
    match BodyReader::of(&request) {
        Ok(mut reader) => loop {
            match reader.feed(buffer) {
                Ok(true) => break request.body = Bytes::from(reader.body),
                Ok(false) => more(end, buffer).await?,
                Err(broken) => break fault = Some(broken),
            }
        },
        Err(broken) => fault = Some(broken),
    }
    request.complete = fault.is_none();
    let mut arrived = lock(&shared.arrived);
    arrived.push(Arrived { origin: origin.to_owned(), request, fault });
    Some(arrived.len() - 1)
}

async fn more(end: &mut ServerEnd, buffer: &mut BytesMut) -> Option<()> {
    match end.read_buf(buffer).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(()),
    }
}

/// Whether the client is still there.
async fn write(answer: &Answer, end: &mut ServerEnd) -> bool {
    for (at, piece) in answer.pieces.iter().enumerate() {
        if at > 0 {
            end.drained().await;
        }
        if end.write_all(piece).await.is_err() {
            return false;
        }
    }
    true
}
