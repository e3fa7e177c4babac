//! Feeds the parser, the checks and the formatter with mutated scripts.
//!
//! It mutates bytes and tokens, guided by the parser's output: an input with a new kind of
//! diagnostic or a new sequence of three token kinds joins the corpus.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use nexus_pointy::{Parsed, TokenKind, lex, parse};

#[path = "../processor/mod.rs"]
pub(crate) mod processor;

use super::checks::check;
use processor::within;

/// Inputs are cut to this many bytes.
const MAX_INPUT: usize = 16 << 10;
/// The corpus keeps at most this many inputs.
const MAX_CORPUS: usize = 4_000;
/// An input of that length must not take more of a processor.
const TIME_LIMIT: Duration =
    Duration::from_millis(if cfg!(debug_assertions) { 20_000 } else { 500 });

pub(crate) const TOKENS: &[&str] = &[
    "#x\n",
    "A",
    "b::c",
    "->",
    "|->",
    "||",
    "*",
    "3",
    "0",
    "1",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    ",",
    "=",
    ":",
    "::",
    "\"s\"",
    "true",
    "-1",
    "0.5",
    "each",
    "max_attempts",
    "retry_policy",
    "_",
    "# c\n",
    "#",
    "\n",
    "\r\n",
    "\r",
    " ",
    "\t",
    "\n\n",
    "\"",
    "'",
    "\\",
    "\\u{41}",
    "//",
    "/*",
    "*/",
    "=>",
    "-",
    "|",
    ">",
    ";",
    ".",
    "&&",
    "→",
    "“",
    "”",
    "é",
    "😀",
    "\u{feff}",
    "\u{202e}",
    "\0",
    "1e999",
    "99999999999",
    "18446744073709551616",
    "A -> B",
    "(0 -> X, 1 -> Y)",
    "[x = 1]",
    "{A || B}",
];

/// What may follow a name, so that a valid script stays valid more often than not.
const PARTS: &[&str] = &[
    " -> B",
    "|->C",
    " || D",
    " * 2",
    "[each]",
    "[x = [1, {}], y = { a: b },]",
    " (0 -> X, 1 |-> Y)",
    " -> {E || F}",
    " -> (G)",
    " -> 2 * H",
    "::i",
    " -> a_name_that_takes_much_of_the_width_of_a_line",
];

/// What may stand between any two tokens.
const GAPS: &[&str] =
    &[" ", "\n", "\n\n", "\r\n", "\t", "# c\n", "\n# c\n", " # c\r\n\r\n", "#\r", "\u{a0}"];

/// Numbers that look random, the same from the same seed (`SplitMix64`).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, or 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// The shorter of two scripts: short ones are quick, and as good.
    fn short<'t>(&mut self, from: &'t [String]) -> &'t String {
        let (one, other) = (self.below(from.len()), self.below(from.len()));
        if from[one].len() <= from[other].len() { &from[one] } else { &from[other] }
    }

    fn pick<'t, T: ?Sized>(&mut self, from: &[&'t T]) -> &'t T {
        from[self.below(from.len())]
    }
}

/// The counts of a run of the fuzzer.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    pub(crate) inputs: u64,
    pub(crate) bytes: u64,
    /// Inputs without a mistake.
    pub(crate) valid: u64,
    pub(crate) slowest: Duration,
}

pub(crate) struct Fuzzer {
    random: Random,
    corpus: Vec<String>,
    /// Scripts without a mistake, mutated as often as the corpus.
    valid: Vec<String>,
    features: HashSet<u64>,
    pub(crate) stats: Stats,
}

