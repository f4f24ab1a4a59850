use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::io::AsyncReadExt;
use treq_core::{Kind, TryClone};
use treq_multipart::{Form, Part, WrongLength};

use crate::support::{broken, read_back, refused, text, whole, with_causes};

#[tokio::test]
async fn a_file_goes_out_under_the_base_of_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    fs::write(&path, "two\nlines").unwrap();
    let sent = text(Form::new().boundary("B").part("f", Part::file(&path))).await;
    let expected = "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"notes.txt\"\r\n\
                    Content-Type: text/plain\r\n\r\ntwo\nlines\r\n--B--\r\n";
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn a_file_is_opened_when_its_turn_comes_in_each_sending() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    fs::write(&path, "").unwrap();
    let empty = Form::new().part("f", Part::file(&path)).encode().unwrap();
    assert_eq!(read_back(empty).await[0].3, b"");

    fs::write(&path, "first").unwrap();
    let body = Form::new().boundary("B").part("f", Part::file(&path)).into_body().unwrap();
    let again = body.try_clone().unwrap();
    let third = body.try_clone().unwrap();
    assert!(String::from_utf8(whole(body).await).unwrap().contains("first"));
    fs::write(&path, "other").unwrap();
    assert!(String::from_utf8(whole(again).await).unwrap().contains("other"));
    fs::remove_file(&path).unwrap();
    let (_, error) = broken(third).await;
    assert!(error.to_string().starts_with("part 1, \"f\": the file \""), "{error}");
    assert_eq!(error.find::<std::io::Error>().unwrap().kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn a_file_that_cannot_be_sent_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let missing = refused(Form::new().part("f", Part::file(folder.path().join("missing.txt"))));
    assert!(missing.contains("missing.txt\" cannot be read <- "), "{missing}");
    let directory = refused(Form::new().part("f", Part::file(folder.path())));
    assert!(
        directory.starts_with("part 1, \"f\": ") && directory.ends_with("is a directory, not a file"),
        "{directory}"
    );
}

#[tokio::test]
async fn a_file_that_changed_its_length_is_an_error_that_names_both() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    for (length, start) in [(7, "part 1, \"f\": 10 bytes were declared, but the content ended after 7"), (12, "part 1")]
    {
        fs::write(&path, [b'x'; 10]).unwrap();
        let body = Form::new().part("f", Part::file(&path)).into_body().unwrap();
        let again = body.try_clone().unwrap();
        whole(body).await;
        fs::write(&path, vec![b'x'; length]).unwrap();
        let (bytes, error) = broken(again).await;
        assert!(error.to_string().starts_with(start), "{error}");
        assert_eq!(error.kind(), Kind::Body);
        let cause = error.find::<WrongLength>().unwrap();
        assert_eq!((cause.declared, cause.found), (10, length as u64));
        assert!(bytes.ends_with(b"\r\n\r\n"), "nothing of the file went out");
    }
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_is_an_error() {
    for grows in [true, false] {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), vec![b'x'; 10_000]).unwrap();
        let form = Form::new().buffer_size(1000).part("f", Part::file(file.path()));
        let mut body = form.encode().unwrap();
        for _ in 0..3 {
            body.frame().await.unwrap().unwrap();
        }
        let mut other = OpenOptions::new().append(true).open(file.path()).unwrap();
        if grows {
            other.write_all(b"more").unwrap();
        } else {
            other.set_len(5000).unwrap();
        }
        let (bytes, error) = broken(body).await;
        let cause = *error.find::<WrongLength>().unwrap();
        assert_eq!((cause.declared, cause.found), (10_000, if grows { 10_004 } else { 5000 }));
        assert!(bytes.iter().all(|&byte| byte == b'x'), "no boundary follows");
        assert!(bytes.len() < 10_000, "a surplus is not sent");
    }
}

