//! Size, depth and time: what no script may break.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod processor;

use std::time::Duration;

use nexus_pointy::wiring::wiring;
use nexus_pointy::{MAX_DEPTH, Parsed, check, code, parse};
use processor::within;

/// The stack of a spawned thread in Rust; the main thread's is larger.
const STACK: usize = 2 << 20;

fn on_stack<T: Send>(bytes: usize, work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(bytes).spawn_scoped(scope, work);
        thread.expect("a thread").join().expect("no panic")
    })
}

/// Parses, prints, compares, wires and drops.
fn use_all(source: &str) -> Parsed {
    let parsed = parse(source);
    let text = parsed.flow.to_string();
    assert!(parsed.flow.same_shape(&parsed.flow.clone()));
    assert!(text.len() >= wiring(&parsed.flow).uses.len());
    parsed
}

#[test]
fn a_million_steps_and_members() {
    for operator in [" -> ", "|->", " || "] {
        let mut source = format!("a{operator}").repeat(999_999);
        source.push('a');
        on_stack(STACK, || {
            let parsed = parse(&source);
            assert_eq!(parsed.diagnostics, []);
            let found = parsed.flow.links.iter().map(|link| link.units.len()).sum::<usize>();
            assert_eq!(found, 1_000_000);
            assert_eq!(wiring(&parsed.flow).uses.len(), 1_000_000);
            let text = parsed.flow.to_string();
            assert_eq!(text.len(), 999_999 * (operator.trim().len() + 3) + 1);
        });
    }
}

#[test]
fn a_hundred_thousand_steps_are_checked_at_once() {
    let step = "-> charge[max_attempts = 3, retry_policy = { jitter: full }] (0 -> alert) # c\n";
    let script = "start\n".to_owned() + &step.repeat(100_000);
    // A release build takes 0.2 s; a debug build 30 times as long.
    let limit = Duration::from_secs(if cfg!(debug_assertions) { 60 } else { 3 });
    assert_eq!(within(limit, "the check", || check(&script)).diagnostics, []);
}

/// What opens, holds and closes a nest of each kind of bracket.
const NESTS: &[(&str, &str, &str, &str)] = &[
    ("", "{", "A", "}"),
    ("", "(", "A", ")"),
    ("", "{A -> B || ", "A", "}"),
    ("", "A (0 -> B, 1 |-> ", "A", ")"),
    ("", "{({A (0 -> ", "A", ")})}"),
    ("A[x = ", "[", "1", "]"),
    ("A[x = ", "{ a: ", "1", "}"),
    ("A[x = ", "[{ a: ", "1", "}]"),
];

fn nest((before, open, middle, close): (&str, &str, &str, &str), depth: usize) -> String {
    let per_round = open.chars().filter(|c| "([{".contains(*c)).count();
    let rounds = depth / per_round;
    // What is missing to the depth is filled with single brackets inside.
    let (fill_open, fill_close) = if before.is_empty() { ("{", "}") } else { ("[", "]") };
    let fill = depth % per_round;
    let end = if before.is_empty() { "" } else { "]" };
    [
        before,
        &open.repeat(rounds),
        &fill_open.repeat(fill),
        middle,
        &fill_close.repeat(fill),
        &close.repeat(rounds),
        end,
    ]
    .concat()
}

#[test]
fn nesting_is_capped_with_one_error() {
    for kind in NESTS {
        for depth in [1, MAX_DEPTH - 1, MAX_DEPTH] {
            let source = nest(*kind, depth);
            let parsed = on_stack(STACK, || use_all(&source));
            assert_eq!(parsed.diagnostics, [], "{kind:?} {depth}");
        }
        for depth in [MAX_DEPTH + 1, MAX_DEPTH + 7, 100_000] {
            let source = nest(*kind, depth);
            let codes: Vec<_> =
                on_stack(STACK, || use_all(&source)).diagnostics.iter().map(|it| it.code).collect();
            assert_eq!(codes, [code::TOO_DEEP], "{kind:?} {depth}");
        }
        let unclosed = kind.0.to_owned() + &kind.1.repeat(100_000);
        let parsed = on_stack(STACK, || use_all(&unclosed));
        assert_eq!(parsed.diagnostics.len(), 1, "{kind:?}");
    }
}

#[test]
fn the_deepest_flow_needs_half_the_stack() {
    for kind in NESTS {
        let source = nest(*kind, MAX_DEPTH);
        on_stack(STACK / 2, || {
            let parsed = use_all(&source);
            assert_eq!(parsed, parsed.clone());
        });
        on_stack(STACK, || assert!(format!("{:?}", parse(&source)).len() > 100));
        #[cfg(feature = "render")]
        on_stack(STACK, || {
            nexus_pointy::render::render(&parse(&source).diagnostics, "f", &source, false)
        });
    }
}

