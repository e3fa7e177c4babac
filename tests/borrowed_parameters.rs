//! Parameters as people write them: `&str`, `&[T]`, `&Path` and `Option<&T>` of fields and piped
//! values that own their data (R1, R2), wherever the body runs.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects")]

mod common;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use nexus::prelude::*;
use serde::{Deserialize, Serialize};

nexus::test_workers!();

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Item(String, u32);

fn item(name: &str, price: u32) -> Item {
    Item(name.to_owned(), price)
}

/// The same events and the same flow, by the executor's name.
macro_rules! on {
    ($($module:ident $(($asynchronous:ident))? [$($settings:tt)*];)+) => {$(
        mod $module {
            use super::*;

            #[event($($settings)*)]
            $($asynchronous)? fn describe(
                name: &str,
                items: &[Item],
                folder: &Path,
                note: Option<&str>,
                best: Option<&Item>,
                rest: Option<&[Item]>,
            ) -> Outcome<String> {
                let (best, rest) = (best.map(|item| &*item.0), rest.map(<[Item]>::len));
                let folder = folder.display();
                let count = items.len();
                Outcome::success(format!("{name} {count} {folder} {note:?} {best:?} {rest:?}"))
            }
            #[event($($settings)*)]
            $($asynchronous)? fn words(#[piped] text: &str) -> Outcome<Vec<String>> {
                Outcome::success(text.split(' ').map(str::to_owned).collect())
            }
            #[event($($settings)*)]
            $($asynchronous)? fn size(#[piped] word: &str) -> Outcome<usize> {
                match word.len() {
                    0 => Outcome::failure("empty"),
                    size => Outcome::success(size),
                }
            }
            #[event($($settings)*)]
            $($asynchronous)? fn sum(#[piped] sizes: &[usize]) -> Outcome<usize> {
                Outcome::success(sizes.iter().sum())
            }
            #[event($($settings)*)]
            $($asynchronous)? fn longest(#[piped] words: Vec<&str>) -> Outcome<Option<String>> {
                let longest = words.iter().max_by_key(|word| word.len());
                Outcome::success(longest.map(|word| (*word).to_owned()))
            }
            #[event($($settings)*)]
            $($asynchronous)? fn shout(#[piped] word: Option<&str>) -> Outcome<PathBuf> {
                Outcome::success(PathBuf::from(word.unwrap_or("nothing").to_uppercase()))
            }
            #[event($($settings)*)]
            $($asynchronous)? fn whole(
                #[piped] all: (Result<&[String], Failure>, &Path, &usize),
            ) -> Outcome<String> {
                let (words, path, sum) = all;
                let words = words.map(<[String]>::len).unwrap_or_default();
                Outcome::success(format!("{words} words, {sum} letters, {}", path.display()))
            }

            #[derive(Pipeline)]
            #[pipeline(
                flow = describe |-> words
                    |-> {words_again || {longest |-> shout} || {size[each] |-> sum}}
                    |-> whole
            )]
            struct Described {
                name: String,
                items: Vec<Item>,
                folder: PathBuf,
                note: Option<String>,
                best: Option<Item>,
                rest: Option<Vec<Item>>,
            }
            #[event($($settings)*)]
            $($asynchronous)? fn words_again(#[piped] words: &[String]) -> Outcome<Vec<String>> {
                Outcome::success(words.to_vec())
            }

            #[test]
            fn what_owns_is_borrowed() -> nexus::Result<()> {
                let report = Described {
                    name: "tea".to_owned(),
                    items: vec![item("cup", 3), item("pot", 20)],
                    folder: PathBuf::from("/shop"),
                    note: Some("hot".to_owned()),
                    best: Some(item("pot", 20)),
                    rest: None,
                }
                .run()?;
                let said = r#"tea 2 /shop Some("hot") Some("pot") None"#;
                assert_eq!(report.get::<describe>()?, said);
                let letters: usize = said.split(' ').map(str::len).sum();
                let whole = format!("6 words, {letters} letters, SOME(\"POT\")");
                assert_eq!(report.output::<String>()?, &whole);
                Ok(())
            }
        }
    )+};
}
on! {
    inline [];
    threads [executor = ThreadPoolExecutor];
    futures (async) [];
    processes [executor = ProcessPoolExecutor];
}

mod structs {
    use super::*;

    #[derive(Event)]
    struct Label {
        prefix: String,
    }
    #[event]
    impl Label {
        fn process(&self, name: &str, #[piped] bytes: &[u8]) -> Outcome<String> {
            Outcome::success(format!("{}{name}{}", self.prefix, bytes.len()))
        }
    }
    #[event]
    fn bytes(file: &OsStr) -> Outcome<Vec<u8>> {
        Outcome::success(file.as_encoded_bytes().to_vec())
    }
    #[derive(Pipeline)]
    #[pipeline(flow = bytes |-> Label[prefix = "no. "])]
    struct Labelled {
        name: String,
        file: std::ffi::OsString,
    }

    #[test]
    fn process_takes_them_as_a_function_does() -> nexus::Result<()> {
        let report = Labelled { name: "7/".to_owned(), file: "abc".into() }.run()?;
        assert_eq!(report.output::<String>()?, "no. 7/3");
        Ok(())
    }
}

mod loaded {
    use super::*;

    #[event]
    fn loaded_count(names: &[String], limit: Option<&u32>) -> Outcome<Option<String>> {
        Outcome::success(names.get(*limit.unwrap_or(&0) as usize).cloned())
    }
    #[event]
    fn loaded_print(#[piped] name: Option<&str>) -> Outcome<String> {
        Outcome::success(name.unwrap_or("none").to_owned())
    }
    #[event]
    fn loaded_path(#[piped] path: &Path) -> Outcome<()> {
        let _ = path;
        Outcome::success(())
    }

    fn fields() -> Fields {
        Fields::new().with::<Vec<String>>("names").with::<Option<u32>>("limit")
    }

    #[test]
    fn a_flow_that_is_loaded_binds_and_pipes_them() -> nexus::Result<()> {
        let plan = common::plan("loaded_count |-> loaded_print", &fields());
        let inputs = Inputs::new().with("names", vec!["a".to_owned(), "b".to_owned()]);
        let report = Engine::shared().run_plan(&plan, inputs.with("limit", Some(1_u32)))?;
        assert_eq!(report.output::<String>()?, "b");
        Ok(())
    }

    #[test]
    fn what_does_not_fit_is_refused_when_it_is_loaded() {
        let fields = Fields::new().with::<Box<[String]>>("names").with::<u32>("limit");
        let flow = Flow::parse("loaded_count |-> loaded_path").unwrap();
        let Err(nexus::Error::Flow(errors)) = flow.plan(&Registry::linked(), &fields) else {
            panic!("it was planned")
        };
        let codes: Vec<(&str, usize)> = errors.iter().map(|m| (m.code, m.column)).collect();
        assert_eq!(codes, [("N0003", 1), ("N0003", 1), ("N0004", 14)]);
    }

    #[test]
    fn an_event_is_described_by_the_types_that_own() {
        let described = Registry::linked().describe("loaded_count");
        let types: Vec<String> =
            described[0].parameters.iter().map(|param| param.ty.name()).collect();
        assert_eq!(types, ["Vec<String>", "Option<u32>"]);
    }
}