#[tokio::test]
async fn open_files_go_on_from_where_they_are() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"0123456789").unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file.read_exact(&mut [0; 4]).unwrap();
    assert!(text(Form::new().part("f", Part::std_file(file))).await.contains("\r\n\r\n456789\r\n"));

    // Past its end there is nothing more.
    let mut file = tempfile::tempfile().unwrap();
    file.seek(SeekFrom::Start(5)).unwrap();
    assert!(text(Form::new().part("f", Part::std_file(file))).await.contains("\r\n\r\n\r\n--"));
}

/// A runtime with one thread for blocking, which is busy until the sender is dropped.
fn occupied() -> (tokio::runtime::Runtime, std::sync::mpsc::Sender<()>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.max_blocking_threads(1).build().unwrap();
    let (busy, until) = std::sync::mpsc::channel::<()>();
    runtime.spawn_blocking(move || until.recv().is_err());
    (runtime, busy)
}

#[test]
fn what_tokio_has_read_ahead_belongs_to_the_rest() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"0123456789").unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    let (runtime, busy) = occupied();
    runtime.block_on(async {
        let mut file = tokio::fs::File::from_std(file);
        // A read of 8 is given up, and one of 2 takes some of what it left.
        let mut eight = [0; 8];
        let mut reading = Box::pin(file.read(&mut eight));
        assert!(reading.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(reading);
        drop(busy);
        let mut two = [0; 2];
        file.read_exact(&mut two).await.unwrap();
        assert_eq!(&two, b"01");
        let body = Form::new().part("f", Part::tokio_file(file).await).encode().unwrap();
        assert!(body.size_hint().exact().is_some());
        assert!(String::from_utf8(whole(body).await).unwrap().contains("\r\n\r\n23456789\r\n"));
    });
}

#[cfg(unix)]
#[test]
fn a_read_that_has_not_begun_is_given_up_at_once() {
    let (ours, mut theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let (runtime, busy) = occupied();
    runtime.block_on(async {
        let part = Part::std_file(fs::File::from(std::os::fd::OwnedFd::from(ours)));
        let mut body = Form::new().part("f", part).encode().unwrap();
        body.frame().await.unwrap().unwrap();
        assert!(Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(body);
        theirs.set_nonblocking(true).unwrap();
        let closed = theirs.read(&mut [0]);
        drop(busy);
        assert_eq!(closed.ok(), Some(0), "it is closed");
    });
}

#[cfg(unix)]
#[tokio::test]
async fn a_read_that_has_begun_closes_its_file_when_it_ends() {
    let (ours, mut theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let part = Part::std_file(fs::File::from(std::os::fd::OwnedFd::from(ours)));
    let mut body = Form::new().part("f", part).encode().unwrap();
    body.frame().await.unwrap().unwrap();
    assert!(Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(body);
    theirs.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    let _ = theirs.write_all(b"x");
    assert!(read_is_over(&theirs.read(&mut [0])), "it stays open");
}

/// What the peer of a closed socket sees; it is told of bytes that were not read by an error.
#[cfg(unix)]
fn read_is_over(read: &std::io::Result<usize>) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
    match read {
        Ok(read) => *read == 0,
        Err(error) => matches!(error.kind(), BrokenPipe | ConnectionReset),
    }
}

#[cfg(unix)]
#[tokio::test]
async fn pipes_and_devices_have_no_length_and_are_read_once() {
    let device = Form::new().part("f", Part::file("/dev/null")).encode().unwrap();
    assert_eq!(device.size_hint().exact(), None);
    assert!(device.try_clone().is_none());
    whole(device).await;

    let (reader, mut writer) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut body =
        Form::new().part("f", Part::std_file(fs::File::from(std::os::fd::OwnedFd::from(reader)))).encode().unwrap();
    assert_eq!(body.size_hint().exact(), None);
    body.frame().await.unwrap().unwrap();
    // What is there goes out at once, the buffer need not be full.
    for piece in ["one", "two"] {
        writer.write_all(piece.as_bytes()).unwrap();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), piece);
    }
    drop(writer);
    assert!(whole_end(body).await.starts_with(b"\r\n--"));
}

async fn whole_end(body: treq_multipart::FormBody) -> Vec<u8> {
    body.collect().await.unwrap().to_bytes().to_vec()
}

#[test]
fn without_a_runtime_a_file_is_an_error_and_the_rest_is_sent() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let form = Form::new().text("a", "b").part("f", Part::file(file.path()));
    let mut body = form.encode().unwrap();
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(matches!(Pin::new(&mut body).poll_frame(cx), Poll::Ready(Some(Ok(_)))));
    let Poll::Ready(Some(Err(error))) = Pin::new(&mut body).poll_frame(cx) else { panic!("no error") };
    assert!(error.to_string().starts_with("part 2, \"f\": files are read on a tokio runtime"), "{error}");

    let mut body = Form::new().text("a", "b").part("r", Part::reader(&b"x"[..])).encode().unwrap();
    while let Poll::Ready(Some(frame)) = Pin::new(&mut body).poll_frame(cx) {
        frame.unwrap();
    }
    assert!(body.is_end_stream());
}