#[test]
fn attributes_fit_at_the_deepest_level() {
    let source = "{".repeat(MAX_DEPTH) + "A[x, y = 1]" + &"}".repeat(MAX_DEPTH);
    assert_eq!(parse(&source).diagnostics, []);
}

#[test]
fn brackets_left_open_are_one_mistake() {
    for source in ["{{{A", "A (0 -> {B (1 -> C", "A[x = [1, { a: "] {
        let mistakes = parse(source).diagnostics;
        let unclosed: Vec<_> = mistakes.iter().filter(|it| it.code == code::UNCLOSED).collect();
        assert_eq!(unclosed.len(), 1, "{source}: {mistakes:?}");
        assert_eq!(unclosed[0].labels.len(), 2, "{source}");
    }
}

/// Inputs whose time must grow with their size and no faster.
const REPEATED: &[&str] = &[
    "(", ")", "{", "}", "[", "]", "{}", "()", "[]", "A(", "A[", "A[x=", "A[x=[", "A(0->", "->",
    "|->", "||", "|", "-", "=", ">", "*", ",", ":", "::", "a::", ".", "\"", "'", "\\", "#", "/*",
    "//", ";", "9", "9 ", "1 * ", "* 2", "A", "A ", "A,", "A*", "\u{202e}", "\0", "é", "😀", "\n",
    "\"\\u{", "<", "&", "{A,1", "A((0", "(0->A,", "|---", "===",
];

#[test]
fn ten_megabytes_of_anything() {
    // Debug builds are slow; an eighth of a megabyte shows a quadratic path as well.
    let size = if cfg!(debug_assertions) { 1 << 17 } else { 10 << 20 };
    for piece in REPEATED {
        let source = piece.repeat(size / piece.len());
        for source in
            [source.clone(), format!("A -> {{B (0 -> C{source}"), format!("A[x = {source}")]
        {
            let limit = Duration::from_secs(5);
            let parsed = on_stack(STACK, || within(limit, piece, || parse(&source)));
            assert!(parsed.diagnostics.len() <= 101);
        }
    }
}

#[test]
fn the_list_of_mistakes_is_bounded() {
    let mistakes = parse(&"A B -> -> ".repeat(1_000)).diagnostics;
    assert_eq!(mistakes.len(), 101);
    let last = mistakes.last().unwrap();
    assert_eq!(
        (last.code, last.message.as_str()),
        (code::MORE, "and 1901 more mistakes from here on")
    );
}

#[test]
fn a_script_may_be_cut_anywhere() {
    let source = "\u{feff}# übung\r\n{A[each, x = { a: [1, -2.5e3, \"\\u{41}\\n\"], b: true }] * 3 |-> ns::B} (0 |-> C, \
                  premium -> (D || E) -> F,) # Ende\n|-> 3 * G || H";
    assert_eq!(parse(source).diagnostics, []);
    for (at, _) in source.char_indices() {
        let parsed = use_all(&source[..at]);
        let again = use_all(&source[at..]);
        assert!(parsed.diagnostics.len() + again.diagnostics.len() <= 20, "{at}");
    }
}

#[test]
fn line_ends_marks_and_directions() {
    let unix = parse("A # x\n-> B[n = 1]\n|-> C\n").flow;
    for source in [
        "A # x\r\n-> B[n = 1]\r\n|-> C\r\n",
        "\u{feff}A # x\n\u{a0}-> B[n\u{3000}= 1]\x0c|-> C",
        "A # x\r-> B[n = 1] |-> C",
    ] {
        let parsed = parse(source);
        assert_eq!(parsed.diagnostics, [], "{source:?}");
        assert!(parsed.flow.same_shape(&unix), "{source:?}");
    }
    for c in ('\u{202a}'..='\u{202e}')
        .chain('\u{2066}'..='\u{2069}')
        .chain(['\u{200e}', '\u{200f}', '\0', '\u{feff}'])
    {
        for source in [
            format!("A {c}-> B"),
            format!("{c} A -> B"),
            format!("A{c} -> B"),
            format!("A -> B{c}"),
        ] {
            let parsed = parse(&source);
            if source.starts_with('\u{feff}') {
                assert_eq!(parsed.diagnostics, []);
                continue;
            }
            let [mistake] = parsed.diagnostics.as_slice() else {
                panic!("{source:?}: {:?}", parsed.diagnostics)
            };
            assert!(mistake.message.contains(&format!("U+{:04X}", u32::from(c))), "{mistake}");
            assert_eq!(mistake.code, code::HIDDEN_CHARACTER);
            assert_eq!(
                &source[mistake.span.start as usize..mistake.span.end as usize],
                c.to_string()
            );
            assert_eq!(parsed.flow.links.len(), 2);
        }
    }
    for hidden in ["A # \u{202e}\n", "A[x = \"\u{2066}\"]", "A # \0"] {
        assert_eq!(parse(hidden).diagnostics[0].code, code::HIDDEN_CHARACTER, "{hidden:?}");
    }
}
