//! References to what has no size, and types of the user's own with the same names.
#![deny(warnings)]

use std::sync::Arc;

use nexus::prelude::*;

/// A `Path` of the user's own, which is not even `Clone`.
struct Path(u32);
type Numbers = [u32];

#[event]
fn own_path(path: &Path, numbers: &Numbers) -> Outcome<String> {
    Outcome::success(format!("{}{}", path.0, numbers.len()))
}
#[event]
fn text(#[piped] text: &str, label: &'static str) -> Outcome<Option<Path>> {
    Outcome::success(text.strip_prefix(label).map(|_| Path(1)))
}
#[event]
fn maybe(#[piped] path: Option<&Path>, boxed: &Box<[u8]>) -> Outcome<u32> {
    Outcome::success(path.map_or(0, |path| path.0) + boxed.len() as u32)
}

trait Named: Send + Sync {
    fn name(&self) -> &str;
}
impl Named for String {
    fn name(&self) -> &str {
        self
    }
}
#[event]
fn counted(shared: Arc<str>, named: &Arc<dyn Named>) -> Outcome<Arc<[u8]>> {
    Outcome::success(Arc::from(format!("{shared}{}", named.name()).as_bytes()))
}
#[event]
fn bytes_of(#[piped] bytes: Arc<[u8]>, named: Arc<dyn Named>) -> Outcome<usize> {
    Outcome::success(bytes.len() + named.name().len())
}
#[derive(Pipeline)]
#[pipeline(flow = counted |-> bytes_of)]
struct Counted {
    shared: Arc<str>,
    named: Arc<dyn Named>,
}

#[derive(Pipeline)]
#[pipeline(flow = own_path |-> text |-> maybe)]
struct Odd {
    path: Path,
    numbers: Vec<u32>,
    label: &'static str,
    boxed: Box<[u8]>,
}

macro_rules! events {
    ($($name:ident: $taken:ty = $piped:ty;)+) => {$(
        #[event]
        fn $name(text: $taken, #[piped] same: $piped) -> Outcome<String> {
            Outcome::success(format!("{text}{}", same.len()))
        }
    )+};
}
events! {
    by_ref: &str = &[u8];
    by_value: String = Vec<u8>;
}
#[event]
fn bytes() -> Outcome<Vec<u8>> {
    Outcome::success(vec![1])
}
#[derive(Pipeline)]
#[pipeline(flow = bytes |-> by_ref || by_value)]
struct Through {
    text: String,
}

pub fn main() {
    let odd = Odd { path: Path(7), numbers: vec![1, 2], label: "72", boxed: Box::new([1]) };
    assert_eq!(odd.run().unwrap().output::<u32>().unwrap(), &2);
    let counted = Counted { shared: "ab".into(), named: Arc::new("c".to_owned()) };
    assert_eq!(counted.run().unwrap().output::<usize>().unwrap(), &4);
    assert!(Through { text: "a".to_owned() }.run().unwrap().is_success());
}
