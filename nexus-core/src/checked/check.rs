//! The checks of a flow: one function a rule, the message in full.
//!
//! Generated code calls them in brackets that carry the user's place. `at` is where in a text or file
//! the mistake is, and empty for tokens, which have their places.

use nexus_pointy::binding_code as code;
use nexus_pointy::suggest::nearest_of;

use super::executor::NamedExecutor;
use super::text::{Text, has, same};
use crate::event::{DescriptorName, OwnField, ParamSpec, SettingKind, Spec, TypedGoto};
use crate::wire::WirePart;

/// One of the events whose value may come along an arrow.
pub struct Leaf {
    pub from: &'static Spec,
    /// Whether what comes is an `each` step's list, or a failure.
    pub kind: LeafKind,
    pub fits: bool,
    /// "value 1 of 2", or nothing where there is one value.
    pub place: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum LeafKind {
    One,
    Each,
    Failed,
    Group,
}

/// Stands for a step whose failure comes along.
const FAILED: &Spec = &Spec { known: true, ..Spec::NO_EVENT };

impl Leaf {
    pub const fn one(from: &'static Spec, fits: bool, place: &'static str) -> Self {
        Self { from, kind: LeafKind::One, fits, place }
    }
    pub const fn each(from: &'static Spec, fits: bool, place: &'static str) -> Self {
        Self { from, kind: LeafKind::Each, fits, place }
    }
    pub const fn failed(fits: bool, place: &'static str) -> Self {
        Self { from: FAILED, kind: LeafKind::Failed, fits, place }
    }
    /// A group where one value is wanted.
    pub const fn group(place: &'static str) -> Self {
        Self { from: FAILED, kind: LeafKind::Group, fits: false, place }
    }
}

/// A group that may come along an arrow: how many members it has, and how many are taken there.
pub struct Members {
    pub has: usize,
    pub takes: usize,
    /// "value 1 of 2", or nothing for the whole.
    pub place: &'static str,
}

/// The kinds of values that a flow may give a field.
#[derive(Clone, Copy)]
pub enum SettingValueKind {
    Int,
    Float,
    Text,
    Flag,
    List,
    Name,
    Map,
}

/// The checks.
pub struct Check;

impl Check {
    /// An event that takes a value clones it.
    #[track_caller]
    pub const fn by_value(ty: &str, is_clone: bool, is_context: bool) {
        if is_context {
            Text::new()
                .add("take the context by reference, as `&Context`")
                .panic(code::BAD_SIGNATURE)
        }
        if !is_clone {
            Text::new()
                .tick(ty)
                .add(" is taken by value, but is not `Clone`; take `&")
                .add(ty)
                .add("` or `Arc<")
                .add(ty)
                .add(">`, which share the field")
                .panic(code::BAD_SIGNATURE)
        }
    }

    /// The type that an event returns is one that events may return.
    #[track_caller]
    pub const fn returns(ty: &str, is_one: bool) {
        if !is_one {
            Text::new()
                .add("an event cannot return ")
                .tick(ty)
                .add("; the error must implement `std::error::Error + Send + Sync`, or be an `anyhow::Error`, a `Box<dyn std::error::Error + Send + Sync>` or a `String`")
                .panic(code::BAD_SIGNATURE)
        }
    }

    /// A field that the flow must set can be written in a flow.
    #[track_caller]
    pub const fn settable(ty: &str, kind: SettingKind) {
        if matches!(kind, SettingKind::Opaque) {
            Text::new()
                .add("a field of type ")
                .tick(ty)
                .add(" cannot be set in a flow; give it a default: `#[field(default)]` or `#[field(default = ..)]`")
                .panic(code::BAD_SIGNATURE)
        }
    }

    /// Async events need tokio.
    #[track_caller]
    pub const fn async_event() {
        if !cfg!(feature = "tokio") {
            Text::new()
                .add("async events run on tokio, which this program leaves out; add the feature in Cargo.toml, `nexus = { .., features = [\"tokio\"] }`")
                .panic(code::BAD_EXECUTOR)
        }
    }

