//! What the examples have in common: where they send their requests, and what they print a download with.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout)] // A bar is printed.

pub mod grpc;
mod socks;

pub use socks::Socks;

use std::error::Error;
use std::io::{Write, stdout};

use serde_json::Value;
use treq_httpbin::Server;

/// An httpbin: the embedded one, or the one that the command line names.
#[derive(Debug)]
pub struct Base {
    /// The embedded server, unless `--base URL` names another. It ends when this is dropped.
    pub server: Option<Server>,
    root: String,
}

/// Reads the command line: `--base URL` names an httpbin; without it the embedded one is started in this process.
///
/// # Errors
///
/// For any other argument, and where no socket can be bound.
pub async fn base() -> Result<Base, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            let server = Server::start().await?;
            Ok(Base { root: server.url(""), server: Some(server) })
        }
        ["--base", root] => Ok(Base { root: root.trim_end_matches('/').to_owned(), server: None }),
        _ => Err(format!("{arguments:?} is not understood: `--base URL` or nothing").into()),
    }
}

impl Base {
    /// The URL of a path that begins with `/`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }
}

/// An error that says what was expected, unless it `holds`: it ends an example with a failure.
///
/// # Errors
///
/// As said.
pub fn expect(holds: bool, what: &str) -> Result<(), Box<dyn Error>> {
    if holds { Ok(()) } else { Err(format!("expected {what}").into()) }
}

/// Prints a value that is as it should be.
///
/// # Errors
///
/// For another than the expected one.
pub fn show(what: &str, value: &Value, expected: Value) -> Result<(), Box<dyn Error>> {
    println!("{what} {value}");
    expect(*value == expected, &format!("{expected}, not {value}: {what}"))
}

/// Reads a body piece by piece, with a bar that shows how far it has come.
///
/// # Errors
///
/// For a body that cannot be read, or is longer or shorter than its announced length.
pub async fn download(what: &str, mut response: treq::Response) -> Result<(), Box<dyn Error>> {
    let mut bar = Bar::new(what, response.content_length())?;
    while let Some(piece) = response.chunk().await? {
        bar.advance(piece.len())?;
    }
    bar.end()
}

/// A progress bar that only grows, so that it reads well in a file too.
#[derive(Debug)]
pub struct Bar {
    size: u64,
    seen: u64,
}

impl Bar {
    const WIDTH: u64 = 40;

    /// Begins the bar of a download of so many bytes.
    ///
    /// # Errors
    ///
    /// Where the size is unknown, and where the output is closed.
    pub fn new(what: &str, size: Option<u64>) -> Result<Bar, Box<dyn Error>> {
        let size = size.filter(|size| *size > 0).ok_or("the server does not say how long the download is")?;
        print!("{what}: [");
        stdout().flush()?;
        Ok(Bar { size, seen: 0 })
    }

    /// So many bytes more have come.
    ///
    /// # Errors
    ///
    /// Where the output is closed.
    pub fn advance(&mut self, bytes: usize) -> Result<(), Box<dyn Error>> {
        let before = self.seen * Bar::WIDTH / self.size;
        self.seen += bytes as u64;
        for _ in before..self.seen * Bar::WIDTH / self.size {
            print!("#");
        }
        Ok(stdout().flush()?)
    }

    /// Closes the bar.
    ///
    /// # Errors
    ///
    /// Where not all bytes have come.
    pub fn end(self) -> Result<(), Box<dyn Error>> {
        println!("] {} of {} bytes", self.seen, self.size);
        expect(self.seen == self.size, "as many bytes as the server announced")
    }
}

/// The snippets of the README at the root, compiled as a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
