use std::mem;

use bytes::{Bytes, BytesMut};
use treq_core::Error;

use crate::error::{broken, expanded};
use crate::{Coding, Decoder, Expanded};

/// How much is decoded at a time.
const PIECE: usize = 32 * 1024;

/// Below so many decoded bytes the ratio says nothing.
const RATIO_FROM: u64 = 1024 * 1024;

/// Decoders over each other: coded bytes in at the bottom, decoded ones out at the top, as they are asked for.
pub(crate) struct Chain {
    /// The outermost coding first: it reads what arrives.
    stages: Vec<Stage>,
    limits: Limits,
    read: u64,
    written: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) size: Option<u64>,
    pub(crate) ratio: Option<u32>,
}

struct Stage {
    name: Box<str>,
    decoder: Box<dyn Decoder>,
    input: Bytes,
    /// Whether any input came: a body of no bytes at all is empty, not cut.
    begun: bool,
    /// The last step filled the output, so that there may be more of it.
    full: bool,
    /// Nothing more will be read.
    last: bool,
    ended: bool,
    /// All of the last piece's buffer: the next piece's too, if by then nobody has that piece any more.
    buffer: Bytes,
}

/// What can be had without more input.
pub(crate) enum Pulled {
    Data(Bytes),
    /// More coded bytes are wanted.
    Hungry,
    End,
}

impl Chain {
    pub(crate) fn new(codings: &[&Coding], limits: Limits) -> Chain {
        let stage = |coding: &&Coding| Stage {
            name: coding.name().into(),
            decoder: coding.decoder(),
            input: Bytes::new(),
            begun: false,
            full: false,
            last: false,
            ended: false,
            buffer: Bytes::new(),
        };
        Chain { stages: codings.iter().map(stage).collect(), limits, read: 0, written: 0 }
    }

    /// Coded bytes have come; only when the chain was hungry.
    pub(crate) fn feed(&mut self, input: Bytes) {
        self.read += input.len() as u64;
        if let Some(stage) = self.stages.first_mut() {
            stage.input = input;
        }
    }

    /// No more will come.
    pub(crate) fn end(&mut self) {
        if let Some(stage) = self.stages.first_mut() {
            stage.last = true;
        }
    }

    pub(crate) fn pull(&mut self) -> Result<Pulled, Error> {
        let pulled = self.pull_from(self.stages.len())?;
        if let Pulled::Data(data) = &pulled {
            self.written += data.len() as u64;
            let Limits { size, ratio } = self.limits;
            if size.is_some_and(|limit| self.written > limit) {
                return Err(expanded(Expanded { size, ratio: None }));
            }
            let allowed = |ratio| self.read.max(1).saturating_mul(u64::from(ratio));
            if self.written > RATIO_FROM && ratio.is_some_and(|ratio| self.written > allowed(ratio)) {
                return Err(expanded(Expanded { size: None, ratio }));
            }
        }
        Ok(pulled)
    }

    /// What the first `count` stages give.
    fn pull_from(&mut self, count: usize) -> Result<Pulled, Error> {
        let Some(at) = count.checked_sub(1) else { return Ok(Pulled::Hungry) };
        loop {
            let stage = &mut self.stages[at];
            if let Some(data) = stage.step()? {
                return Ok(Pulled::Data(data));
            }
            if stage.ended {
                return Ok(Pulled::End);
            }
            match self.pull_from(at)? {
                Pulled::Data(data) => self.stages[at].input = data,
                Pulled::End => self.stages[at].last = true,
                Pulled::Hungry => return Ok(Pulled::Hungry),
            }
        }
    }
}

impl Stage {
    /// Decodes until there is something, or nothing left to decode.
    fn step(&mut self) -> Result<Option<Bytes>, Error> {
        self.begun |= !self.input.is_empty();
        while !self.input.is_empty() || self.full {
            let mut output = self.room();
            let mut written = 0;
            while written < PIECE && (!self.input.is_empty() || self.full) {
                let progress = self.decoder.decode(&self.input, &mut output[written..]);
                let progress = progress.map_err(|cause| broken(&self.name, cause))?;
                let _ = self.input.split_to(progress.read);
                written += progress.written;
                self.full = written == PIECE;
                if progress.read == 0 && progress.written == 0 && !self.input.is_empty() {
                    return Err(broken(&self.name, "the decoder makes no progress".into()));
                }
                if progress.written == 0 && self.input.is_empty() {
                    break;
                }
            }
            self.buffer = output.freeze();
            if written > 0 {
                return Ok(Some(self.buffer.slice(..written)));
            }
        }
        if self.last && !self.ended {
            if self.begun {
                self.decoder.finish().map_err(|cause| broken(&self.name, cause))?;
            }
            self.ended = true;
        }
        Ok(None)
    }

    /// Room for a piece. It is filled with zeros only when it is new: who streams lets each piece go before the next.
    fn room(&mut self) -> BytesMut {
        mem::take(&mut self.buffer).try_into_mut().unwrap_or_else(|_| BytesMut::zeroed(PIECE))
    }
}
