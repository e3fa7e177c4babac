//! What must compile without a warning, in `tests/ui/pass/`: odd and strict users. Each file is a
//! program, whose `main` runs.
//!
//! They are modules of one program without a test harness, in which `missing_docs` would not look.
#![allow(missing_docs, missing_debug_implementations, unreachable_pub, unused_qualifications)]
#![allow(clippy::all, clippy::pedantic, clippy::restriction, reason = "each says what it denies")]

#[path = "ui/pass/borrowed.rs"]
pub mod borrowed;
#[path = "ui/pass/durable.rs"]
pub mod durable;
#[path = "ui/pass/own_names.rs"]
pub mod own_names;
#[path = "ui/pass/process.rs"]
pub mod process;
#[path = "ui/pass/renamed.rs"]
pub mod renamed;
#[path = "ui/pass/settings.rs"]
pub mod settings;
#[path = "ui/pass/shapes.rs"]
pub mod shapes;
#[path = "ui/pass/strict.rs"]
pub mod strict;

fn main() -> nexus::Result<()> {
    let this = include_str!("pass.rs");
    for file in std::fs::read_dir("tests/ui/pass").expect("the folder") {
        let name = file.expect("an entry").file_name();
        let path = format!("\"ui/pass/{}\"", name.to_string_lossy());
        assert!(this.contains(&path), "{path} is not compiled");
    }
    borrowed::main();
    durable::main();
    own_names::main();
    process::main();
    renamed::main();
    settings::main();
    strict::main();
    shapes::main()
}
