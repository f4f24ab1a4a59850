//! Scripted listeners on loopback, and what they saw.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::{io, iter};

use crate::connection::Connection;
use crate::step::Step;

/// How many ports are tried until one is free on all addresses.
const ATTEMPTS: usize = 20;

/// A request that a listener read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Its first line; for HTTP/2 a note of the stream.
    pub line: String,
    /// Names and values as they came, blanks included.
    pub headers: Vec<(String, String)>,
    /// The body, where a step read it; of a chunked one its chunks as they came.
    pub body: String,
}

impl Request {
    /// The values of a field, whatever the case of its name.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.headers.iter().filter(move |(own, _)| own.trim().eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }
}

/// What a listener saw.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// How many connections were made.
    pub connections: usize,
    /// The requests, in the order in which their heads were whole.
    pub requests: Vec<Request>,
    /// Every byte that arrived, of all connections.
    pub raw: Vec<u8>,
}

/// A record that connections write to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared(Arc<Mutex<Record>>);

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Record> {
        // What a panicking connection recorded is still what it saw.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A listener on a free port of 127.0.0.1. It accepts from [`play`](Listener::play) on, until it is dropped.
#[derive(Debug)]
pub struct Listener {
    /// That of 127.0.0.1 first; all have one port.
    sockets: Vec<TcpListener>,
    port: u16,
    record: Shared,
    closed: Arc<AtomicBool>,
}

impl Listener {
    /// A port is taken; nothing is accepted yet.
    ///
    /// # Errors
    ///
    /// Where no port is free.
    pub fn bind() -> io::Result<Listener> {
        Listener::bind_also(&[])
    }

    /// The same port is taken on further addresses of 127/8.
    ///
    /// # Errors
    ///
    /// Where no port is free on all of them, and for an address that is not loopback: nobody else may reach a script.
    pub fn bind_also(further: &[Ipv4Addr]) -> io::Result<Listener> {
        if let Some(other) = further.iter().find(|addr| !addr.is_loopback()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{other} is not loopback")));
        }
        let mut attempts = 0;
        loop {
            let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let port = first.local_addr()?.port();
            let rest = further.iter().filter(|addr| **addr != Ipv4Addr::LOCALHOST);
            let sockets = iter::once(Ok(first)).chain(rest.map(|addr| TcpListener::bind((*addr, port))));
            match sockets.collect() {
                Ok(sockets) => {
                    return Ok(Listener { sockets, port, record: Shared::default(), closed: Arc::default() });
                }
                // Free at home, but not there.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempts < ATTEMPTS => attempts += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Accepts. The first connection plays the first script, and so on; the last script serves all further ones.
    ///
    /// # Errors
    ///
    /// Where a socket cannot be shared with a thread.
    pub fn play(&self, scripts: Vec<Vec<Step>>) -> io::Result<()> {
        let scripts: Arc<[Arc<[Step]>]> = scripts.into_iter().map(Arc::from).collect();
        for socket in &self.sockets {
            let (socket, scripts) = (socket.try_clone()?, Arc::clone(&scripts));
            let (record, closed) = (self.record.clone(), Arc::clone(&self.closed));
            thread::spawn(move || accept(&socket, &scripts, &record, &closed));
        }
        Ok(())
    }

    /// What it has seen so far.
    pub fn record(&self) -> Record {
        self.record.lock().clone()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
        // Wakes the threads that accept, each of which then closes its side of its socket.
        for addr in self.sockets.iter().filter_map(|socket| socket.local_addr().ok()) {
            let _ = TcpStream::connect(addr);
        }
    }
}

fn accept(socket: &TcpListener, scripts: &[Arc<[Step]>], record: &Shared, closed: &AtomicBool) {
    while let Ok((stream, _)) = socket.accept() {
        if closed.load(Ordering::SeqCst) {
            return;
        }
        let number = {
            let mut record = record.lock();
            record.connections += 1;
            record.connections - 1
        };
        let Some(script) = scripts.get(number).or(scripts.last()).cloned() else { continue };
        let record = record.clone();
        // An error of the socket ends a script: what was seen until then counts.
        thread::spawn(move || Connection::new(stream, record).play(&script).ok());
    }
}
