//! New files under every usual umask, each in a process of its own: the umask is the process's.

use std::fs;
use std::process::Command;

use crate::{WRITERS, Writer, folder, mode};

const MASK: &str = "TREQ_FILE_UMASK";

#[test]
fn new_files_have_what_the_umask_leaves() {
    if std::env::var_os(MASK).is_some() {
        return under_this_umask();
    }
    let own = std::env::current_exe().unwrap();
    for mask in ["000", "002", "022", "027", "077"] {
        let script = format!("umask {mask}; exec \"$0\" --exact umask::new_files_have_what_the_umask_leaves");
        let run = Command::new("sh").args(["-c", &script]).arg(&own).env(MASK, mask).output().unwrap();
        assert!(run.status.success(), "{mask}: {}", String::from_utf8_lossy(&run.stdout));
        assert!(String::from_utf8_lossy(&run.stdout).contains("1 passed"), "{mask}");
    }
}

fn under_this_umask() {
    let mask = u32::from_str_radix(&std::env::var(MASK).unwrap(), 8).unwrap();
    for writer in WRITERS {
        let (_folder, path) = folder();
        writer.write(&path, "new").unwrap();
        let most = if writer == Writer::Private { 0o600 } else { 0o666 };
        assert_eq!(mode(&path), most & !mask, "{writer:?} under {mask:o}");
        // What is replaced has its own, whatever the umask.
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        writer.write(&path, "newer").unwrap();
        assert_eq!(mode(&path), 0o600, "{writer:?} under {mask:o}");
    }
}
