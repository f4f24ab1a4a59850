//! Layers that each break one rule of the contract.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use tower::ServiceExt;
use tower::util::Either;
use tower_layer::Layer;
use tower_service::Service;
use treq_core::BoxError;
use treq_testing::contract::{Mock, MockBody, MockError};

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Answer = Boxed<Result<Response<MockBody>, BoxError>>;

/// The layer of a fault.
pub(crate) struct With<F>(PhantomData<fn(F)>);

pub(crate) fn with<F>() -> With<F> {
    With(PhantomData)
}

impl<F> Layer<Mock> for With<F> {
    type Service = Broken<F>;

    fn layer(&self, inner: Mock) -> Broken<F> {
        Broken { inner, fault: PhantomData }
    }
}

pub(crate) struct Broken<F> {
    inner: Mock,
    fault: PhantomData<fn(F)>,
}

impl<F> Clone for Broken<F> {
    fn clone(&self) -> Broken<F> {
        Broken { inner: self.inner.clone(), fault: PhantomData }
    }
}

/// How a fault uses the inner service.
pub(crate) trait Fault {
    fn ready(inner: &mut Mock, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Service::<Request<MockBody>>::poll_ready(inner, cx).map_err(Into::into)
    }

    fn call(inner: &mut Mock, request: Request<MockBody>) -> Answer {
        let sending = inner.call(request);
        Box::pin(async move { Ok(sending.await?) })
    }
}

impl<F: Fault> Service<Request<MockBody>> for Broken<F> {
    type Response = Response<MockBody>;
    type Error = BoxError;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        F::ready(&mut self.inner, cx)
    }

    fn call(&mut self, request: Request<MockBody>) -> Answer {
        F::call(&mut self.inner, request)
    }
}

/// Keeps every rule, by asking for readiness within the future.
pub(crate) struct Late;

impl Fault for Late {
    fn ready(_: &mut Mock, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(inner: &mut Mock, request: Request<MockBody>) -> Answer {
        let inner = inner.clone();
        Box::pin(async move { Ok(inner.oneshot(request).await?) })
    }
}

/// Polls one instance and calls a clone.
pub(crate) struct CallsClone;

impl Fault for CallsClone {
    fn call(inner: &mut Mock, request: Request<MockBody>) -> Answer {
        let sending = inner.clone().call(request);
        Box::pin(async move { Ok(sending.await?) })
    }
}

/// Makes one instance ready, and then a clone for the call.
pub(crate) struct Reserves;

impl Fault for Reserves {
    fn call(inner: &mut Mock, request: Request<MockBody>) -> Answer {
        Late::call(inner, request)
    }
}

/// Is not done with a future that is.
pub(crate) struct PollsAgain;

impl Fault for PollsAgain {
    fn call(inner: &mut Mock, request: Request<MockBody>) -> Answer {
        let mut sending = Box::pin(inner.call(request));
        Box::pin(async move {
            let answer = sending.as_mut().await?;
            std::future::poll_fn(|cx| Poll::Ready(sending.as_mut().poll(cx).is_ready())).await;
            Ok(answer)
        })
    }
}

/// Is ready at its second poll, which it never asks for.
pub(crate) struct NeverWakes;

impl Fault for NeverWakes {
    fn call(inner: &mut Mock, request: Request<MockBody>) -> Answer {
        let sending = inner.call(request);
        Box::pin(async move {
            let answer = sending.await?;
            let mut polls = 0..1;
            std::future::poll_fn(|_| if polls.next().is_some() { Poll::Pending } else { Poll::Ready(()) }).await;
            Ok(answer)
        })
    }
}

/// Does not ask at all.
pub(crate) struct NeverAsks;

impl Fault for NeverAsks {
    fn ready(_: &mut Mock, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }
}

/// Leaves the exchange running when it is given up.
pub(crate) struct LeaksOnCancel;

impl Fault for LeaksOnCancel {
    fn call(inner: &mut Mock, request: Request<MockBody>) -> Answer {
        let task = tokio::spawn(inner.call(request));
        Box::pin(async move { Ok(task.await??) })
    }
}

pub(crate) struct HidesErrors;

impl Fault for HidesErrors {
    fn call(inner: &mut Mock, request: Request<MockBody>) -> Answer {
        let sending = inner.call(request);
        Box::pin(async move { sending.await.map_err(|error| error.to_string().into()) })
    }
}

pub(crate) struct DropsExtensions;

impl Fault for DropsExtensions {
    fn call(inner: &mut Mock, mut request: Request<MockBody>) -> Answer {
        request.extensions_mut().clear();
        let sending = inner.call(request);
        Box::pin(async move { Ok(sending.await?) })
    }
}

pub(crate) struct NeverDone;

impl Fault for NeverDone {
    fn call(inner: &mut Mock, request: Request<MockBody>) -> Answer {
        let sending = inner.call(request);
        Box::pin(async move {
            sending.await?;
            std::future::pending().await
        })
    }
}

/// A response body that loses what it is told to.
pub(crate) struct Lossy {
    inner: MockBody,
    loss: Loss,
    kept: Arc<Mutex<Vec<MockBody>>>,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Loss {
    Nothing,
    Trailers,
    SizeHint,
    EndStream,
    LastData,
    Memory,
}

impl Lossy {
    pub(crate) fn layer(
        loss: Loss,
    ) -> tower::util::MapResponseLayer<impl Fn(Response<MockBody>) -> Response<Lossy> + Clone> {
        let kept = Arc::new(Mutex::new(Vec::new()));
        tower::util::MapResponseLayer::new(move |response: Response<MockBody>| {
            response.map(|inner| Lossy { inner, loss, kept: Arc::clone(&kept) })
        })
    }
}

impl Body for Lossy {
    type Data = Bytes;
    type Error = MockError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, MockError>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) if frame.is_trailers() && self.loss == Loss::Trailers => Poll::Ready(None),
            Poll::Ready(Some(Ok(frame))) if frame.is_data() && self.loss == Loss::LastData => {
                if self.inner.is_end_stream() { Poll::Ready(None) } else { polled }
            }
            _ => polled,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream() && self.loss != Loss::EndStream
    }

    fn size_hint(&self) -> SizeHint {
        if self.loss == Loss::SizeHint { SizeHint::default() } else { self.inner.size_hint() }
    }
}

impl Drop for Lossy {
    fn drop(&mut self) {
        if self.loss == Loss::Memory {
            self.kept.lock().unwrap().push(self.inner.clone());
        }
    }
}

/// A layer that answers by itself.
#[derive(Clone)]
pub(crate) struct Answers;

impl Layer<Mock> for Answers {
    type Service = Answers;

    fn layer(&self, _: Mock) -> Answers {
        Answers
    }
}

impl Service<Request<MockBody>> for Answers {
    type Response = Response<MockBody>;
    type Error = BoxError;
    type Future = Ready<Result<Response<MockBody>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<MockBody>) -> Self::Future {
        let mut response = Response::new(MockBody::default());
        *response.headers_mut() = request.headers().clone();
        ready(Ok(response))
    }
}

/// One layer or another: keeps every rule that they keep.
pub(crate) fn either() -> Either<tower_layer::Identity, tower_layer::Identity> {
    Either::Right(tower_layer::Identity::new())
}
