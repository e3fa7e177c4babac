use super::{parse, parse_tokens};
use crate::{Descriptor, LiteralKind, Primary, Span, Token, TokenKind, code, lex};

/// A script, the tree made of it, and the code and text of each mistake.
type Case = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const CASES: &[Case] = &[
    (
        "A -> B |-> C || D (0 -> X, 1 |-> Y -> Z, premium -> W,) -> E",
        "A -> B |-> C || D (0 -> X, 1 |-> Y -> Z, premium -> W) -> E",
        &[],
    ),
    (
        "{A -> B} * 3 || 3 * C[each, max_concurrency = 8, retry_policy = { max_attempts: 3, jitter: full, l: [a::b, 1.5, -1, \"x\\n\"] }]",
        "{A -> B} * 3 || C[each, max_concurrency = 8, retry_policy = { max_attempts: 3, jitter: full, l: [a::b, 1.5, -1, \"x\\n\"] }] * 3",
        &[],
    ),
    ("A -> (B || C) -> D", "A -> {B || C} -> D", &[]),
    ("A B", "A -> B", &[("P0011", "B")]),
    ("A ->", "A -> _", &[("P0010", "->")]),
    ("-> A", "_ -> A", &[("P0010", "->")]),
    ("A -> -> B", "A -> _ -> B", &[("P0010", "->")]),
    ("A -> |-> B", "A -> _ |-> B", &[("P0010", "->")]),
    ("A || || B", "A || _ || B", &[("P0010", "||")]),
    ("|| A", "_ || A", &[("P0010", "||")]),
    ("A | B", "A -> B", &[("P0005", "|")]),
    ("A | -> B", "A |-> B", &[("P0005", "| ->")]),
    ("A - > B - C", "A -> B -> C", &[("P0005", "- >"), ("P0005", "-")]),
    ("A |\n-> B", "A -> B", &[("P0005", "|")]),
    ("A => B", "A -> B", &[("P0005", "=>")]),
    ("A --> B", "A -> B", &[("P0005", "-->")]),
    ("A > B", "A -> B", &[("P0005", ">")]),
    ("A >> B", "A -> B", &[("P0005", ">>")]),
    ("A → B", "A -> B", &[("P0005", "→")]),
    ("A & B", "A -> B", &[("P0005", "&")]),
    ("A ; B", "A -> B", &[("P0005", ";")]),
    ("A;", "A", &[("P0005", ";")]),
    ("A -> B;", "A -> B", &[("P0005", ";")]),
    ("A, B", "A -> B", &[("P0013", ",")]),
    ("A -> B, C -> D", "A -> B -> C -> D", &[("P0013", ",")]),
    ("A (0 -> X 1 -> Y)", "A (0 -> X, 1 -> Y)", &[("P0012", "1")]),
    ("A (a -> X b -> Y)", "A (a -> X -> b -> Y)", &[("P0011", "b")]),
    ("A (0 -> X, 0 -> Y, 0 -> Z)", "A (0 -> X, 0 -> Y, 0 -> Z)", &[("P0020", "0"), ("P0020", "0")]),
    ("A (0 X)", "A", &[("P0011", "X")]),
    ("A (B || C)", "A", &[("P0011", "||")]),
    ("A (B)", "A", &[("P0011", ")")]),
    ("A ()", "A", &[("P0016", "()")]),
    ("{} -> A", "_ -> A", &[("P0016", "{}")]),
    ("A -> ()", "A -> _", &[("P0016", "()")]),
    ("A[]", "A", &[("P0016", "[]")]),
    ("A[x][y]", "A[x]", &[("P0018", "[y]")]),
    ("A (0 -> X) (1 -> Y)", "A (0 -> X)", &[("P0018", "(1 -> Y)")]),
    ("3 * A * 2", "A * 3", &[("P0018", "* 2")]),
    ("A * 3 * 2", "A * 3", &[("P0018", "* 2")]),
    ("A * 1", "A", &[("P0017", "1")]),
    ("A * 0", "A", &[("P0017", "0")]),
    ("A * -1", "A", &[("P0017", "-1")]),
    ("A * 99999999999", "A", &[("P0017", "99999999999")]),
    ("A * B", "A -> B", &[("P0017", "*")]),
    ("A *", "A", &[("P0017", "*")]),
    ("3 A", "A", &[("P0010", "3")]),
    ("A 3", "A", &[("P0017", "3")]),
    ("A -> 3", "A -> _", &[("P0010", "3")]),
    ("A -> 3 -> B", "A -> _ -> B", &[("P0010", "3")]),
    ("* 3", "_", &[("P0010", "*")]),
    ("A -> (0 -> X, 1 -> Y)", "A -> _", &[("P0021", "(")]),
    ("A -> {B", "A -> {B}", &[("P0014", "{")]),
    ("A -> {B (0 -> [", "A -> {B (0 -> _)}", &[("P0022", "["), ("P0014", "[")]),
    ("A -> {B)", "A -> {B}", &[("P0015", ")")]),
    ("(A {B)", "{A -> {B}}", &[("P0011", "{"), ("P0014", "{")]),
    ("A )", "A", &[("P0015", ")")]),
    ("A -> )", "A -> _", &[("P0010", "->")]),
    ("{A -> B]", "{A -> B}", &[("P0015", "]")]),
    ("A (0 -> {B, 1 -> C)", "A (0 -> {B}, 1 -> C)", &[("P0014", "{")]),
    ("A[x", "A[x]", &[("P0014", "[")]),
    ("A[x = ]", "A[x]", &[("P0026", "]")]),
    ("A[x = 1 y = 2]", "A[x = 1, y = 2]", &[("P0012", "y")]),
    ("A[x 1]", "A[x = 1]", &[("P0027", "1")]),
    ("A[x true, false]", "A[x = true, false]", &[("P0027", "true")]),
    (
        "A[x: 1, y = {a = 1, b: 2}, z = foo(1)]",
        "A[x = 1, y = { a: 1, b: 2 }, z = foo]",
        &[("P0027", ":"), ("P0027", "="), ("P0026", "(")],
    ),
    ("A[x = {a: 1, a: 2}]", "A[x = { a: 1, a: 2 }]", &[("P0028", "a")]),
    (
        "A[timeout = 30s, b = 1e999, c = 0x10, d = 3u32]",
        "A[timeout, b, c, d]",
        &[("P0024", "30s"), ("P0024", "1e999"), ("P0024", "0x10"), ("P0024", "3u32")],
    ),
    ("A[x = 1,, y]", "A[x = 1, y]", &[("P0025", ",")]),
    ("A[,x]", "A[x]", &[("P0025", ",")]),
    ("[x] A", "A", &[("P0022", "[")]),
    ("A -> [x] -> B", "A -> _ -> B", &[("P0022", "[")]),
    ("\"A\" -> B", "_ -> B", &[("P0010", "\"A\"")]),
    ("a.b -> c", "a::b -> c", &[("P0005", ".")]),
    ("a:: -> c", "a:: -> c", &[("P0023", "::")]),
    ("::a -> b", "a -> b", &[("P0023", "::")]),
    ("a::::b", "a::b", &[("P0023", "::")]),
    ("a:b -> c", "a -> b -> c", &[("P0013", ":")]),
    ("A[a::b = 1, \"x\" = 2]", "A", &[("P0025", "a"), ("P0025", "\"x\"")]),
    (
        "A (99999999999 -> X, -1 -> Y, 3u8 -> Z, true -> W, \"s\" -> V, _ -> U, 1.5 -> T)",
        "A (99999999999 -> X, -1 -> Y, 3u8 -> Z, true -> W, s -> V, _ -> U)",
        &[
            ("P0019", "99999999999"),
            ("P0019", "-1"),
            ("P0024", "3u8"),
            ("P0019", "true"),
            ("P0019", "\"s\""),
            ("P0019", "_"),
            ("P0019", "1.5"),
        ],
    ),
    ("A (a::b -> X)", "A", &[("P0011", "::")]),
    ("A (0 => X)", "A (0 -> X)", &[("P0005", "=>")]),
    ("A ? B", "A -> B", &[("P0005", "?")]),
    ("A $ B", "A -> B", &[("P0005", "$")]),
    ("A -> $", "A -> _", &[("P0005", "$")]),
    ("A $ -> B", "A -> B", &[("P0005", "$")]),
    ("// comment", "_", &[("P0005", "// comment")]),
    ("A /* x */ -> B", "A -> B", &[("P0005", "/* x */")]),
    ("A -> 'x'", "A -> _", &[("P0009", "'x'"), ("P0010", "'x'")]),
    (
        "A[x = “y”, z = «w»] -> “",
        "A[x = \"y\", z = \"w\"] -> _",
        &[("P0009", "“y”"), ("P0009", "«w»"), ("P0009", "“")],
    ),
    ("A[x = 'y']", "A[x = \"y\"]", &[("P0009", "'y'")]),
    ("A[x = 'y]", "A[x = y]", &[("P0009", "'")]),
    ("A[x = \"y]", "A[x = \"y\"]", &[("P0007", "\"y")]),
    ("A (0 -> X[y = \"z, \t])\n-> B", "A (0 -> X[y = \"z\"]) -> B", &[("P0007", "\"z")]),
    ("A[x = \"\\n]", "A[x = \"\\n]\"]", &[("P0014", "["), ("P0007", "\"\\n]")]),
    (
        "A[x = \"\\q\\u{110000}\\u{41}\"]",
        "A[x = \"q{110000}A\"]",
        &[("P0008", "\\q"), ("P0008", "\\u")],
    ),
    ("_ -> A", "_ -> A", &[("P0010", "_")]),
    ("A <- B", "A -> B", &[("P0005", "<-")]),
    ("A = B", "A -> B", &[("P0013", "=")]),
    ("A == B", "A -> B", &[("P0005", "==")]),
    ("A (0 -> X", "A (0 -> X)", &[("P0014", "(")]),
    ("A (0 -> X, ", "A (0 -> X)", &[("P0014", "(")]),
    ("A (, 0 -> X)", "A (0 -> X)", &[("P0019", ",")]),
    ("A (0 ->, 1 -> X)", "A (0 -> _, 1 -> X)", &[("P0010", "->")]),
    ("A (0 -> X,, 1 -> Y)", "A (0 -> X, 1 -> Y)", &[("P0019", ",")]),
    ("A ((0 -> X))", "A", &[("P0019", "(")]),
    ("A -> \"x\n-> B", "A -> _ -> B", &[("P0007", "\"x"), ("P0010", "\"x")]),
    ("A # \u{202e}x\n-> B", "A -> B", &[("P0006", "\u{202e}")]),
    ("\u{feff}A\r\n-> B\r\n", "A -> B", &[]),
    ("\0", "_", &[("P0006", "\0")]),
    ("A -> \u{1b}B", "A -> B", &[("P0006", "\u{1b}")]),
    ("", "_", &[("P0001", "")]),
];