#[test]
fn a_runtime_that_went_away_is_an_error() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut body = Form::new().part("f", Part::file(file.path())).encode().unwrap();
    let handle = runtime.handle().clone();
    runtime.shutdown_background();
    let entered = handle.enter();
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(matches!(Pin::new(&mut body).poll_frame(cx), Poll::Ready(Some(Ok(_)))));
    let Poll::Ready(Some(Err(error))) = Pin::new(&mut body).poll_frame(cx) else { panic!("no error") };
    assert!(error.to_string().contains("the runtime is shutting down"), "{error}");
    drop(entered);
}

#[tokio::test]
async fn a_big_file_passes_through_one_buffer() {
    const CHUNK: usize = 64 * 1024;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let block: Vec<u8> = (0..CHUNK).map(|at| (at % 251) as u8).collect();
    for _ in 0..1024 {
        file.write_all(&block).unwrap();
    }
    let mut body = Form::new().boundary("B").part("f", Part::file(file.path())).encode().unwrap();
    assert!(body.size_hint().exact().unwrap() > 64 << 20);
    let (mut read, mut buffers) = (0, std::collections::HashSet::new());
    while let Some(frame) = body.frame().await {
        let data = frame.unwrap().into_data().unwrap();
        assert!(data.len() <= CHUNK);
        if data.len() == CHUNK {
            assert!(data == block);
            read += data.len();
            buffers.insert(data.as_ptr());
        }
    }
    assert_eq!(read, 64 << 20);
    assert_eq!(buffers.len(), 1, "the buffer is used again once its bytes are gone");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_body_that_is_dropped_has_closed_its_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), vec![0; 300_000]).unwrap();
    let path = file.path().to_owned();
    let open = || {
        let links = fs::read_dir("/proc/self/fd").unwrap().filter_map(|it| fs::read_link(it.unwrap().path()).ok());
        links.filter(|link| *link == path).count()
    };
    let before = open();
    let mut body = Form::new().part("f", Part::file(&path)).encode().unwrap();
    assert_eq!(open(), before, "it is opened when its turn comes");
    body.frame().await.unwrap().unwrap();
    body.frame().await.unwrap().unwrap();
    assert_eq!(open(), before + 1);
    drop(body);
    assert_eq!(open(), before);

    let whole_body = Form::new().part("f", Part::file(&path)).encode().unwrap();
    whole(whole_body).await;
    assert_eq!(open(), before);
}

#[tokio::test]
async fn causes_are_told_with_the_part() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gone.bin");
    fs::write(&path, "x").unwrap();
    let body = Form::new().part("up", Part::file(&path)).encode().unwrap();
    fs::remove_file(&path).unwrap();
    let (_, error) = broken(body).await;
    let told = with_causes(&error);
    assert!(told.starts_with("part 1, \"up\": the file ") && told.contains("gone.bin\" cannot be read <- "), "{told}");
}
