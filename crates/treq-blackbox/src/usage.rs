//! What this process has used of the machine.

/// Figures of this process; none where the system does not tell.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// The most memory that was resident at once, in MiB.
    pub peak_mb: Option<u64>,
    /// Time on processors, user and system.
    pub cpu_ms: Option<u64>,
}

/// The figures so far, out of `/proc`.
pub fn of_this_process() -> Usage {
    let peak_mb = std::fs::read_to_string("/proc/self/status").ok().and_then(|status| peak_mb(&status));
    let cpu_ms = std::fs::read_to_string("/proc/self/stat").ok().and_then(|stat| cpu_ms(&stat));
    Usage { peak_mb, cpu_ms }
}

fn peak_mb(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? / 1024)
}

/// Fields 14 and 15 count ticks, of which user space sees 100 in a second on every Linux. The second field, a name in
/// parentheses, may have blanks in it.
fn cpu_ms(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) * 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_proc_says() {
        assert_eq!(peak_mb("Name:\tx\nVmHWM:\t   20480 kB\nVmRSS:\t 1 kB\n"), Some(20));
        let stat = "7 (a ) b) S 1 2 3 4 5 6 7 8 9 10 12 30 0 0 20";
        assert_eq!(cpu_ms(stat), Some(420));
        assert!(of_this_process().peak_mb.is_some_and(|mb| mb > 0));
    }
}
