//! `kill -9` in the middle of commits.

use nexus_sqlite::SqliteStore;

use crate::child::{Part, run, whole_batches};
use crate::support::Folder;

/// Kills a process again and again while it commits; each goes on in the same store. What was
/// confirmed is there, and no batch is there in part.
#[test]
fn a_killed_process_loses_nothing_that_was_confirmed() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let mut confirmed = 0;
    for round in 0..25 {
        let mut process = run(Part::Commit, &path);
        // Some are killed while they open the store or begin, the others after a number of commits
        // that differs, and all of them at any point of the next one.
        for _ in 0..(round * 7) % 60 {
            confirmed = process.says().unwrap().parse().unwrap();
        }
        process.kill();
        while let Some(line) = process.says() {
            confirmed = line.parse().unwrap();
        }
        let store = SqliteStore::open(&path).unwrap();
        if confirmed > 0 {
            let there = whole_batches(&store);
            assert!(
                there == confirmed || there == confirmed + 1,
                "{confirmed} were confirmed, {there} are there"
            );
            confirmed = there;
        }
    }
    assert!(confirmed > 100, "it never got far: {confirmed}");
}
