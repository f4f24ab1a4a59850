//! The default client, one per tokio runtime.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Handle, Id};
use treq_core::{Error, Kind};

use crate::client::Client;

/// Connections are driven by tasks of the runtime on which they were made, so each runtime has a client of its own.
static CLIENTS: LazyLock<Mutex<HashMap<Id, Client>>> = LazyLock::new(Mutex::default);

/// The client that the free functions use on this runtime. It is made at their first call there and ends with the
/// runtime.
///
/// # Errors
///
/// [`Kind::Other`] outside of a tokio runtime.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
/// assert!(treq::default_client()?.pool().is_some_and(|pool| pool.stats().open == 0));
/// # Ok(()) }
/// ```
pub fn default_client() -> Result<Client, Error> {
    let runtime = Handle::try_current().map_err(|error| {
        Error::new(Kind::Other, "no tokio runtime is running here: call treq from inside one").with_source(error)
    })?;
    let id = runtime.id();
    let mut clients = clients();
    if let Some(client) = clients.get(&id) {
        return Ok(client.clone());
    }
    let client = Client::new();
    clients.insert(id, client.clone());
    drop(clients);
    // Tokio may give the id to another runtime later: the entry goes when this one drops its tasks, which a runtime
    // that is shutting down does at once.
    let entry = Entry(id);
    runtime.spawn(async move {
        let _entry = entry;
        std::future::pending::<()>().await;
    });
    Ok(client)
}

/// Makes this the client that the free functions use on this runtime from now on, and returns the one before: one with another
/// pool, with proxies, with a stack of your own.
///
/// # Errors
///
/// As [`default_client`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
/// # let server = treq_httpbin::Server::start().await.unwrap();
/// treq::set_default_client(treq::Client::builder().header("user-agent", "shop/1.0").build()?)?;
/// assert!(treq::get(server.url("/user-agent")).await?.text().await?.contains("shop/1.0"));
/// # Ok(()) }
/// ```
pub fn set_default_client(client: Client) -> Result<Client, Error> {
    // Made first, so that there is an entry that ends with the runtime.
    let before = default_client()?;
    if let Ok(runtime) = Handle::try_current() {
        clients().insert(runtime.id(), client);
    }
    Ok(before)
}

struct Entry(Id);

impl Drop for Entry {
    fn drop(&mut self) {
        let client = clients().remove(&self.0);
        // Dropped with the lock released: a client closes its connections.
        drop(client);
    }
}

fn clients() -> MutexGuard<'static, HashMap<Id, Client>> {
    CLIENTS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{clients, default_client};

    #[test]
    fn a_client_ends_with_its_runtime() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let id = runtime.handle().id();
        runtime.block_on(async { default_client().unwrap() });
        assert!(clients().contains_key(&id));
        drop(runtime);
        assert!(!clients().contains_key(&id));
    }
}
