//! The default client, one per tokio runtime.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Handle, Id};
use treq_core::{Error, Kind};

use crate::{Client, ClientPool};

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
/// treq::default_client()?.close_idle();
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

/// The connections of the default client.
///
/// # Errors
///
/// As [`default_client`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), treq::Error> {
/// # let server = treq_httpbin::Server::start().await.unwrap();
/// treq::get(server.url("/get")).await?.content().await?;
/// let pool = treq::global_pool()?.expect("the default client has one");
/// assert_eq!(pool.stats().open, 1);
/// pool.close();
/// assert_eq!(pool.stats().open, 0);
/// # Ok(()) }
/// ```
pub fn global_pool() -> Result<Option<ClientPool>, Error> {
    Ok(default_client()?.pool())
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

/// How many runtimes have a default client at this moment.
#[doc(hidden)]
pub fn default_clients() -> usize {
    clients().len()
}
