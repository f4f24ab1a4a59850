//! What one small GET costs each client, in instructions and allocations; then what some things cost beside others.
//!
//! Each program runs under callgrind with fewer and with more rounds: the difference is free of what starting costs. What
//! exactly is compared is said in the documentation of `treq-bench`. Last, what 10,000 requests in memory take.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Instant;

use crate::debian;
use crate::metadata::Metadata;
use crate::run::{Outcome, cargo, command, flag, no_more, output, shown, to_end};

struct Client {
    name: &'static str,
    /// The instructions that it may take, as a multiple of bare hyper's.
    limit: Option<f64>,
}

/// The first is what the others are measured by.
const CLIENTS: &[Client] = &[
    Client { name: "hyper", limit: None },
    Client { name: "hyper-util", limit: None },
    Client { name: "reqwest", limit: None },
    Client { name: "agent", limit: Some(1.3) },
    Client { name: "treq", limit: Some(1.5) },
];

const FEW: u64 = 1_000;
const MANY: u64 = 2_000;

/// What is timed, and how often; the number of turns is odd.
const REQUESTS: u64 = 10_000;
const TURNS: usize = 5;

/// Two runs of one program.
struct Pair {
    name: &'static str,
    program: &'static str,
    floor: &'static str,
    other: &'static str,
    /// Fewer rounds and more.
    rounds: (u64, u64),
    /// The instructions that `other` may take, as a multiple of those of `floor`.
    limit: f64,
}

const PAIRS: &[Pair] = &[
    Pair {
        name: "GET, full jar",
        program: "fetch",
        floor: "jar-10",
        other: "jar-100000",
        rounds: (FEW, MANY),
        limit: 1.2,
    },
    Pair {
        name: "10 MiB of gzip",
        program: "gunzip",
        floor: "flate2",
        other: "treq-decode",
        rounds: (1, 2),
        limit: 1.2,
    },
];

/// What one request costs.
struct Cost {
    instructions: f64,
    allocations: f64,
}

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let mut arguments = arguments.to_vec();
    if !flag(&mut arguments, "--instructions") {
        return Err("say what to measure: --instructions".to_owned());
    }
    let check = flag(&mut arguments, "--check");
    no_more(&arguments)?;
    debian::provide(&[debian::VALGRIND])?;
    to_end(&mut cargo(&["build", "-q", "--release", "-p", "treq-bench", "--bins"])?)?;

    let bench = Bench::start(&Metadata::load()?.target)?;
    let mut over = clients(&bench)?;
    println!();
    over.extend(pairs(&bench)?);
    println!();
    over.extend(in_memory(&bench)?);
    if check && !over.is_empty() { Err(over.join("; ")) } else { Ok(()) }
}

/// Prints what a GET costs each client; which of them are over their limits.
fn clients(bench: &Bench) -> Outcome<Vec<String>> {
    let costs = CLIENTS.iter().map(|client| bench.cost(client.name)).collect::<Outcome<Vec<_>>>()?;
    let floor = costs[0].instructions;
    println!("{:<12} {:>16} {:>10} {:>8} {:>15}", "client", "instructions/GET", "x hyper", "limit", "allocations/GET");
    let mut over = Vec::new();
    for (client, cost) in CLIENTS.iter().zip(&costs) {
        let ratio = cost.instructions / floor;
        let limit = client.limit.map_or("-".to_owned(), |limit| format!("{limit:.2}"));
        let Cost { instructions, allocations } = cost;
        println!("{:<12} {instructions:>16.0} {ratio:>10.2} {limit:>8} {allocations:>15.1}", client.name);
        if let Some(limit) = client.limit.filter(|limit| ratio > *limit) {
            over.push(format!("{} takes {ratio:.2} x bare hyper, at most {limit:.2} may be", client.name));
        }
    }
    Ok(over)
}

/// Prints each pair; which of them are over their limits.
fn pairs(bench: &Bench) -> Outcome<Vec<String>> {
    println!("{:<16} {:>12} {:>12} {:>8} {:>8}", "what", "instructions", "beside", "x", "limit");
    let mut over = Vec::new();
    for Pair { name, program, floor, other, rounds, limit } in PAIRS {
        let place = if *program == "gunzip" { bench.gzip()? } else { bench.url.clone() };
        let round = |word| bench.round(program, word, *rounds, &place);
        let (least, cost) = (round(floor)?, round(other)?);
        let ratio = cost / least;
        println!("{name:<16} {cost:>12.0} {least:>12.0} {ratio:>8.3} {limit:>8.2}");
        if ratio > *limit {
            over.push(format!("{name}: {other} takes {ratio:.3} x {floor}, at most {limit:.2} may be"));
        }
    }
    Ok(over)
}

/// Prints how long requests in memory take beside bare hyper's over loopback; the complaint where it is longer.
///
/// Time, since what memory spares is the kernel's work: programs run in turn, and the median of the ratios counts.
fn in_memory(bench: &Bench) -> Outcome<Option<String>> {
    let mut turns = Vec::new();
    to_end(&mut cargo(&["build", "-q", "--release", "-p", "treq-bench", "--features", "memory", "--bin", "memory"])?)?;
    for _ in 0..TURNS {
        let memory = bench.seconds("memory", &[&REQUESTS.to_string()])?;
        turns.push((memory, bench.seconds("fetch", &["hyper", &REQUESTS.to_string(), &bench.url])?));
    }
    turns.sort_by(|(memory, loopback), (other, its)| (memory / loopback).total_cmp(&(other / its)));
    let (memory, loopback) = turns[TURNS / 2];
    let ratio = memory / loopback;
    println!("{:<16} {:>12} {:>12} {:>8} {:>8}", "10,000 requests", "in memory", "loopback", "x", "limit");
    println!("{:<16} {memory:>10.3} s {loopback:>10.3} s {ratio:>8.3} {:>8.2}", "treq, hyper", 1.0);
    Ok((ratio > 1.0).then(|| format!("requests in memory take {ratio:.3} x bare hyper's over loopback")))
}