#[test]
fn every_mistake_is_reported_once_and_the_rest_is_kept() {
    for (source, tree, mistakes) in CASES {
        let parsed = parse(source);
        assert_eq!(parsed.flow.to_string(), *tree, "{source:?}");
        let found: Vec<_> = parsed
            .diagnostics
            .iter()
            .map(|it| (it.code, &source[it.span.start as usize..it.span.end as usize]))
            .collect();
        assert_eq!(found, *mistakes, "{source:?}");
        assert!(parsed.diagnostics.iter().all(|it| it.help.is_some()), "no cure: {source:?}");
    }
}

#[test]
fn tokens_and_text_agree() {
    for (source, _, _) in CASES {
        let (tokens, of_lexer) = lex(source);
        let end = Span::new(source.len() as u32, source.len() as u32);
        let mut parsed = parse_tokens(&tokens, end);
        parsed.diagnostics.extend(of_lexer);
        parsed.diagnostics.sort_by_key(|it| (it.span.start, it.code));
        let mut expected = parse(source);
        expected.diagnostics.sort_by_key(|it| (it.span.start, it.code));
        assert_eq!(parsed, expected, "{source:?}");
    }
}

#[test]
fn every_code_of_the_parser_has_a_case() {
    let elsewhere = [
        code::TOO_LONG,
        code::TOO_DEEP,
        code::MORE,
        code::UNKNOWN_KEY,
        code::WRONG_TYPE,
        code::OUT_OF_RANGE,
        code::NOT_IN_FLOW,
    ];
    for code in code::ALL {
        let here =
            CASES.iter().any(|(_, _, mistakes)| mistakes.iter().any(|(found, _)| found == code));
        assert_ne!(here, elsewhere.contains(code), "{code}");
    }
}

