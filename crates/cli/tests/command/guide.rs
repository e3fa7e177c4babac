//! The guide's chapter shows what the command really writes.
//!
//! In a block marked `console`, `$ cat FILE` says what is in a file, and any other `$ nexus ..` is
//! run beside these files; what follows is what a terminal shows.

use std::fs;
use std::path::Path;

use crate::run::TestDir;

const CHAPTER: &str = "../../docs/src/cli.md";

#[test]
fn what_the_guide_shows_is_what_one_sees() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(CHAPTER);
    let chapter = fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
    let dir = TestDir::new("guide");
    let mut written = String::new();
    let mut commands = 0;
    for (at, part) in chapter.split("```console\n").enumerate() {
        if at == 0 {
            written.push_str(part);
            continue;
        }
        let (block, rest) = part.split_once("```\n").unwrap();
        written.push_str("```console\n");
        for entry in block.split("$ ").skip(1) {
            let (command, shown) = entry.split_once('\n').unwrap();
            let words: Vec<&str> = command.split(' ').collect();
            let shown = match words.as_slice() {
                ["cat", file] => {
                    dir.file(file, shown);
                    shown.to_owned()
                }
                ["nexus", args @ ..] => {
                    commands += 1;
                    let result = dir.run(args);
                    result.out + &result.err
                }
                _ => panic!("`{command}` is not known here"),
            };
            written += "$ ";
            written += command;
            written += "\n";
            written += &shown;
        }
        written.push_str("```\n");
        written.push_str(rest);
    }
    assert!(commands >= 8, "{commands}");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &written).unwrap();
        return;
    }
    assert!(chapter == written, "the chapter should be:\n{written}");
}
