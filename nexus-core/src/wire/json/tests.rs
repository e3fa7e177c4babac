#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::collections::{BTreeMap, HashMap};
use std::marker::PhantomData;

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::*;
use crate::value::Value;
use crate::wire::codec::Codec;

fn written<T: Serialize + ?Sized>(value: &T) -> Result<String, String> {
    to_json(value, VALUE_LIMIT).map_err(|error| error.to_string())
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    from_json(PhantomData::<T>, text).map_err(|error| error.to_string())
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Newtype(Box<Shape>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pair(Shape, Shape);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Named {
    first: Shape,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    second: Option<Shape>,
    #[serde(rename = "a \"key\" ]}")]
    third: Vec<Shape>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Colour {
    Red,
    Green,
}

/// Everything that serde tells apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Shape {
    Nothing,
    Flag(bool),
    Small(i8, u8, i16, u16),
    Whole(i32, u32, i64, u64),
    Huge(i128, u128),
    Single(f32),
    Double(f64),
    Letter(char),
    Text(String),
    Bytes(#[serde(with = "serde_bytes")] Vec<u8>),
    Empty((), Unit),
    Maybe(Option<Box<Shape>>),
    Wrapped(Newtype),
    List(Vec<Shape>),
    Tuple(Box<Pair>),
    Struct { named: Box<Named> },
    ByText(BTreeMap<String, Shape>),
    ByNumber(BTreeMap<i64, Shape>, BTreeMap<u128, bool>),
    ByOther(BTreeMap<bool, u8>, BTreeMap<char, u8>, BTreeMap<Colour, u8>),
}

fn finite_f32() -> impl Strategy<Value = f32> {
    any::<u32>().prop_map(f32::from_bits).prop_filter("finite", |number| number.is_finite())
}

fn finite_f64() -> impl Strategy<Value = f64> {
    any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |number| number.is_finite())
}

fn shape() -> impl Strategy<Value = Shape> {
    let colour = prop_oneof![Just(Colour::Red), Just(Colour::Green)];
    let leaf = prop_oneof![
        Just(Shape::Nothing),
        Just(Shape::Empty((), Unit)),
        any::<bool>().prop_map(Shape::Flag),
        any::<(i8, u8, i16, u16)>().prop_map(|(a, b, c, d)| Shape::Small(a, b, c, d)),
        any::<(i32, u32, i64, u64)>().prop_map(|(a, b, c, d)| Shape::Whole(a, b, c, d)),
        any::<(i128, u128)>().prop_map(|(a, b)| Shape::Huge(a, b)),
        finite_f32().prop_map(Shape::Single),
        finite_f64().prop_map(Shape::Double),
        any::<char>().prop_map(Shape::Letter),
        any::<String>().prop_map(Shape::Text),
        any::<Vec<u8>>().prop_map(Shape::Bytes),
        (any::<BTreeMap<bool, u8>>(), any::<BTreeMap<char, u8>>(), {
            prop::collection::btree_map(colour, any::<u8>(), 0..3)
        })
            .prop_map(|(a, b, c)| Shape::ByOther(a, b, c)),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4);
        let map = prop::collection::btree_map(any::<String>(), inner.clone(), 0..4);
        let numbers = prop::collection::btree_map(any::<i64>(), inner.clone(), 0..4);
        let pair = (inner.clone(), inner.clone());
        let named = (inner.clone(), proptest::option::of(inner.clone()), list.clone());
        prop_oneof![
            proptest::option::of(inner.clone()).prop_map(|it| Shape::Maybe(it.map(Box::new))),
            inner.prop_map(|it| Shape::Wrapped(Newtype(Box::new(it)))),
            list.prop_map(Shape::List),
            pair.prop_map(|(a, b)| Shape::Tuple(Box::new(Pair(a, b)))),
            named.prop_map(|(first, second, third)| Shape::Struct {
                named: Box::new(Named { first, second, third })
            }),
            map.prop_map(Shape::ByText),
            (numbers, any::<BTreeMap<u128, bool>>()).prop_map(|(a, b)| Shape::ByNumber(a, b)),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back_equal(value in shape()) {
        let text = written(&value).unwrap();
        let is_plain = serde_json::to_string(&value).is_ok_and(|plain| plain == text);
        prop_assert!(is_plain, "a program that reads JSON sees what serde_json would write");
        prop_assert_eq!(read::<Shape>(&text).unwrap(), value);
    }

    #[test]
    fn a_bad_number_is_named_wherever_it_is(
        before in prop::collection::vec(shape(), 0..3),
        key in any::<String>(),
        bad in prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)],
    ) {
        let mut list = before.clone();
        list.push(Shape::ByText(BTreeMap::from([(key.clone(), Shape::Double(bad))])));
        let error = to_json(&list, VALUE_LIMIT).unwrap_err();
        prop_assert_eq!(error.path, format!("[{}].ByText.{key}.Double", before.len()));
        prop_assert!(error.what.ends_with("cannot be written as JSON"), "{}", error.what);
    }

    #[test]
    fn a_limit_is_held_to_the_byte(value in shape()) {
        let text = written(&value).unwrap();
        prop_assert_eq!(&to_json(&value, text.len()).unwrap(), &text);
        let error = to_json(&value, text.len() - 1).unwrap_err().to_string();
        prop_assert!(error.contains("it is longer than"), "{error}");
    }
}

#[derive(Serialize)]
struct Order {
    lines: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    name: &'static str,
    total: f32,
    note: Option<serde_json::Value>,
}

#[test]
fn what_json_would_corrupt_is_refused_with_its_place() {
    let order = |total, note| Order {
        lines: vec![
            Line { name: "a \"quoted\" {[ name\\", total: 1.5, note: Some("x".into()) },
            Line { name: "b", total, note },
        ],
    };
    let unit_some = BTreeMap::from([("key", Some(()))]);
    let tuple_key = BTreeMap::from([("outer", HashMap::from([((1, 2), 3)]))]);
    let float_key = [Shape::Nothing].map(|_| NanKey);
    for (result, message) in [
        (written(&order(f32::NAN, None)), "lines[1].total: NaN cannot be written as JSON"),
        (
            written(&order(f32::INFINITY, None)),
            "lines[1].total: infinity cannot be written as JSON",
        ),
        (
            written(&order(f32::NEG_INFINITY, None)),
            "lines[1].total: -infinity cannot be written as JSON",
        ),
        (
            written(&order(1.0, Some(serde_json::Value::Null))),
            "lines[1].note: `Some` of a value that is `null` in JSON would be read as `None`",
        ),
        (
            written(&unit_some),
            "key: `Some` of a value that is `null` in JSON would be read as `None`",
        ),
        (
            written(&(1, Some(None::<u8>))),
            "[1]: `Some` of a value that is `null` in JSON would be read as `None`",
        ),
        (written(&tuple_key), "outer: key must be a string"),
        (written(&float_key), "[0]: float key must be finite (got NaN or +/-inf)"),
        (written(&f64::NAN), "NaN cannot be written as JSON"),
    ] {
        assert_eq!(result.unwrap_err(), message);
    }
    assert!(written(&order(1.0, None)).is_ok());
}

/// A map with a key that is no number.
struct NanKey;

impl Serialize for NanKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(f64::NAN, 1)])
    }
}

