use std::mem;

use bytes::{Bytes, BytesMut};
use sync_wrapper::SyncWrapper;
use treq_core::Error;

use crate::error::{broken, expanded};
use crate::{Coding, Decoder, Expanded};

/// How much is decoded at a time.
const PIECE: usize = 32 * 1024;

/// The bytes that one poll of the chain may read and write, over all stages, before it yields: a stage may read much and
/// write nothing.
pub(crate) const BUDGET: usize = 256 * 1024;

/// The least cost of a decoder call in bytes: it may begin a member, which takes as long as so many bytes.
const CALL: usize = 1024;

/// The number of decoded bytes up to which no ratio is checked.
const RATIO_FROM: u64 = 1024 * 1024;

/// The limit on the output of an inner stage, as a multiple of the output at the top. An inner stage writes coded bytes:
/// fewer than the content has, but up to ten times as many if each byte was flushed.
const INNER_RATIO: u64 = 16;

/// Decoders over each other: coded bytes in at the bottom, decoded ones out at the top, as they are asked for.
pub(crate) struct Chain {
    /// The outermost coding first: it reads what arrives.
    stages: Vec<Stage>,
    limits: Limits,
    read: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) size: Option<u64>,
    pub(crate) ratio: Option<u32>,
}

struct Stage {
    name: Box<str>,
    /// Only who pulls asks it, so that it need not be `Sync`.
    decoder: SyncWrapper<Box<dyn Decoder>>,
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
    /// A buffer to use again: the last piece was small, and is a copy.
    spare: BytesMut,
    written: u64,
}

/// The result of a stage's step.
enum Step {
    Data(Bytes),
    /// All of its input is read.
    Done,
    /// There is more to do than one poll may do.
    Later,
}

/// What can be had without more input.
pub(crate) enum Pulled {
    Data(Bytes),
    /// More coded bytes are wanted.
    Hungry,
    /// There is more to do than one poll may do.
    Later,
    End,
}

impl Chain {
    pub(crate) fn new(codings: &[&Coding], limits: Limits) -> Chain {
        let stage = |coding: &&Coding| Stage {
            name: coding.name().into(),
            decoder: SyncWrapper::new(coding.decoder()),
            input: Bytes::new(),
            begun: false,
            full: false,
            last: false,
            ended: false,
            buffer: Bytes::new(),
            spare: BytesMut::new(),
            written: 0,
        };
        Chain { stages: codings.iter().map(stage).collect(), limits, read: 0 }
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

    /// The next output, for as long as there is budget `left`.
    pub(crate) fn pull(&mut self, left: &mut usize) -> Result<Pulled, Error> {
        match self.pull_from(self.stages.len(), left)? {
            Pulled::Hungry if *left == 0 => Ok(Pulled::Later),
            pulled => Ok(pulled),
        }
    }

    /// The next output of the first `count` stages; `left` is the budget that they may still use.
    fn pull_from(&mut self, count: usize, left: &mut usize) -> Result<Pulled, Error> {
        let Some(at) = count.checked_sub(1) else { return Ok(Pulled::Hungry) };
        loop {
            let stage = &mut self.stages[at];
            match stage.step(left)? {
                Step::Data(data) => {
                    stage.written += data.len() as u64;
                    self.check(at)?;
                    return Ok(Pulled::Data(data));
                }
                Step::Later => return Ok(Pulled::Later),
                Step::Done if stage.ended => return Ok(Pulled::End),
                Step::Done => {}
            }
            match self.pull_from(at, left)? {
                Pulled::Data(data) => self.stages[at].input = data,
                Pulled::End => self.stages[at].last = true,
                other => return Ok(other),
            }
        }
    }

    /// Checks the output of each stage against the limits, so that none is hidden by a stage above.
    fn check(&self, at: usize) -> Result<(), Error> {
        let Limits { size, ratio } = self.limits;
        let (written, is_inner) = (self.stages[at].written, at + 1 < self.stages.len());
        // Coded bytes may be a few more than those that they stand for.
        let slack = |limit: u64| if is_inner { (limit / 16).saturating_add(4096) } else { 0 };
        if size.is_some_and(|limit| written > limit.saturating_add(slack(limit))) {
            return Err(expanded(Expanded { size, ratio: None }));
        }
        if written <= RATIO_FROM {
            return Ok(());
        }
        if ratio.is_some_and(|ratio| written > self.read.max(1).saturating_mul(u64::from(ratio))) {
            return Err(expanded(Expanded { size: None, ratio }));
        }
        let top = self.stages.last().map_or(0, |stage| stage.written);
        if is_inner && written > RATIO_FROM.saturating_add(top.saturating_mul(INNER_RATIO)) {
            return Err(expanded(Expanded { size: None, ratio: None }));
        }
        Ok(())
    }
}

impl Stage {
    /// Decodes until there is output, or no input, or no budget.
    fn step(&mut self, left: &mut usize) -> Result<Step, Error> {
        self.begun |= !self.input.is_empty();
        while !self.input.is_empty() || self.full {
            if *left == 0 {
                return Ok(Step::Later);
            }
            let mut output = self.room();
            let mut written = 0;
            while written < PIECE && *left > 0 && (!self.input.is_empty() || self.full) {
                let input = &self.input[..self.input.len().min(*left)];
                let (given, room) = (input.len(), output.len() - written);
                let progress = self.decoder.get_mut().decode(input, &mut output[written..]);
                let progress = progress.map_err(|cause| broken(&self.name, cause))?;
                if progress.read > given || progress.written > room {
                    return Err(broken(&self.name, "the decoder claims more bytes than it was given".into()));
                }
                let _ = self.input.split_to(progress.read);
                *left = left.saturating_sub(progress.read + progress.written + CALL);
                written += progress.written;
                self.full = written == PIECE;
                if progress.read == 0 && progress.written == 0 && !self.input.is_empty() {
                    return Err(broken(&self.name, "the decoder makes no progress".into()));
                }
                if progress.written == 0 && self.input.is_empty() {
                    break;
                }
            }
            if let Some(piece) = self.piece(output, written) {
                return Ok(Step::Data(piece));
            }
        }
        if self.last && !self.ended {
            if self.begun {
                self.decoder.get_mut().finish().map_err(|cause| broken(&self.name, cause))?;
            }
            self.ended = true;
        }
        Ok(Step::Done)
    }

    /// The output. It owns at most twice its length: a caller that gathers small pieces must not hold a full buffer for each.
    fn piece(&mut self, output: BytesMut, written: usize) -> Option<Bytes> {
        if written < PIECE / 2 {
            let piece = (written > 0).then(|| Bytes::copy_from_slice(&output[..written]));
            self.spare = output;
            return piece;
        }
        self.buffer = output.freeze();
        Some(self.buffer.slice(..written))
    }

    /// Room for a piece. It is filled with zeros only when it is new: who streams lets each piece go before the next.
    fn room(&mut self) -> BytesMut {
        if !self.spare.is_empty() {
            return mem::take(&mut self.spare);
        }
        mem::take(&mut self.buffer).try_into_mut().unwrap_or_else(|_| BytesMut::zeroed(PIECE))
    }
}
