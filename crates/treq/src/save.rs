use std::io::Write;
use std::path::Path;

use bytes::Bytes;
use tempfile::NamedTempFile;
use treq_core::{Error, Kind};

use crate::Response;

/// How much is gathered for one trip to the blocking threads.
const BATCH: usize = 256 * 1024;

impl Response {
    /// Writes the rest of the body to a file, which is there whole or not at all: the bytes go to a temporary file in the same
    /// folder, which takes the name at the end and replaces a file that has it. Returns how many bytes were written.
    ///
    /// # Errors
    ///
    /// [`Kind::Body`] where the body is cut or the file cannot be written, naming it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = treq_httpbin::Server::start().await?;
    /// # let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("page.html");
    /// let bytes = treq::get(server.url("/html")).await?.save(&path).await?;
    /// assert_eq!(std::fs::metadata(&path)?.len(), bytes);
    /// # Ok(()) }
    /// ```
    pub async fn save(&mut self, path: impl AsRef<Path>) -> Result<u64, Error> {
        let path = path.as_ref().to_owned();
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
        let mut file = blocking(&path, move || NamedTempFile::new_in(folder)).await?;
        let mut written = 0;
        loop {
            let (batch, bytes, ended) = self.batch().await?;
            written += bytes as u64;
            file = blocking(&path, move || {
                batch.iter().try_for_each(|piece| file.write_all(piece))?;
                Ok(file)
            })
            .await?;
            if ended {
                break;
            }
        }
        let target = path.clone();
        blocking(&path, move || {
            #[cfg(unix)]
            permit(file.as_file())?;
            file.persist(target).map_err(|error| error.error)
        })
        .await?;
        Ok(written)
    }

    async fn batch(&mut self) -> Result<(Vec<Bytes>, usize, bool), Error> {
        let (mut pieces, mut bytes) = (Vec::new(), 0);
        while bytes < BATCH {
            match self.chunk().await? {
                Some(piece) => {
                    bytes += piece.len();
                    pieces.push(piece);
                }
                None => return Ok((pieces, bytes, true)),
            }
        }
        Ok((pieces, bytes, false))
    }
}

/// Temporary files are for their owner only; what is saved is an ordinary file.
#[cfg(unix)]
fn permit(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Error> {
    let failed = |error| Error::new(Kind::Body, format!("{} cannot be written", path.display())).with_source(error);
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(failed),
        Err(lost) => Err(failed(std::io::Error::other(lost))),
    }
}