impl Fuzzer {
    /// Starts with the scripts of the tests.
    pub(crate) fn new(seed: u64) -> Self {
        let mut fuzzer = Self {
            random: Random(seed),
            corpus: Vec::new(),
            valid: Vec::new(),
            features: HashSet::new(),
            stats: Stats::default(),
        };
        for folder in ["tests/scripts", "tests/broken"] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            let mut files: Vec<_> =
                files.filter(|path| path.extension().is_some_and(|it| it == "pty")).collect();
            files.sort();
            fuzzer.corpus.extend(files.iter().map(|path| std::fs::read_to_string(path).unwrap()));
        }
        fuzzer.valid = fuzzer.corpus.iter().filter(|it| is_valid(it)).cloned().collect();
        fuzzer
    }

    pub(crate) fn corpus(&self) -> usize {
        self.corpus.len()
    }

    /// Tries one input. The error names the property that does not hold, and the input.
    pub(crate) fn step(&mut self) -> Result<(), String> {
        let input = if self.random.below(2) == 0 { self.mutate() } else { self.extend() };
        let start = Instant::now();
        let checked = || within(TIME_LIMIT, "an input", || check(&input));
        let outcome = catch_unwind(AssertUnwindSafe(checked));
        let taken = start.elapsed();
        self.stats.inputs += 1;
        self.stats.bytes += input.len() as u64;
        self.stats.slowest = self.stats.slowest.max(taken);
        let parsed = match outcome {
            Err(_) => return Err(format!("a panic, or too much time\nof {input:?}")),
            Ok(Err(what)) => return Err(format!("{what}\nof {input:?}")),
            Ok(Ok(parsed)) => parsed,
        };
        if parsed.diagnostics.is_empty() {
            self.stats.valid += 1;
            if input.len() < 1_000 {
                add_to(&mut self.valid, input.clone(), &mut self.random);
            }
        }
        if self.is_new(&input, &parsed) {
            add_to(&mut self.corpus, input, &mut self.random);
        }
        Ok(())
    }

    /// Whether the input has a feature that no input before it had.
    fn is_new(&mut self, input: &str, parsed: &Parsed) -> bool {
        let mut new = false;
        let mut feature = |it: &dyn Fn(&mut DefaultHasher)| {
            let mut hasher = DefaultHasher::new();
            it(&mut hasher);
            new |= self.features.insert(hasher.finish());
        };
        for it in &parsed.diagnostics {
            // Without what is quoted from the script.
            let words: Vec<&str> = it.message.split('`').step_by(2).collect();
            feature(&|hasher| (it.code, &words, it.labels.len()).hash(hasher));
        }
        let valid = parsed.diagnostics.is_empty();
        for three in lex(input).0.windows(3) {
            let kinds: Vec<_> = three.iter().map(|token| token.kind).collect();
            feature(&|hasher| (valid, &kinds).hash(hasher));
        }
        new
    }

    /// Puts parts and gaps between the tokens of a valid script.
    fn extend(&mut self) -> String {
        let random = &mut self.random;
        let mut script = random.short(&self.valid).clone();
        for _ in 0..=random.below(4) {
            let tokens = lex(&script).0;
            let Some(token) = tokens.get(random.below(tokens.len())) else { break };
            let (at, kind) = (token.span.end as usize, token.kind);
            let named = kind == TokenKind::Ident && random.below(2) == 0;
            let text = if named { random.pick(PARTS) } else { random.pick(GAPS) };
            script.insert_str(at, text);
        }
        script
    }

    /// Changes a script in any way.
    fn mutate(&mut self) -> String {
        let random = &mut self.random;
        let mut bytes = random.short(&self.corpus).clone().into_bytes();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len() + 1);
            let end = at + random.below((bytes.len() - at).min(24) + 1);
            match random.below(10) {
                0 => bytes.insert(at, random.next() as u8),
                1 => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << random.below(8);
                    }
                }
                2 => drop(bytes.drain(at..end)),
                3 => {
                    let part = bytes[at..end].to_vec();
                    let to = random.below(bytes.len() + 1);
                    bytes.splice(to..to, part);
                }
                4 => {
                    let part = bytes[at..end].repeat(exponential(random));
                    bytes.splice(at..at, part);
                }
                5 => {
                    let other = random.short(&self.corpus).as_bytes();
                    let from = random.below(other.len() + 1);
                    let to = from + random.below(other.len() - from + 1);
                    bytes.splice(at..end, other[from..to].iter().copied());
                }
                6 => {
                    let part = random.pick(TOKENS).repeat(exponential(random));
                    bytes.splice(at..at, part.into_bytes());
                }
                _ => drop(bytes.splice(at..at, random.pick(TOKENS).bytes())),
            }
        }
        bytes.truncate(MAX_INPUT);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Mostly a small number, at most 1024: each double is half as frequent.
fn exponential(random: &mut Random) -> usize {
    1 << (random.next() | 1 << 10).trailing_zeros()
}

fn add_to(list: &mut Vec<String>, input: String, random: &mut Random) {
    if list.len() < MAX_CORPUS {
        list.push(input);
    } else {
        list[random.below(MAX_CORPUS)] = input;
    }
}

fn is_valid(script: &str) -> bool {
    parse(script).diagnostics.is_empty()
}
