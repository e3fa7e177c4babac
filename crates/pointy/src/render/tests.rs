use super::{json, render};
use crate::parse;
use crate::{Diagnostic, Span, code};

fn shown(source: &str) -> String {
    render(&parse(source).diagnostics, "f.pty", source, false)
}

#[test]
fn labels_and_several_lines() {
    assert_eq!(
        shown("A (0 -> X,\r\n  0 -> Y)\r\n"),
        "\
error[P0020]: the descriptor `0` has two branches
 --> f.pty:2:3
  |
1 | A (0 -> X,
  |    - the first is here
2 |   0 -> Y)
  |   ^
  |
  = help: join them into one branch, or choose another descriptor
"
    );
}

#[test]
fn columns_are_characters_and_a_byte_order_mark_is_none() {
    let text = shown("\u{feff}übel ->");
    assert!(text.contains(" --> f.pty:1:6\n"), "{text}");
    assert!(text.contains("1 | übel ->\n  |      ^^\n"), "{text}");
}

#[test]
fn what_is_hidden_stays_hidden() {
    let text = shown("A \u{202e}B \0 \u{1b}[31m -> \"\u{202e}");
    assert!(!text.contains(['\u{202e}', '\0', '\u{1b}']), "{text:?}");
    assert!(text.contains("U+202E"));
    let name = "\u{1b}[31m\n.pty";
    let text = render(&parse("A ->").diagnostics, name, "A ->", false);
    assert!(text.contains("\n --> \\u{1b}[31m .pty:1:3\n"), "{text}");
    // What a message quotes of a script or of a user is shown as well.
    let quoted = Diagnostic::new(code::UNEXPECTED, "a\u{1b}b\nc\u{202e}", Span::new(0, 1));
    let quoted = quoted.help("d\u{1b}e");
    let text = render(&[quoted], "f", "A ->", false);
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    assert!(render(&parse("A -> ").diagnostics, "f", "A -> ", true).contains('\u{1b}'));
}

#[test]
fn empty_and_foreign_sources() {
    assert!(shown("").contains("the script has no event"));
    assert_eq!(shown("A"), "");
    for source in ["", "ü", "\u{feff}", "A\n\n\n", "\n"] {
        for (start, end) in
            [(0, 0), (0, 9), (1, 1), (2, 1), (9, 9), (u32::MAX, u32::MAX), (0, u32::MAX)]
        {
            let it = Diagnostic::new(code::UNEXPECTED, "x", Span::new(start, end))
                .label(Span::new(1, 5), "y");
            assert!(render(&[it], "f", source, false).contains("error[P0013]: x"));
        }
    }
}

#[test]
fn long_lines_are_cut() {
    let long = format!("{}A B {}", "A -> ".repeat(200_000), "-> A ".repeat(1_000));
    let wide = format!("{}A B", "Ä -> ".repeat(1_000));
    assert!(shown(&wide).contains("f.pty:1:5003\n"), "{}", shown(&wide));
    let text = shown(&long);
    assert!(text.len() < 2_000, "{} bytes", text.len());
    assert!(text.contains("f.pty:1:1000003\n"), "{text}");
    let garbage = ")".repeat(100_000);
    let text = shown(&garbage);
    assert!(text.len() < 100_000, "{} bytes", text.len());
    assert!(text.contains("and 99900 more mistakes"));
    let lines = format!("A[x] {} [y]", "\n".repeat(100_000));
    let text = shown(&lines);
    assert!(
        text.contains("f.pty:100001:2") && text.contains("f.pty:1:2") && text.len() < 1_000,
        "{text}"
    );
}

#[test]
fn json_has_the_places_in_characters_and_bytes() {
    let source = "\u{feff}# \"ü\"\r\nübel (0 -> X,\r\n\t0 -> \u{202e}Y)";
    let mistakes = parse(source).diagnostics;
    let lines = json(&mistakes, "C:\\f.pty", source);
    let objects: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 2);
    let shown = serde_json::json!({
        "code": "P0020",
        "severity": "error",
        "message": "the descriptor `0` has two branches",
        "help": "join them into one branch, or choose another descriptor",
        "file": "C:\\f.pty",
        "line": 3, "column": 2, "end_line": 3, "end_column": 3, "start": 28, "end": 29,
        "labels": [{
            "message": "the first is here",
            "line": 2, "column": 7, "end_line": 2, "end_column": 8, "start": 18, "end": 19,
        }],
        "fix": null,
        "rendered": render(&mistakes[..1], "C:\\f.pty", source, false),
    });
    assert_eq!(objects[0], shown);
    assert_eq!(objects[1]["column"], 7);
    let deleted = serde_json::json!({
        "text": "",
        "line": 3, "column": 7, "end_line": 3, "end_column": 8, "start": 33, "end": 36,
    });
    assert_eq!(objects[1]["fix"], deleted);
    assert_eq!(json(&[], "f", ""), "");
    let bare = Diagnostic::new(code::UNEXPECTED, "\u{1}\u{7f}\t", Span::new(7, 3));
    let object: serde_json::Value = serde_json::from_str(&json(&[bare], "f", "A")).unwrap();
    assert_eq!(
        (&object["help"], &object["message"]),
        (&serde_json::Value::Null, &"\u{1}\u{7f}\t".into())
    );
}