/// The server, in a process of its own, and where the clients' programs are. The server ends when its input does.
struct Bench {
    server: Child,
    url: String,
    programs: PathBuf,
    reports: PathBuf,
}

impl Bench {
    fn start(target: &Path) -> Outcome<Self> {
        let programs = target.join("release");
        let reports = target.join("bench");
        std::fs::create_dir_all(&reports).map_err(|error| format!("{}: {error}", reports.display()))?;
        let mut serve = command(programs.join("serve"), &[])?;
        let failed = |error: std::io::Error| format!("`serve`: {error}");
        let server = serve.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let mut bench = Self { server, url: String::new(), programs, reports };
        let mut address = String::new();
        let said = bench.server.stdout.take().ok_or("`serve` has no output")?;
        BufReader::new(said).read_line(&mut address).map_err(failed)?;
        bench.url = match address.trim() {
            "" => return Err("`serve` ended without an address".to_owned()),
            address => format!("http://{address}/get"),
        };
        Ok(bench)
    }

    fn cost(&self, client: &str) -> Outcome<Cost> {
        let (few, many) = (self.allocations(client, FEW)?, self.allocations(client, MANY)?);
        Ok(Cost {
            instructions: self.round("fetch", client, (FEW, MANY), &self.url)?,
            allocations: each((few, many), (FEW, MANY)),
        })
    }

    /// How long a program takes, its start and its end with it.
    fn seconds(&self, program: &str, arguments: &[&str]) -> Outcome<f64> {
        let mut command = command(self.programs.join(program), arguments)?;
        let start = Instant::now();
        output(&mut command)?;
        Ok(start.elapsed().as_secs_f64())
    }

    /// A file of gzip, made by a program that is not measured.
    fn gzip(&self) -> Outcome<String> {
        let file = self.reports.join("log.gz").display().to_string();
        output(&mut command(self.programs.join("gunzip"), &["write", &file])?)?;
        Ok(file)
    }

    /// The instructions of one round.
    fn round(&self, program: &str, word: &str, (few, many): (u64, u64), place: &str) -> Outcome<f64> {
        let count = |rounds: u64| self.instructions(program, word, rounds, place);
        Ok(each((count(few)?, count(many)?), (few, many)))
    }

    fn instructions(&self, program: &str, word: &str, rounds: u64, place: &str) -> Outcome<u64> {
        let report = self.reports.join(format!("callgrind.{word}.{rounds}"));
        let log = self.reports.join(format!("callgrind.{word}.{rounds}.log"));
        let mut valgrind = command("valgrind", &["--tool=callgrind"])?;
        valgrind.arg(format!("--callgrind-out-file={}", report.display())).arg(format!("--log-file={}", log.display()));
        valgrind.arg(self.programs.join(program)).args([word, &rounds.to_string(), place]);
        output(&mut valgrind)?;
        let text = std::fs::read_to_string(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        collected(&text).ok_or_else(|| format!("`{}` counted nothing: {}", shown(&valgrind), log.display()))
    }

    fn allocations(&self, client: &str, count: u64) -> Outcome<u64> {
        let mut counter = command(self.programs.join("count"), &[client, &count.to_string(), &self.url])?;
        let said = output(&mut counter)?;
        allocations(&said).ok_or_else(|| format!("`{}` printed no `allocations: N`", shown(&counter)))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        if let Err(error) = self.server.wait() {
            eprintln!("`serve`: {error}");
        }
    }
}

/// What one round adds.
fn each((few, many): (u64, u64), rounds: (u64, u64)) -> f64 {
    (many as f64 - few as f64) / (rounds.1 - rounds.0) as f64
}

/// `==PID== Collected : N`, callgrind's sum.
fn collected(log: &str) -> Option<u64> {
    let mut lines = log.lines().filter_map(|line| line.split_once("Collected :"));
    lines.next_back().and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok())
}

fn allocations(said: &str) -> Option<u64> {
    said.lines().find_map(|line| line.trim().strip_prefix("allocations: ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_callgrind_counted() {
        let log = "==7== Callgrind, a call-graph generating cache profiler\n==7== Events    : Ir\n\
                   ==7== Collected : 24816221\n==7== \n==7== I   refs:      24,816,221\n";
        assert_eq!(collected(log), Some(24_816_221));
        assert_eq!(collected("==7== Process terminating\n"), None);
    }

    #[test]
    fn reads_what_fetch_counted() {
        assert_eq!(allocations("allocations: 17042\n"), Some(17_042));
        assert_eq!(allocations("allocations per request: 17\n"), None);
    }

    #[test]
    fn a_round_is_free_of_what_starting_costs() {
        assert_eq!(each((1_100, 2_100), (10, 20)), 100.0);
    }

    #[test]
    fn the_floor_comes_first() {
        assert_eq!(CLIENTS[0].name, "hyper");
    }
}
