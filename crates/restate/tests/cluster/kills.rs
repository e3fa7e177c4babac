//! Workers that are killed in the middle of runs.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use nexus_restate::Prepared;

use crate::program::SlowPipeline;
use crate::support::{WorkerProcess, cluster, free_address, new_key, wait_until};

/// How often workers are killed: more often if one has the time.
fn kills() -> usize {
    std::env::var("NEXUS_CLUSTER_KILLS").map_or(5, |n| n.parse().unwrap())
}

fn moment(count: usize) -> Duration {
    Duration::from_millis(count as u64 * 37 % 130)
}

/// Waits for a run's end; nothing of it is lost, and a kill has a step invoked once more at most.
fn ends_right(run: Prepared, workers: &[WorkerProcess], kills: usize) {
    let report = run.run().unwrap();
    assert!(report.is_success(), "{report}");
    let run = report.run_id().to_string();
    let mut times: HashMap<String, usize> = HashMap::new();
    let invoked = workers.iter().flat_map(WorkerProcess::invoked);
    // What was left of other runs may come in between.
    for line in invoked.filter(|line| line.starts_with(&run)) {
        *times.entry(line).or_default() += 1;
    }
    assert_eq!(times.len(), 10, "{times:?}");
    let again: usize = times.values().map(|times| times - 1).sum();
    assert!(again <= kills, "{kills} kills, and {times:?}");
    assert!(report.steps().all(|step| step.attempts() == 1), "a kill is no attempt");
}

pub(crate) fn a_killed_worker_loses_nothing() {
    let mut workers = [WorkerProcess::start()];
    let cluster = cluster();
    let (mut done, kills) = (0, kills());
    while done < kills {
        let key = new_key("killed");
        let slow = || cluster.prepare(SlowPipeline { millis: 60 }).unwrap().key(&*key);
        slow().send().unwrap();
        for _ in 0..3 {
            std::thread::sleep(moment(done));
            workers[0].kill();
            workers[0].restart();
            done += 1;
        }
        ends_right(slow(), &workers, 3);
    }
    println!("{done} kills of the only worker, none lost");
}

/// A balancer before two workers.
struct Balancer {
    child: Child,
    configuration: PathBuf,
}

impl Balancer {
    fn start(address: &str, workers: &[String; 2]) -> Self {
        let configuration = std::env::temp_dir().join(new_key("nexus-balancer"));
        let [one, two] = workers;
        let text = format!(
            "defaults\n mode http\n timeout connect 1s\n timeout client 1d\n timeout server 1d\n \
             option redispatch 1\n\
             frontend cluster\n bind {address} proto h2\n default_backend workers\n\
             backend workers\n balance roundrobin\n \
             server one {one} proto h2 check inter 200ms fall 2 rise 1\n \
             server two {two} proto h2 check inter 200ms fall 2 rise 1\n"
        );
        std::fs::write(&configuration, text).unwrap();
        let mut haproxy = Command::new("haproxy");
        haproxy.args(["-db", "-q", "-f"]).arg(&configuration);
        Self { child: haproxy.spawn().expect("HAProxy is installed"), configuration }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.configuration);
    }
}

pub(crate) fn a_run_goes_on_at_another_worker() {
    let (balanced, addresses) = (free_address(), [free_address(), free_address()]);
    let _balancer = Balancer::start(&balanced, &addresses);
    let start = |address| WorkerProcess::start_at(address, balanced.clone(), &[]);
    let mut workers = addresses.clone().map(start);
    let cluster = cluster();
    let kills = kills();
    for kill in 0..kills {
        let key = new_key("balanced");
        let slow = || cluster.prepare(SlowPipeline { millis: 20 }).unwrap().key(&*key);
        slow().send().unwrap();
        std::thread::sleep(moment(kill));
        workers[kill % 2].kill();
        // Nobody starts it again before the run is over.
        ends_right(slow(), &workers, 1);
        workers[kill % 2].restart();
        wait_until("the worker does not listen", || {
            std::net::TcpStream::connect(&addresses[kill % 2]).is_ok()
        });
    }
    for worker in &workers {
        assert!(!worker.invoked().is_empty(), "both have work to do");
    }
    println!("{kills} kills of one of two workers, none lost");
}
