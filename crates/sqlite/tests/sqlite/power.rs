//! A loss of power: what SQLite has not synced may be on the disk or not, sector by sector.
//!
//! The files are copied whenever a commit has returned. Between two copies, SQLite first appends to
//! its log and syncs it; then the commit is safe; from time to time it goes on to copy the log's
//! pages into the database and syncs that. So a cut of the power leaves the files of the first copy
//! with any of the log's sectors that differ; or the second copy's log, and the first one's
//! database with any of the sectors that differ.

use std::fs;
use std::path::Path;

use nexus_core::journal::Store;
use nexus_sqlite::{Durability, SqliteStore};

use crate::child::{batch, begin_runs, whole_batches};
use crate::support::Folder;

const SECTOR: usize = 512;
const COMMITS: u64 = 400;
const CUTS_A_COMMIT: usize = 4;

/// The files as they are at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    pub(crate) database: Vec<u8>,
    pub(crate) log: Vec<u8>,
}

impl Disk {
    pub(crate) fn read(path: &Path) -> Self {
        let log = fs::read(log_of(path)).unwrap_or_default();
        Self { database: fs::read(path).unwrap(), log }
    }

    pub(crate) fn write(&self, path: &Path) {
        fs::write(path, &self.database).unwrap();
        fs::write(log_of(path), &self.log).unwrap();
        let _ = fs::remove_file(path.with_extension("db-shm"));
    }
}

fn log_of(path: &Path) -> std::path::PathBuf {
    path.with_extension("db-wal")
}

/// Numbers that are the same in each run (xorshift).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize
    }
}

/// A file on its way from `before` to `after`: up to a byte where the writing was cut off, or with
/// any of the sectors written.
pub(crate) fn torn(before: &[u8], after: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let differ = |at: usize| {
        let end = |file: &[u8]| (at + SECTOR).min(file.len());
        before.get(at..end(before)) != after.get(at..end(after))
    };
    let changed: Vec<usize> = (0..after.len()).step_by(SECTOR).filter(|at| differ(*at)).collect();
    let mut file = before.to_vec();
    let write = |at: usize, end: usize, file: &mut Vec<u8>| {
        if file.len() < end {
            file.resize(end, 0); // a longer file whose data did not make it
        }
        file[at..end].copy_from_slice(&after[at..end]);
    };
    if changed.is_empty() {
        return file;
    }
    let some_only = numbers.next().is_multiple_of(2);
    let first = changed[0];
    let cut = first + numbers.next() % (changed[changed.len() - 1] + SECTOR - first);
    for at in changed {
        let end = (at + SECTOR).min(after.len());
        if some_only {
            if numbers.next().is_multiple_of(2) {
                write(at, end, &mut file);
            }
        } else if at < cut {
            write(at, end.min(cut), &mut file);
        }
    }
    file
}

/// Commits, and gives the files before the first and after each.
fn history(durability: Durability) -> Vec<Disk> {
    let folder = Folder::fast();
    let path = folder.file("orders.db");
    let store = SqliteStore::open_with(&path, durability).unwrap();
    begin_runs(&store).unwrap();
    let mut disks = vec![Disk::read(&path)];
    for number in 1..=COMMITS {
        store.commit(&batch(number)).unwrap();
        disks.push(Disk::read(&path));
    }
    disks
}

fn found_on(disk: &Disk, path: &Path) -> u64 {
    disk.write(path);
    whole_batches(&SqliteStore::open(path).unwrap())
}

#[test]
fn a_loss_of_power_costs_nothing_that_was_confirmed() {
    let disks = history(Durability::PowerLoss);
    let folder = Folder::fast();
    let path = folder.file("orders.db");
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let (mut cuts, mut lost, mut checkpoints) = (0, 0, 0);
    for (confirmed, pair) in disks.windows(2).enumerate() {
        let (before, after) = (&pair[0], &pair[1]);
        let confirmed = confirmed as u64;
        for _ in 0..CUTS_A_COMMIT {
            let log = torn(&before.log, &after.log, &mut numbers);
            let found = found_on(&Disk { database: before.database.clone(), log }, &path);
            assert!(found == confirmed || found == confirmed + 1, "{found} of {confirmed}");
            lost += u64::from(found == confirmed);
            cuts += 1;
        }
        if before.database != after.database {
            checkpoints += 1;
            for _ in 0..20 {
                let database = torn(&before.database, &after.database, &mut numbers);
                let found = found_on(&Disk { database, log: after.log.clone() }, &path);
                assert_eq!(found, confirmed + 1);
                cuts += 1;
            }
        }
    }
    assert!(cuts >= 1_000 && lost >= 500 && checkpoints >= 1, "{cuts} {lost} {checkpoints}");
}

/// Without a sync for each commit, several commits may be lost, from the last one backwards, but
/// none that a checkpoint has put into the database, and none in part.
#[test]
fn without_syncs_a_loss_of_power_costs_the_last_commits_whole() {
    let disks = history(Durability::ProcessCrash);
    let folder = Folder::fast();
    let path = folder.file("orders.db");
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    let mut lost = 0;
    for last in (10..disks.len()).step_by(2) {
        let (before, after) = (&disks[last - 10], &disks[last]);
        if before.database != after.database {
            continue; // SQLite has synced the log on the way, and begun it anew
        }
        let log = torn(&before.log, &after.log, &mut numbers);
        let found = found_on(&Disk { database: before.database.clone(), log }, &path);
        assert!(found >= last as u64 - 10 && found <= last as u64, "{found} of {last}");
        lost += last as u64 - found;
    }
    assert!(lost > 0);
}