    /// Async events run on the executor for them, and no others do.
    #[track_caller]
    pub const fn executor(at: &str, event: &Spec, executor: &str, named: NamedExecutor) {
        let text = Text::new().add(at);
        if !named.is_one {
            text.tick(executor)
                .add(" is not an executor; write `DefaultExecutor`, `ThreadPoolExecutor`, `AsyncExecutor`, `ProcessPoolExecutor`, or a type of your own that implements `nexus::Executor`")
                .panic(code::BAD_EXECUTOR)
        }
        if !event.known || event.options.is_async == named.runs_async() {
            return;
        }
        let text = text.tick(event.name);
        if event.options.is_async {
            text.add(" is async, but ")
                .tick(executor)
                .add(" runs plain functions; remove the executor, and `AsyncExecutor` runs it")
                .panic(code::BAD_EXECUTOR)
        }
        text.add(" is a plain function, which would block the threads of ")
            .tick(executor)
            .add("; make it an `async fn`, or write `ThreadPoolExecutor`")
            .panic(code::BAD_EXECUTOR)
    }

    /// Nothing comes along: the first step, or `->`.
    #[track_caller]
    pub const fn no_pipe(at: &str, event: &Spec, each: bool, first: bool) {
        if each && event.known {
            Text::new()
                .add(at)
                .tick(event.name)
                .add(" runs for each item, but nothing is piped into it; write `|->` before it")
                .panic(code::PIPE)
        }
        let Some(param) = event.piped() else { return };
        Text::new()
            .add(at)
            .tick(event.name)
            .add(" takes `#[piped] ")
            .add(param.part.name)
            .add(": ")
            .add(param.part.ty)
            .add(if first {
                "`, but it starts the flow; put an event before it, or remove `#[piped]` to take a field"
            } else {
                "`, but `->` passes no value; write `|->`"
            })
            .panic(code::PIPE)
    }

    /// The same of what a single step yields.
    #[track_caller]
    pub const fn pipe_one(at: &str, event: &Spec, each: bool, from: &'static Spec, fits: bool) {
        if !fits {
            Self::pipe(at, event, each, &[], &[Leaf::one(from, fits, "")]);
        }
    }

    /// What comes along `|->` is what the event takes.
    #[track_caller]
    pub const fn pipe(at: &str, event: &Spec, each: bool, groups: &[Members], leaves: &[Leaf]) {
        if !event.known {
            return;
        }
        let Some(param) = event.piped() else {
            Text::new()
                .add(at)
                .tick(event.name)
                .add(" takes no piped value; write `->`, or give it a parameter `#[piped] name: Type`")
                .panic(code::PIPE)
        };
        let mut bad = usize::MAX;
        let mut i = 0;
        while i < leaves.len() {
            if !leaves[i].from.known {
                return;
            }
            if !leaves[i].fits && bad == usize::MAX {
                bad = i;
            }
            i += 1;
        }
        if !each {
            Self::widths(at, event, param, groups);
        }
        if bad != usize::MAX {
            Self::misfit(at, event, param, each, groups, &leaves[bad]);
        }
    }

    #[track_caller]
    const fn widths(at: &str, event: &Spec, param: &ParamSpec, groups: &[Members]) {
        let mut i = 0;
        while i < groups.len() {
            let group = &groups[i];
            if group.takes != group.has && group.takes != usize::MAX {
                let text =
                    Text::new().add(at).add("the group yields ").number(group.has).add(" values");
                let text =
                    if group.place.is_empty() { text } else { text.add(" as ").add(group.place) };
                let text = text.add(", but ").tick(event.name).add(" takes ");
                let text = if group.takes == 0 {
                    text.add("one ").tick(param.part.ty)
                } else {
                    text.tick(param.part.ty).add(", which has ").number(group.takes)
                };
                text.add("; take a tuple of ")
                    .number(group.has)
                    .add(", or a `Vec`")
                    .panic(code::PIPE)
            }
            i += 1;
        }
    }

