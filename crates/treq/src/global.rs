//! The default client, one per tokio runtime.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Handle, Id};
use treq_core::{Error, Kind};

use crate::Client;

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
    let client = Client::new()?;
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
