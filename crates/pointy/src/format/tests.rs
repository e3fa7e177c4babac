use super::format;
use crate::parse;

/// A script and its layout.
const LAYOUTS: &[(&str, &str, &str)] = &[
    ("one line", " A->B|->C||D(0->X,1->Y|->Z,) ", "A -> B |-> C || D (0 -> X, 1 -> Y |-> Z)\n"),
    ("groups in braces", "A->(B||C)->D", "A -> {B || C} -> D\n"),
    (
        "units",
        "3*A[ each,x={a:1_000,b:[-1 ,\"\\u{41}\"]},](0->B)->a :: b *2[y]->A[x={},y=[ ]]",
        "3 * A[each, x = { a: 1_000, b: [-1, \"\\u{41}\"] }] (0 -> B) -> a::b * 2 [y] -> A[x = {}, y = []]\n",
    ),
    (
        "a long flow has a step a line",
        "validate_order_and_customer(0->reject_order,1->process_payment|->send_confirmation)->archive->notify_everybody",
        "\
validate_order_and_customer (0 -> reject_order, 1 -> process_payment |-> send_confirmation)
-> archive
-> notify_everybody
",
    ),
    (
        "a long branch list has a branch a line",
        "{validate_order_and_customer->look_it_up}[each](0->reject_order_with_a_letter,1->process_payment|->send_confirmation|->{archive->notify})",
        "\
{validate_order_and_customer -> look_it_up}[each] (
    0 -> reject_order_with_a_letter,
    1 -> process_payment |-> send_confirmation |-> {archive -> notify},
)
",
    ),
    (
        "long branches, groups and lists are indented",
        "A(0->one_step_with_a_long_name->another_step_with_a_long_name->a_third_step_with_a_long_name->fourth,1->{one_step_with_a_long_name->another_step_with_a_long_name->a_third_step_with_a_long_name->fourth})->B[executor=ThreadPoolExecutor,retry_policy={max_attempts:3,backoff_factor:2,max_backoff:100,retry_on_exceptions:[Busy]},each]",
        "\
A (
    0 -> one_step_with_a_long_name
        -> another_step_with_a_long_name
        -> a_third_step_with_a_long_name
        -> fourth,
    1 -> {
        one_step_with_a_long_name
        -> another_step_with_a_long_name
        -> a_third_step_with_a_long_name
        -> fourth
    },
)
-> B[
    executor = ThreadPoolExecutor,
    retry_policy = {
        max_attempts: 3,
        backoff_factor: 2,
        max_backoff: 100,
        retry_on_exceptions: [Busy],
    },
    each,
]
",
    ),
    (
        "a long group of members has a member a line",
        "start->a_member_with_a_long_name||{another_member_with_a_long_name->its_next_step_with_a_long_name->its_last_one_with_a_long_name}||third(0->X)->end",
        "\
start
-> a_member_with_a_long_name
    || {
        another_member_with_a_long_name
        -> its_next_step_with_a_long_name
        -> its_last_one_with_a_long_name
    }
    || third (0 -> X)
-> end
",
    ),
    (
        "comments around",
        "\n\n# top\n\n\n# next\nA->B# end\n\n\n# last\n\n",
        "# top\n\n# next\nA -> B # end\n\n# last\n",
    ),
    (
        "comments of steps",
        "A # a\n # above b\n->B->#c\nC->\n# above d\n\nD||#e\nE",
        "A # a\n# above b\n-> B #c\n-> C\n# above d\n\n-> D #e\n    || E\n",
    ),
    (
        "operators that end lines",
        "load -> # first\nclean || # second\nsort -> # third\nsave # fourth",
        "load # first\n-> clean # second\n    || sort # third\n-> save # fourth\n",
    ),
    (
        "comments of members",
        "A(# why\n0->X,# bad\n# good\n1->Y# also\n,)\n# done\n->B[x=1 # one\n,y,\n\n# last\n]",
        "\
A ( # why
    0 -> X, # bad
    # good
    1 -> Y, # also
)
# done
-> B[
    x = 1, # one
    y,

    # last
]
",
    ),
    (
        "comments inside of a unit stay where they are",
        "A # a\n(0 # b\n-> # c\n X->Y) * # d\n3[x # e\n=\n# f\n1]->C",
        "\
A # a
    (
        0 # b
            -> # c
            X -> Y,
    ) * # d
    3 [
        x # e
            =
            # f
            1,
    ]
-> C
",
    ),
    (
        "empty lists with a comment",
        "A[x=[# none\n],y={\n# none\n}]",
        "A[\n    x = [ # none\n    ],\n    y = {\n        # none\n    },\n]\n",
    ),
    (
        "one blank line is kept where a line ends",
        "A # a\n\n\n->B\n\n\n\n-> {\n\nC # c\n\n}->D\n\n||E",
        "A # a\n\n-> B\n\n-> {\n    C # c\n}\n-> D || E\n",
    ),
    ("line ends", "A # a\r\n-> B\r\n\r\n-> C", "A # a\r\n-> B\r\n\r\n-> C\r\n"),
    ("marks", "\u{feff}\u{a0}A # a \u{a0}\r->\tB", "A # a\n-> B\n"),
];

#[test]
fn layouts() {
    for (what, script, expected) in LAYOUTS {
        let text = format(script).unwrap_or_else(|mistakes| panic!("{what}: {mistakes:?}"));
        assert_eq!(text, *expected, "{what}:\n{text}");
        assert_eq!(format(&text).as_ref(), Ok(&text), "{what}, again");
        assert!(parse(&text).flow.same_shape(&parse(script).flow), "{what}");
    }
}

#[test]
fn a_script_with_mistakes_is_refused() {
    for (script, code) in [("", "P0001"), ("# A -> B", "P0001"), ("A # x\n-> -> B", "P0010")] {
        let codes: Vec<_> = format(script).unwrap_err().iter().map(|it| it.code).collect();
        assert_eq!(codes, [code], "{script}");
    }
}

#[test]
fn what_fits_fits_exactly() {
    let name = |length| "a".repeat(length);
    for (script, lines) in [
        (format!("{} -> {}", name(48), name(48)), 1),
        (format!("{} -> {}", name(48), name(49)), 2),
        (format!("{} || {} # {}", name(48), name(48), name(90)), 1),
        (format!("{}[{}]", name(49), name(49)), 1),
        (format!("{}[{}]", name(49), name(50)), 3),
        // The comma behind the last branch counts.
        (format!("{} (0 -> A, 1 -> {} -> {})", name(90), name(43), name(43)), 4),
        (format!("{} (0 -> A, 1 -> {} -> {})", name(90), name(43), name(44)), 5),
        (format!("{} -> {}", "ä".repeat(48), "名".repeat(48)), 1),
    ] {
        let text = format(&script).unwrap();
        assert_eq!(text.lines().count(), lines, "{text}");
    }
}