    #[track_caller]
    const fn misfit(
        at: &str,
        event: &Spec,
        param: &ParamSpec,
        each: bool,
        groups: &[Members],
        leaf: &Leaf,
    ) {
        let text = Text::new().add(at);
        let text = match leaf.kind {
            LeafKind::One => text.tick(leaf.from.name).add(" yields ").tick(leaf.from.output.ty),
            LeafKind::Each => text
                .tick(leaf.from.name)
                .add(" runs for each item and yields `Vec<")
                .add(leaf.from.output.ty)
                .add(">`"),
            LeafKind::Failed => text.add("`0 |->` passes a `Failure`"),
            LeafKind::Group => text.add("a group yields several values"),
        };
        let text = text
            .add(", but ")
            .tick(event.name)
            .add(" takes ")
            .tick(param.part.ty)
            .borrowed_from(param.owned)
            .add(if each { " for each item" } else { "" });
        let text =
            if leaf.place.is_empty() { text } else { text.add(" (").add(leaf.place).add(")") };
        if each && groups.is_empty() {
            text.add("; `each` needs a `Vec` before it, so yield one, or remove `each`")
                .panic(code::PIPE)
        }
        text.add("; take what is yielded, or write `->` to run without it").panic(code::PIPE)
    }

    /// Every branch that the event's value may name is there.
    #[track_caller]
    pub const fn covers(at: &str, event: &Spec, branches: &[DescriptorName]) {
        let Some(TypedGoto { names: all, .. }) = event.yields.goto else { return };
        let (mut names, mut cure) = (Text::new(), Text::new());
        let mut missing = 0;
        let mut i = 0;
        while i < all.len() {
            if !is_in(branches, all[i]) {
                if missing > 0 {
                    names = names.add(", ");
                    cure = cure.add(", ");
                }
                names = names.add("`").descriptor(all[i]).add("`");
                cure = cure.descriptor(all[i]).add(" -> ..");
                missing += 1;
            }
            i += 1;
        }
        if missing > 0 {
            let text = Text::new().add(at).tick(event.name).add(" can return ").append(&names);
            let text = text.add(", but this step has no branch for ");
            let text = text.add(if missing == 1 { "it; add `" } else { "them; add `" });
            let text = if branches.is_empty() { text.add("(") } else { text };
            let text = text.append(&cure);
            let text = if branches.is_empty() { text.add(")") } else { text };
            text.add("`").panic(code::UNCOVERED)
        }
    }

    /// Everything of an event that runs in another process can cross.
    #[track_caller]
    pub const fn is_sendable(at: &str, event: &Spec, remote: bool) {
        if remote
            && event.known
            && let Some(part) = event.unsendable()
        {
            Self::unsendable(at, event, part);
        }
    }

    /// The same of one parameter, or of the output.
    #[track_caller]
    pub const fn part_is_sendable(at: &str, event: &Spec, remote: bool, part: &WirePart) {
        if remote && event.known && part.is_unsendable() {
            Self::unsendable(at, event, part);
        }
    }

    #[track_caller]
    const fn unsendable(at: &str, event: &Spec, part: &WirePart) -> ! {
        let text = Text::new().add(at).tick(event.name).add(" runs in another process, but ");
        let text = if part.name.is_empty() {
            text.add("its output ").tick(part.ty)
        } else {
            text.add("`").add(part.name).add(": ").add(part.ty).add("`")
        };
        text.add(" cannot be sent there; ")
            .add(part.cure())
            .add(", or write another executor")
            .panic(code::BAD_EXECUTOR)
    }

