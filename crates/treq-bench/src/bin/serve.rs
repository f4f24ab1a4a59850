//! Answers every request with the same 200, on a port that it prints. Ends when its standard input does.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\nContent-Type: text/plain\r\n\r\nHello, World!";

fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// One answer for each empty line seen: requests without bodies, one after the other.
fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = [0; 4096];
    let mut matched = 0;
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        for &byte in &buffer[..read] {
            matched = match byte {
                b'\r' if matched % 2 == 0 => matched + 1,
                b'\n' if matched % 2 == 1 => matched + 1,
                _ => 0,
            };
            if matched == 4 {
                stream.write_all(ANSWER)?;
                matched = 0;
            }
        }
    }
}
