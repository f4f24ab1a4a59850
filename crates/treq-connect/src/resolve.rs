use treq_core::{Name, Resolve, Resolving};

/// The operating system's resolver, `getaddrinfo`, on tokio's threads for blocking work.
///
/// It returns both families at once, in the order of RFC 6724, so there is no waiting for the slower of two
/// responses as in [RFC 8305, section 3](https://www.rfc-editor.org/rfc/rfc8305#section-3).
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move { Ok(tokio::net::lookup_host((name.host(), name.port())).await?.collect()) })
    }
}
