//! Full disks and files that may not be written.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nexus_core::journal::{RunQuery, Store};
use nexus_sqlite::SqliteStore;

use crate::child::{Part, Running, batch, begin, command, command_of, run, whole_batches};
use crate::support::{Folder, start};

/// A file system in memory, unmounted at the end.
struct Tmpfs(PathBuf);

impl Tmpfs {
    /// None where this user may not mount one.
    fn mount(at: &Path, options: &str) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at);
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then(|| Self(at.to_owned()))
    }

    fn remount(&self, options: &str) {
        let mut mount = Command::new("mount");
        mount.args(["-o", &format!("remount,{options}")]).arg(&self.0);
        assert!(mount.status().unwrap().success());
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

/// What [`Part::Fill`] says: nothing is lost, and the second commit fails as the first did.
fn fills_up(mut process: Running, expected: &str) -> u64 {
    let confirmed: u64 = process.says().unwrap().parse().unwrap();
    assert!(confirmed > 0);
    let error = process.says().unwrap();
    assert!(error.contains("cannot write to the store `") && error.contains(expected), "{error}");
    assert!(error.contains("every run goes on from its last safe record"), "{error}");
    assert_eq!(process.says().unwrap(), error);
    assert_eq!(process.says().unwrap().parse::<u64>().unwrap(), confirmed);
    process.wait();
    confirmed
}

fn goes_on(path: &Path, confirmed: u64) {
    let store = SqliteStore::open(path).unwrap();
    assert_eq!(whole_batches(&store), confirmed);
    store.commit(&batch(confirmed + 1)).unwrap();
}

#[test]
fn a_full_disk_stops_the_writing_and_loses_nothing() {
    let folder = Folder::new();
    let at = folder.file("small");
    let Some(disk) = Tmpfs::mount(&at, "size=700k") else {
        eprintln!("not tested: only root may mount a file system");
        return;
    };
    let path = at.join("orders.db");
    let confirmed = fills_up(run(Part::Fill, &path), "database or disk is full. Make room");
    let mut process = run(Part::Read, &path);
    assert_eq!(process.says().unwrap(), "3", "it can still be read");
    drop(process);
    disk.remount("size=4m");
    goes_on(&path, confirmed);
}

#[test]
fn a_disk_without_room_for_a_store() {
    let folder = Folder::new();
    let at = folder.file("small");
    let Some(disk) = Tmpfs::mount(&at, "size=8k") else {
        eprintln!("not tested: only root may mount a file system");
        return;
    };
    let path = at.join("orders.db");
    let error = run(Part::Open, &path).says().unwrap();
    assert!(error.contains("cannot create the store `") && error.contains("Make room"), "{error}");
    assert!(!path.exists());
    disk.remount("size=4m");
    SqliteStore::open(&path).unwrap();
}

#[test]
fn a_limit_to_the_size_of_files_does_the_same() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let limited = command(Part::Fill, &path);
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 400; exec \"$0\" \"$@\""]);
    shell.arg(limited.get_program()).args(limited.get_args());
    shell.envs(limited.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let confirmed = fills_up(begin(shell), "or a limit to the size of files was reached");
    goes_on(&path, confirmed);
}

/// What a user without rights is told.
fn as_nobody(part: Part, path: &Path) -> String {
    if !rustix::process::geteuid().is_root() {
        return begin(command(part, path)).says().unwrap();
    }
    // This binary's own path may lead through folders that others may not enter.
    let mut command = command_of(Path::new("/proc/self/exe"), part, path);
    command.uid(65_534).gid(65_534);
    begin(command).says().unwrap()
}

fn with_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_store_that_may_only_be_read() {
    let folder = Folder::new();
    let path = folder.file("orders.db");
    let store = SqliteStore::open(&path).unwrap();
    store.commit(&[start("a")]).unwrap();
    drop(store);
    let _writable_at_the_end = Restore(folder.path());
    with_mode(&folder.file("orders.db-owner"), 0o666);

    // The file alone.
    with_mode(&path, 0o444);
    with_mode(folder.path(), 0o777);
    let error = as_nobody(Part::Open, &path);
    assert!(error.contains("write-protected: give this user the right to write"), "{error}");
    assert_eq!(as_nobody(Part::Read, &path), "1");

    // Its folder, too, where nobody else reads. SQLite needs files of its own beside it even to read.
    for suffix in ["-wal", "-shm"] {
        fs::remove_file(folder.file(&format!("orders.db{suffix}"))).unwrap();
    }
    with_mode(folder.path(), 0o555);
    for part in [Part::Open, Part::Read] {
        let error = as_nobody(part, &path);
        assert!(error.contains("Its folder is write-protected, and SQLite makes"), "{error}");
    }
    // With an owner, they are there.
    let owner = SqliteStore::open(&path).ok();
    if let Some(owner) = owner {
        owner.commit(&[start("b")]).unwrap();
        for suffix in ["-wal", "-shm"] {
            with_mode(&folder.file(&format!("orders.db{suffix}")), 0o444);
        }
        assert_eq!(as_nobody(Part::Read, &path), "2");
        assert_eq!(owner.runs(&RunQuery::all()).unwrap().len(), 2);
    }
}

#[test]
fn a_folder_that_may_not_be_written_in() {
    let folder = Folder::new();
    let _writable_at_the_end = Restore(folder.path());
    with_mode(folder.path(), 0o555);
    let error = as_nobody(Part::Open, &folder.file("orders.db"));
    assert!(error.contains("cannot lock `") && error.contains("Permission denied"), "{error}");
    assert!(error.contains("orders.db-owner"), "{error}");
}

struct Restore<'a>(&'a Path);

impl Drop for Restore<'_> {
    fn drop(&mut self) {
        let _ = fs::set_permissions(self.0, Permissions::from_mode(0o755));
    }
}