    /// A key that is no setting is a field of the struct event, and has its type. `help` is
    /// what to say where it is not even near to a field.
    #[track_caller]
    pub const fn own_field(at: &str, event: &Spec, key: &str, given: SettingValueKind, help: &str) {
        const MOST: usize = 64;
        if !event.known {
            return;
        }
        let mut names = [""; MOST];
        let mut i = 0;
        while i < event.options.own.len() {
            if same(event.options.own[i].name, key) {
                return Self::own_kind(at, event, key, event.options.own[i].kind, given);
            }
            if i < MOST {
                names[i] = event.options.own[i].name;
            }
            i += 1;
        }
        let text = Text::new().add(at).add("unknown setting ").tick(key);
        if event.options.own.is_empty() {
            text.add("; ").add(help).panic(code::UNKNOWN_SETTING)
        }
        let names = names.split_at(if i < MOST { i } else { MOST }).0;
        let text = text.add(", and ").tick(event.name).add(" has no such field; ");
        match nearest_of(key, names) {
            Some(near) => {
                text.add("did you mean ").tick(near).add("?").panic(code::UNKNOWN_SETTING)
            }
            None => text
                .add("its fields are ")
                .list(names)
                .add("; ")
                .add(help)
                .panic(code::UNKNOWN_SETTING),
        }
    }

    #[track_caller]
    const fn own_kind(
        at: &str,
        event: &Spec,
        key: &str,
        kind: SettingKind,
        given: SettingValueKind,
    ) {
        let takes = match (kind, given) {
            (SettingKind::Int, SettingValueKind::Int)
            | (SettingKind::Float, SettingValueKind::Float | SettingValueKind::Int)
            | (SettingKind::Text, SettingValueKind::Text)
            | (SettingKind::Flag, SettingValueKind::Flag)
            | (SettingKind::List, SettingValueKind::List) => return,
            (SettingKind::Int, _) => "a whole number",
            (SettingKind::Float, _) => "a number",
            (SettingKind::Text, _) => "a string",
            (SettingKind::Flag, _) => "`true` or `false`",
            (SettingKind::List, _) => "a list such as `[1, 2]`",
            (SettingKind::Opaque, _) => {
                "no value in a flow, where its type cannot be written; remove it here"
            }
        };
        let given = match given {
            SettingValueKind::Int => "a whole number",
            SettingValueKind::Float => "a number with a fraction",
            SettingValueKind::Text => "a string",
            SettingValueKind::Flag => "`true` or `false`",
            SettingValueKind::List => "a list",
            SettingValueKind::Name => "a name",
            SettingValueKind::Map => "a map",
        };
        let text = Text::new()
            .add(at)
            .add("the field ")
            .tick(key)
            .add(" of ")
            .tick(event.name)
            .add(" takes ")
            .add(takes);
        match kind {
            SettingKind::Opaque => text.panic(code::OWN_FIELD),
            _ => text.add(", not ").add(given).panic(code::OWN_FIELD),
        }
    }

    /// Every field of the struct event that has no default is given.
    #[track_caller]
    pub const fn own_fields(at: &str, event: &Spec, keys: &[&str]) {
        let mut i = 0;
        while i < event.options.own.len() {
            let OwnField { name, required, .. } = event.options.own[i];
            if required && !has(keys, name) {
                Text::new()
                    .add(at)
                    .tick(event.name)
                    .add(" needs its field ")
                    .tick(name)
                    .add("; write `")
                    .add(event.name)
                    .add("[")
                    .add(name)
                    .add(" = ..]`, or give the field a `#[field(default)]`")
                    .panic(code::OWN_FIELD)
            }
            i += 1;
        }
    }
}

const fn is_in(branches: &[DescriptorName], wanted: DescriptorName) -> bool {
    let mut i = 0;
    while i < branches.len() {
        let found = match (branches[i], wanted) {
            (DescriptorName::Number(a), DescriptorName::Number(b)) => a == b,
            (DescriptorName::Name(a), DescriptorName::Name(b)) => same(a, b),
            _ => false,
        };
        if found {
            return true;
        }
        i += 1;
    }
    false
}