#[test]
fn what_the_reader_does_not_follow_is_not_written() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Nest {
        Leaf,
        List(Vec<Nest>),
        Field { inner: Box<Nest> },
        Same(Box<Nest>),
    }
    // How many brackets of JSON each level has.
    type Level = fn(Nest) -> Nest;
    let kinds: [(u8, Level); 3] = [
        (2, |inner| Nest::List(vec![inner])),
        (2, |inner| Nest::Field { inner: Box::new(inner) }),
        (1, |inner| Nest::Same(Box::new(inner))),
    ];
    for (brackets, level) in kinds {
        let nest = |levels| (0..levels).fold(Nest::Leaf, |inner, _| level(inner));
        let deepest = nest(DEEPEST / brackets);
        assert_eq!(read::<Nest>(&written(&deepest).unwrap()).unwrap(), deepest);
        let error = written(&nest(DEEPEST / brackets + 1)).unwrap_err();
        assert!(error.contains("nested more than 127 deep"), "{error}");
    }
}

#[test]
fn an_error_of_the_values_own_is_told_with_its_place() {
    struct Broken;
    impl Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("broken"))
        }
    }
    struct Panics;
    impl Serialize for Panics {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            std::panic::panic_any("a panic")
        }
    }
    let broken = BTreeMap::from([("a", vec![Some(Broken)])]);
    assert_eq!(written(&broken).unwrap_err(), "a[0]: broken");
    let panics = written(&(1, Panics)).unwrap_err();
    assert!(panics.starts_with("[1]: ") && panics.contains("a panic"), "{panics}");
}

