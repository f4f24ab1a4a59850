use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::log::{Log, RawRequest};
use super::read::{BodyReader, take_head};
use super::step::Step;
use super::wire::Wire;
use crate::Faults;

/// Plays `steps` on one connection and notes what comes.
pub(super) async fn play(steps: Arc<[Step]>, wire: Wire, log: Log, number: usize) {
    let mut player = Player { wire, buffer: BytesMut::new(), log, number, last: None };
    let mut end = player.run(&steps).await;
    if matches!(end, End::OutOfSteps) {
        end = player.read_to_end().await.err().unwrap_or(End::ClientClosed);
    }
    let Player { wire, mut buffer, log, .. } = player;
    match &end {
        End::Reset => wire.reset(),
        _ => wire.close(&mut buffer).await,
    }
    log.change(|seen| {
        let connection = &mut seen.connections[number];
        append(&mut connection.extra, &buffer);
        // One that only shut down its writing side was noted before.
        connection.client_closed |= matches!(end, End::ClientClosed);
        connection.over = true;
        if let End::Fault(fault) = end {
            connection.fault = Some(fault);
        }
    });
}

/// Why a script ends.
enum End {
    OutOfSteps,
    ClientClosed,
    Closed,
    Reset,
    Fault(String),
}

struct Player {
    wire: Wire,
    /// What came and was not asked for yet.
    buffer: BytesMut,
    log: Log,
    number: usize,
    /// The place of the last request in the log.
    last: Option<usize>,
}

impl Player {
    async fn run(&mut self, steps: &[Step]) -> End {
        let mut next = 0;
        while let Some(step) = steps.get(next) {
            // A script that only begins again would never let another task run.
            tokio::task::consume_budget().await;
            next = if matches!(step, Step::Again) { 0 } else { next + 1 };
            if let Err(end) = self.step(step).await {
                return end;
            }
        }
        End::OutOfSteps
    }

    async fn step(&mut self, step: &Step) -> Result<(), End> {
        match step {
            Step::ReadRequest => {
                self.read_head(false).await?;
                self.read_body().await
            }
            Step::ReadHead => self.read_head(true).await,
            Step::ReadBody => self.read_body().await,
            Step::ReadBytes(count) => {
                while self.buffer.len() < *count {
                    self.more().await?;
                }
                let bytes = self.buffer.split_to(*count);
                self.extra(&bytes);
                Ok(())
            }
            Step::ReadToEnd => self.read_to_end().await,
            Step::Send(bytes) => self.write(bytes).await,
            Step::SendPieces(pieces) => {
                for piece in pieces {
                    self.write(piece).await?;
                    self.wire.settle().await;
                }
                Ok(())
            }
            Step::Trickle { bytes, step, every } => {
                for (at, piece) in bytes.chunks((*step).max(1)).enumerate() {
                    if at > 0 {
                        tokio::time::sleep(*every).await;
                    }
                    self.write(piece).await?;
                }
                Ok(())
            }
            Step::Sleep(time) => {
                tokio::time::sleep(*time).await;
                Ok(())
            }
            Step::Stall => {
                self.wire.client_closed().await;
                Err(End::ClientClosed)
            }
            Step::HalfClose => self.wire.shut_down().await.map_err(|_| End::ClientClosed),
            Step::Close => Err(End::Closed),
            Step::Reset => Err(End::Reset),
            Step::Again => Ok(()),
        }
    }

    async fn read_head(&mut self, complete: bool) -> Result<(), End> {
        let head = loop {
            match take_head(&mut self.buffer) {
                Some(head) => break head,
                None => self.more().await?,
            }
        };
        let request = RawRequest { connection: self.number, complete, read: complete, ..head };
        let mut place = 0;
        self.log.change(|seen| {
            place = seen.requests.len();
            seen.requests.push(request);
        });
        self.last = Some(place);
        Ok(())
    }

    async fn read_body(&mut self) -> Result<(), End> {
        let Some(place) = self.last else {
            return Err(End::Fault("the script reads a body before any head".to_owned()));
        };
        self.log.change(|seen| seen.requests[place].complete = false);
        let head = self.log.look(|seen| seen.requests[place].clone());
        let mut reader = BodyReader::of(&head);
        let end = match &mut reader {
            Ok(reader) => self.fill(reader).await,
            Err(fault) => Err(End::Fault(std::mem::take(fault))),
        };
        self.log.change(|seen| {
            let request = &mut seen.requests[place];
            if let Ok(reader) = reader {
                request.body = reader.body.freeze();
                request.trailers = reader.trailers;
            }
            request.complete = end.is_ok();
            request.read = true;
        });
        end
    }

    async fn fill(&mut self, reader: &mut BodyReader) -> Result<(), End> {
        while !reader.feed(&mut self.buffer).map_err(End::Fault)? {
            self.more().await?;
        }
        Ok(())
    }

    async fn read_to_end(&mut self) -> Result<(), End> {
        let (faults, mut asked) = (Faults::from_env(), false);
        loop {
            let bytes = self.buffer.split();
            asked |= !bytes.is_empty();
            self.extra(&bytes);
            let read = tokio::select! {
                read = self.wire.read(&mut self.buffer) => read,
                // A client that has lost an answer to a fault may ask more than the script has answers for.
                _ = faults.given_up(), if asked => return Err(End::Closed),
            };
            match read {
                Ok(0) => break,
                Ok(_) => {}
                Err(_) => return Err(End::ClientClosed),
            }
        }
        let number = self.number;
        self.log.change(|seen| seen.connections[number].client_closed = true);
        Ok(())
    }

    async fn more(&mut self) -> Result<(), End> {
        match self.wire.read(&mut self.buffer).await {
            Ok(0) | Err(_) => Err(End::ClientClosed),
            Ok(_) => Ok(()),
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), End> {
        self.wire.write(bytes).await.map_err(|_| End::ClientClosed)
    }

    fn extra(&self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.log.change(|seen| append(&mut seen.connections[self.number].extra, bytes));
        }
    }
}

fn append(to: &mut Bytes, bytes: &[u8]) {
    if !bytes.is_empty() {
        *to = [to, bytes].concat().into();
    }
}
