use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use ureq::Error;

pub fn download(url: &str, path: &Path) -> Result<(), Error> {
    let mut response = ureq::get(url).call()?;
    let total = response.body().content_length();
    let mut reader = response.body_mut().as_reader();
    let mut file = File::create(path)?;
    let (mut piece, mut done) = ([0; 65536], 0);
    loop {
        let read = reader.read(&mut piece)?;
        if read == 0 {
            return Ok(());
        }
        file.write_all(&piece[..read])?;
        done += read;
        println!("{done} of {total:?}");
    }
}
