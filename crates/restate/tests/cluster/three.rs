//! A cluster of three nodes. Of those, the one that leads most is killed, and started again.

use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Instant;

use crate::program::SlowPipeline;
use crate::support::{WorkerProcess, addresses, cluster, new_key, text_of, wait_until};

/// How many runs are in flight when a node is killed.
const RUNS: usize = 100;

/// How many partitions the cluster has, each with a leader: as `ci/cluster.sh` says.
const PARTITIONS: usize = 4;

/// Where a node says which partitions it leads: how many, or, in older versions, of each whether it does.
const LEADERS: [&str; 2] =
    ["restate_num_active_partition_leaders{", "restate_partition_is_effective_leader{"];

/// A node of the cluster; one that was started here ends with this.
pub(crate) struct Node {
    pid: String,
    number: usize,
    url: String,
    /// The node that was started here in place of the first one.
    again: Option<Child>,
}

impl Node {
    /// How many partitions it leads.
    fn leads(&self) -> usize {
        let metrics = text_of(&format!("{}/metrics", self.url));
        let led = metrics.lines().filter(|line| LEADERS.iter().any(|name| line.starts_with(name)));
        led.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
    }

    pub(crate) fn kill(&mut self) {
        assert!(Command::new("kill").args(["-KILL", &self.pid]).status().unwrap().success());
        if let Some(mut child) = self.again.take() {
            child.wait().unwrap();
        }
        // As long as it dies it has its ports. It is the script that waits for it.
        wait_until("a killed node does not end", || {
            let state = std::fs::read_to_string(format!("/proc/{}/stat", self.pid));
            state.map_or(true, |state| state.contains(") Z "))
        });
    }

    /// Starts it until it is there: a connection that the killed one had may keep a port for a minute.
    pub(crate) fn restart_at_last(&mut self) {
        loop {
            self.restart();
            let (url, mut is_over) = (format!("{}/metrics", self.url), false);
            wait_until("a node neither begins nor ends", || {
                let ended = self.again.as_mut().map(|child| child.try_wait().unwrap());
                is_over = ended.flatten().is_some();
                is_over || LEADERS.iter().any(|name| text_of(&url).contains(name))
            });
            if !is_over {
                return;
            }
        }
    }

    pub(crate) fn restart(&mut self) {
        let folder = PathBuf::from(addresses("NEXUS_CLUSTER_FOLDER").swap_remove(0));
        let server = addresses("NEXUS_CLUSTER_SERVER").swap_remove(0);
        let mut command = Command::new(server);
        command.arg("--no-logo").arg("--config-file");
        command.arg(folder.join(format!("node-{}.toml", self.number)));
        let log = std::fs::File::create(folder.join(format!("node-{}.again.log", self.number)));
        let log = log.unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.spawn().unwrap();
        self.pid = child.id().to_string();
        self.again = Some(child);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(child) = &mut self.again {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The nodes of `ci/cluster.sh`.
pub(crate) fn nodes() -> Vec<Node> {
    let pids = addresses("NEXUS_CLUSTER_PIDS").into_iter().zip(addresses("NEXUS_CLUSTER_NODES"));
    let node = |((pid, url), number)| Node { pid, number, url, again: None };
    pids.zip(1..).map(node).collect()
}

/// Whether each partition has a leader.
fn all_are_led(nodes: &[Node]) -> bool {
    nodes.iter().map(Node::leads).sum::<usize>() == PARTITIONS
}

pub(crate) fn a_killed_leader_loses_nothing() {
    let mut nodes = nodes();
    let worker = WorkerProcess::start();
    let cluster = cluster();
    // With a thread of its own, on which the runs go on while this one waits.
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
    let mut kills = 0;
    // Where this process stands still for long, all runs are over before a node is killed.
    for _ in 0..10 {
        wait_until("a partition has no leader", || all_are_led(&nodes));
        let (begin, before) = (Instant::now(), worker.invoked().len());
        let (number, leads) = runtime.block_on(async {
            let runs: Vec<_> = (0..RUNS)
                .map(|run| {
                    let prepared = cluster.prepare(SlowPipeline { millis: 40 }).unwrap();
                    tokio::spawn(prepared.key(new_key(&format!("node-{run}"))).run_async())
                })
                .collect();
            wait_until("the runs do not go on", || worker.invoked().len() >= before + 3 * RUNS);
            kills += usize::from(runs.iter().any(|run| !run.is_finished()));
            let leader = (0..nodes.len()).max_by_key(|at| nodes[*at].leads()).unwrap();
            let killed = (nodes[leader].number, nodes[leader].leads());
            nodes[leader].kill();
            wait_until("the others do not lead", || all_are_led(&nodes));
            nodes[leader].restart();
            for run in runs {
                let report = run.await.unwrap().unwrap();
                assert!(report.is_success(), "{report}");
            }
            killed
        });
        let took = begin.elapsed().as_secs_f64();
        println!(
            "node {number} killed, the leader of {leads} partitions: {RUNS} of {RUNS} runs ended right, {took:.1} s"
        );
        if kills == 3 {
            return;
        }
    }
    panic!("fewer than three nodes were killed while runs were in flight");
}
