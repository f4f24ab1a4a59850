//! TLS over any byte stream, or a plain refusal where it was not built in.

#[cfg(any(feature = "tls", feature = "tls-ring"))]
mod with {
    use tower_layer::Layer;
    use treq_connect::{TlsConfig, TlsConnect, TlsLayer};

    pub(crate) type Https<C> = TlsConnect<C>;

    pub(crate) fn https<C>(connect: C, config: &TlsConfig) -> Https<C> {
        TlsLayer::new(config.clone()).layer(connect)
    }
}

#[cfg(any(feature = "tls", feature = "tls-ring"))]
pub(crate) use with::{Https, https};

#[cfg(not(any(feature = "tls", feature = "tls-ring")))]
mod without {
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tower_service::Service;
    use treq_core::{BoxError, Connected, Error, Kind, Target};

    pub(crate) fn https<C>(connect: C, (): ()) -> Https<C> {
        Https(connect)
    }

    /// Refuses https.
    #[derive(Clone, Debug)]
    pub struct Https<C>(C);

    impl<C, IO> Service<Target> for Https<C>
    where
        C: Service<Target, Response = Connected<IO>>,
        C::Error: Into<BoxError> + 'static,
        C::Future: Send + 'static,
    {
        type Response = Connected<IO>;
        type Error = Error;
        // Boxed: once per connection.
        type Future = Pin<Box<dyn Future<Output = Result<Connected<IO>, Error>> + Send>>;

        fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
            self.0.poll_ready(cx).map_err(Error::from_boxed)
        }

        fn call(&mut self, target: Target) -> Self::Future {
            if target.origin.is_https() {
                let why = format!("{} needs TLS: build treq with its feature `tls` or `tls-ring`", target.origin);
                return Box::pin(async { Err(Error::new(Kind::Tls, why)) });
            }
            let connecting = self.0.call(target);
            Box::pin(async { connecting.await.map_err(Error::from_boxed) })
        }
    }
}

#[cfg(not(any(feature = "tls", feature = "tls-ring")))]
pub(crate) use without::{Https, https};