#[test]
fn raw_identifiers_and_foreign_positions() {
    let token = |at, kind, text: &'static str| Token {
        kind,
        span: Span::new(at, at + 1),
        text: text.into(),
    };
    let tokens = [
        token(0, TokenKind::Ident, "r#type"),
        token(1, TokenKind::PipeArrow, "|->"),
        token(2, TokenKind::Unknown, "=>"),
    ];
    let parsed = parse_tokens(&tokens, Span::new(3, 3));
    assert_eq!(parsed.flow.to_string(), "type |-> _");
    let blamed: Vec<_> = parsed.diagnostics.iter().map(|it| (it.code, it.span)).collect();
    assert_eq!(blamed.first(), Some(&(code::UNKNOWN_TOKEN, Span::new(2, 3))), "{blamed:?}");
    assert_eq!(parse_tokens(&[], Span::new(7, 8)).diagnostics[0].span, Span::new(7, 8));
}

#[test]
fn spans_cover_what_they_name() {
    let source = " A -> {B || C}[each] * 3 (0 |-> x::y) ";
    let flow = parse(source).into_result().unwrap();
    let text = |span: Span| &source[span.start as usize..span.end as usize];
    assert_eq!(text(flow.span), source.trim());
    let unit = &flow.links[1].units[0];
    assert_eq!(text(unit.span), "{B || C}[each] * 3 (0 |-> x::y)");
    assert_eq!(text(unit.attempts.unwrap().span), "* 3");
    assert_eq!(text(unit.attrs[0].span), "each");
    let branch = &unit.branches[0];
    assert_eq!((text(branch.span), text(branch.arrow.span)), ("0 |-> x::y", "|->"));
    assert_eq!((&branch.descriptor, text(branch.descriptor_span)), (&Descriptor::FAILURE, "0"));
    let Primary::Flow(group) = &unit.primary else { panic!("no group") };
    assert_eq!(text(group.span), "B || C");
}

#[test]
fn values() {
    let source = r#"A[a = -3, b = -0.5, c = "\u{1F980}\t", d = true, e = x::y, f = [1, [2]], g = {k: 1, l: {}}, h = 1e3]"#;
    let flow = parse(source).into_result().unwrap();
    let kinds: Vec<_> = flow.links[0].units[0]
        .attrs
        .iter()
        .map(|attr| attr.value.clone().map(|value| value.kind))
        .collect();
    assert_eq!(kinds[0], Some(LiteralKind::Int(-3)));
    assert_eq!(kinds[1], Some(LiteralKind::Float(-0.5)));
    assert_eq!(kinds[2], Some(LiteralKind::Str("🦀\t".into())));
    assert_eq!(kinds[3], Some(LiteralKind::Bool(true)));
    assert!(matches!(&kinds[4], Some(LiteralKind::Name(name)) if &*name.text == "x::y"));
    assert!(matches!(&kinds[5], Some(LiteralKind::List(values)) if values.len() == 2));
    assert!(matches!(&kinds[6], Some(LiteralKind::Map(entries)) if entries.len() == 2));
    assert_eq!(kinds[7], Some(LiteralKind::Float(1000.0)));
}