#[test]
fn a_text_that_is_no_such_value_is_refused_with_its_place() {
    for (text, message) in [
        (
            r#"[{"Struct": {"named": {"first": "Nothing"}}}]"#,
            "[0].Struct.named: missing field `a \"key\" ]}`",
        ),
        (
            r#"[{"ByNumber": [{"x": "Nothing"}, {}]}]"#,
            "[0].ByNumber[0]: invalid value: expected key to be a number in quotes",
        ),
        (r#"["Nothing", {"Single": true}]"#, "[1].Single: expected f32, found boolean `true`"),
        ("[", "EOF while parsing a list"),
        ("[] []", "trailing characters"),
    ] {
        assert_eq!(read::<Vec<Shape>>(text).unwrap_err(), message, "{text}");
    }
}

/// What serde looks at before it knows what it is.
#[derive(Debug, PartialEq, Deserialize)]
struct Mixed {
    either: Either,
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Either {
    Number(u64),
    Text(std::borrow::Cow<'static, str>),
    Pair { left: Option<f64>, right: Box<[i8]> },
}

#[test]
fn what_is_looked_at_twice_is_read_as_serde_json_reads_it() {
    for text in [
        r#"{"either": 7, "else": [null, {"deep": -1.5}]}"#,
        r#"{"else": "\u00e9\n", "either": "plain"}"#,
        r#"{"either": {"right": [-128], "left": 0.1}}"#,
    ] {
        let there: Mixed = serde_json::from_str(text).unwrap();
        assert_eq!(read::<Mixed>(text).unwrap(), there);
    }
}

#[test]
fn what_would_borrow_from_the_text_is_refused() {
    let error = from_json(PhantomData::<&'static str>, "\"lent\"").unwrap_err().to_string();
    assert!(error.contains("expected a borrowed string"), "{error}");
    let error = from_json(PhantomData::<&'static [u8]>, "\"lent\"").unwrap_err().to_string();
    assert!(error.contains("expected a borrowed byte array"), "{error}");
}

#[test]
fn bytes_read_back_through_a_codec() {
    fn through(codec: Codec, value: &Value) -> (String, Value) {
        let text = written(&codec.borrow(value).unwrap()).unwrap();
        (text.clone(), from_json(codec, &text).unwrap())
    }
    let (text, back) = through(Codec::of::<Vec<u8>>(), &Value::new(vec![0_u8, 10, 255]));
    assert_eq!((&*text, back.get()), ("[0,10,255]", Some(&vec![0_u8, 10, 255])));
    let shape = Shape::Huge(i128::MIN, u128::MAX);
    let (_, back) = through(Codec::of::<Shape>(), &Value::new(shape.clone()));
    assert_eq!(back.get(), Some(&shape));
    let (_, back) = through(Codec::of::<f32>(), &Value::new(0.1_f32));
    assert_eq!(back.get(), Some(&0.1_f32));
    let nan = Value::new(Some(f32::NAN));
    let error = written(&Codec::of::<Option<f32>>().borrow(&nan).unwrap()).unwrap_err();
    assert_eq!(error, "NaN cannot be written as JSON");
}
