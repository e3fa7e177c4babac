//! What 10,000 clients that ask for news, and then do nothing, cost everybody else.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use nexus_core::Engine;
use nexus_core::journal::MemoryStore;
use nexus_dashboard::Dashboard;

use crate::Result;
use crate::client::{get, listen};

/// The first argument of a process that is many such clients.
pub(crate) const ROLE: &str = "idle";

/// So many processes, and so many clients in each: a process may have a thousand sockets, as a rule.
const PROCESSES: usize = 20;
const CLIENTS: usize = 500;

pub(crate) fn measure() -> Result<()> {
    let engine = Engine::builder().store(MemoryStore::new()).build()?;
    let server = Dashboard::new().serve(&engine, "127.0.0.1:0".parse()?)?;
    let address = server.address();
    get(address, "/runs")?;
    let before = memory()?;
    let mut clients = Clients(Vec::new());
    let mut told = 0;
    for _ in 0..PROCESSES {
        let mut command = Command::new(std::env::current_exe()?);
        let command = command.args([ROLE, &address.to_string()]);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let said = process.stdout.take();
        clients.0.push(process);
        let mut line = String::new();
        said.map(BufReader::new).ok_or("no pipe")?.read_line(&mut line)?;
        told += line.trim().parse::<usize>()?;
    }
    let begun = Instant::now();
    get(address, "/runs")?;
    println!(
        "\n{} idle clients: {told} are told the news, the others that there is no place; `/runs` takes {:.2} ms beside them, and the process has {} KiB more",
        PROCESSES * CLIENTS,
        begun.elapsed().as_secs_f64() * 1e3,
        memory()?.saturating_sub(before)
    );
    Ok(())
}

struct Clients(Vec<Child>);

impl Drop for Clients {
    fn drop(&mut self) {
        for process in &mut self.0 {
            drop(process.stdin.take());
            let _ = process.wait();
        }
    }
}

/// The memory of this process in KiB.
fn memory() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).ok_or("no `VmRSS`")?;
    Ok(kib.parse()?)
}

/// Is clients that keep what they have until the standard input ends.
pub(crate) fn be(address: SocketAddr) -> Result<()> {
    let mut kept = Vec::new();
    let mut told = 0;
    for _ in 0..CLIENTS {
        let mut stream = listen(address)?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        match &status {
            b"HTTP/1.1 200" => told += 1,
            b"HTTP/1.1 503" => {}
            other => return Err(String::from_utf8_lossy(other).into_owned().into()),
        }
        kept.push(stream);
    }
    println!("{told}");
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
