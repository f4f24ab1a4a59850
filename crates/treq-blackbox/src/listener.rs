//! Scripted listeners on loopback, and what they saw.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::connection::Connection;
use crate::step::Step;

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
    socket: TcpListener,
    addr: SocketAddr,
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
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let addr = socket.local_addr()?;
        Ok(Listener { socket, addr, record: Shared::default(), closed: Arc::default() })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// Accepts. The first connection plays the first script, and so on; the last script serves all further ones.
    ///
    /// # Errors
    ///
    /// Where the socket cannot be shared with a thread.
    pub fn play(&self, scripts: Vec<Vec<Step>>) -> io::Result<()> {
        let socket = self.socket.try_clone()?;
        let (record, closed) = (self.record.clone(), Arc::clone(&self.closed));
        let scripts: Vec<Arc<[Step]>> = scripts.into_iter().map(Arc::from).collect();
        thread::spawn(move || accept(&socket, &scripts, &record, &closed));
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
        // Wakes the thread that accepts, which then closes its side of the socket.
        let _ = TcpStream::connect(self.addr);
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
