use super::{PAGES, explain, explained};
use crate::{MAX_DEPTH, binding_code, check, code};

/// The blocks of Pointy on a page.
fn examples(page: &str) -> Vec<&str> {
    page.split("```pointy\n").skip(1).filter_map(|rest| rest.split("\n```").next()).collect()
}

fn codes(script: &str) -> Vec<&'static str> {
    check(script).diagnostics.iter().map(|it| it.code).collect()
}

#[test]
fn every_code_has_a_page_of_one_form() {
    assert!(PAGES.is_sorted_by(|a, b| a.0 < b.0));
    for code in code::ALL.iter().chain(binding_code::ALL) {
        assert!(explain(code).is_some(), "{code}");
    }
    for code in explained() {
        assert!(code::ALL.contains(&code) || binding_code::ALL.contains(&code), "{code} is gone");
    }
    for (code, page) in PAGES {
        assert!(page.starts_with(&format!("# {code}: ")), "{code}");
        assert!(page.ends_with('\n') && !page.contains("\n\n\n"), "{code}");
        assert_eq!(page.contains("\nWrong:\n"), page.contains("\nRight:\n"), "{code}");
    }
}

#[test]
fn wrong_examples_are_wrong_and_right_ones_right() {
    for (code, page) in PAGES.iter().filter(|(code, _)| code.starts_with('P')) {
        match (*code, examples(page).as_slice()) {
            // No page could hold so much.
            (code::TOO_LONG | code::MORE, []) => {}
            (code::TOO_DEEP, [wrong, right]) => {
                assert!(wrong.contains("and 254 more"));
                let deep = "{".repeat(MAX_DEPTH + 1) + "A" + &"}".repeat(MAX_DEPTH + 1);
                assert_eq!(codes(&deep), [code::TOO_DEEP]);
                assert_eq!(codes(right), [""; 0]);
            }
            (code, [wrong, right]) => {
                let found = codes(wrong);
                assert!(found.contains(&code), "{code}: {found:?}");
                // The example of a mistake shows that mistake, and what follows from it.
                assert_eq!(found.first(), Some(&code), "{code}: {found:?}");
                assert_eq!(codes(right), [""; 0], "{code}");
            }
            (code, examples) => panic!("{code} has {} examples", examples.len()),
        }
    }
}
