//! Worlds, bodies in pieces, and what does not compile.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use treq::error::BoxError;
use treq::{Body, Client};
use treq_parity::{EMPTY, Received, Step, World};

/// A client set up as the original, in a world that answers this, then nothing but empty 200s.
pub(crate) fn answered(script: &[&str]) -> (World, Client) {
    let world = World::new(script.iter().map(|text| Step::Send(text.as_bytes().to_vec()))).otherwise(EMPTY);
    let client = treq_parity::client(&world, None).unwrap();
    (world, client)
}

/// A world that answers nothing by itself.
pub(crate) fn silent() -> (World, Client) {
    let world = World::default();
    let client = treq_parity::client(&world, None).unwrap();
    (world, client)
}

/// Until all that can happen has happened.
pub(crate) async fn settle() {
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
}

pub(crate) fn send(text: &str) -> Step {
    Step::Send(text.as_bytes().to_vec())
}

pub(crate) fn text(request: &Received) -> String {
    String::from_utf8_lossy(&request.bytes).into_owned()
}

/// The value of a field, names in any case.
pub(crate) fn field(request: &Received, name: &str) -> Option<String> {
    let text = text(request);
    let lines = text.split("\r\n").take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(": "));
    lines.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next()
}

/// A body that comes in these pieces, and says this of its length; `stuck` does not end.
pub(crate) fn pieces<const N: usize>(length: Option<u64>, pieces: [Result<&'static str, &'static str>; N]) -> Pieces {
    Pieces { length, pieces: pieces.into_iter().collect(), stuck: false }
}

pub(crate) struct Pieces {
    length: Option<u64>,
    pieces: VecDeque<Result<&'static str, &'static str>>,
    stuck: bool,
}

impl Pieces {
    pub(crate) fn stuck(mut self) -> Pieces {
        self.stuck = true;
        self
    }

    pub(crate) fn body(self) -> Body {
        Body::new(self)
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.pieces.pop_front() {
            Some(Ok(piece)) => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(piece.as_bytes()))))),
            Some(Err(why)) => Poll::Ready(Some(Err(why.into()))),
            None if self.stuck => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Compiles only where the type lacks the bound.
macro_rules! lacks {
    ($type:ty, $($bound:tt)+) => {{
        trait Ambiguous<A> {
            fn some() {}
        }
        impl<T: ?Sized> Ambiguous<()> for T {}
        #[allow(dead_code)]
        struct Has;
        impl<T: ?Sized + $($bound)+> Ambiguous<Has> for T {}
        <$type as Ambiguous<_>>::some();
    }};
}
pub(crate) use lacks;
