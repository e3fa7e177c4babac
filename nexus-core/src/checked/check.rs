//! The checks of a flow: one function a rule, the message in full.
//!
//! They are associated functions, so that a call begins with `<`, which carries the user's place.
//! `at` is where in a text or file the mistake is, and empty for tokens, which have their places.

use super::text::{Text, has, nearest, same};
use crate::event::{DescriptorName, OwnField, SettingKind};
use crate::wire::{EventWire, WirePart};

/// What an event says of itself.
#[derive(Clone, Copy)]
pub struct Spec {
    pub name: &'static str,
    /// The parameters that are fields of the pipeline.
    pub params: &'static [SpecParam],
    pub piped: Option<SpecParam>,
    /// The type that it yields, as written.
    pub output: &'static str,
    pub own: &'static [OwnField],
    /// The branches that its value names.
    pub goto: Option<&'static [DescriptorName]>,
    pub is_async: bool,
    /// Whether a durable run records its outcome, where the flow does not say.
    pub checkpoint: bool,
    pub wire: &'static EventWire,
    /// Whether this can be relied on; if not, there is another error already.
    pub known: bool,
}

/// A parameter as written.
#[derive(Clone, Copy)]
pub struct SpecParam {
    pub name: &'static str,
    pub ty: &'static str,
    /// The type that it borrows from, where that is not the type itself; otherwise empty.
    pub owned: &'static str,
}

impl Spec {
    /// What stands for the specification of what is no event: every check is silent about it.
    pub const NO_EVENT: Self = Self {
        name: "",
        params: &[],
        piped: None,
        output: "",
        own: &[],
        goto: None,
        is_async: false,
        checkpoint: true,
        wire: &EventWire::NONE,
        known: false,
    };

    /// The specification of a struct event, of what its `process` says.
    #[must_use]
    pub const fn of_struct(
        self,
        name: &'static str,
        own: &'static [OwnField],
        checkpoint: bool,
    ) -> Self {
        Self { name, own, checkpoint, ..self }
    }

    /// The specification of an event that says whether its outcome is recorded.
    #[must_use]
    pub const fn with_checkpoint(self, checkpoint: bool) -> Self {
        Self { checkpoint, ..self }
    }
}

/// One of the events whose value may come along an arrow.
pub struct Leaf {
    pub from: Spec,
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
const FAILED: Spec = Spec { known: true, ..Spec::NO_EVENT };

impl Leaf {
    pub const fn one(from: Spec, fits: bool, place: &'static str) -> Self {
        Self { from, kind: LeafKind::One, fits, place }
    }
    pub const fn each(from: Spec, fits: bool, place: &'static str) -> Self {
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
    /// Every parameter is a field of the pipeline.
    #[track_caller]
    pub const fn fields(at: &str, event: &Spec, pipeline: &str, fields: &[&str]) {
        let mut i = 0;
        while i < event.params.len() {
            let SpecParam { name, ty, owned } = event.params[i];
            if !has(fields, name) {
                Text::new()
                    .add(at)
                    .add("the event ")
                    .tick(event.name)
                    .add(" takes `")
                    .add(name)
                    .add(": ")
                    .add(ty)
                    .add("`")
                    .borrowed_from(owned)
                    .add(", but the pipeline ")
                    .tick(pipeline)
                    .add(" has no field ")
                    .tick(name)
                    .add("; its fields are ")
                    .list(fields)
                    .nearest(name, fields)
                    .panic()
            }
            i += 1;
        }
    }

    /// A field has the type of the parameter of its name.
    #[track_caller]
    pub const fn field(at: &str, event: &Spec, pipeline: &str, name: &str, ty: &str, binds: bool) {
        if binds {
            return;
        }
        let mut i = 0;
        while i < event.params.len() {
            if same(event.params[i].name, name) {
                Text::new()
                    .add(at)
                    .add("the field `")
                    .add(name)
                    .add(": ")
                    .add(ty)
                    .add("` of the pipeline ")
                    .tick(pipeline)
                    .add(" has the wrong type: the event ")
                    .tick(event.name)
                    .add(" takes `")
                    .add(name)
                    .add(": ")
                    .add(event.params[i].ty)
                    .add("`")
                    .borrowed_from(event.params[i].owned)
                    .panic()
            }
            i += 1;
        }
    }

    /// Async events need tokio.
    #[track_caller]
    pub const fn async_event() {
        if !cfg!(feature = "tokio") {
            Text::new()
                .add("async events run on tokio, which this program leaves out: add the feature in Cargo.toml, `nexus = { .., features = [\"tokio\"] }`")
                .panic()
        }
    }

    /// Async events run on the executor for them, and no others do.
    #[track_caller]
    pub const fn executor(at: &str, event: &Spec, executor: &str, is_one: bool, runs_async: bool) {
        if !event.known || !is_one || event.is_async == runs_async {
            return;
        }
        let text = Text::new().add(at).add("the event ").tick(event.name);
        if event.is_async {
            text.add(" is async, and ")
                .tick(executor)
                .add(
                    " runs plain functions; leave the executor out, which makes it `AsyncExecutor`",
                )
                .panic()
        }
        text.add(" is a plain function, which would block the threads of ")
            .tick(executor)
            .add("; make it an `async fn`, or name `ThreadPoolExecutor`")
            .panic()
    }

    /// Nothing comes along: the first step, or `->`.
    #[track_caller]
    pub const fn no_pipe(at: &str, event: &Spec, each: bool, first: bool) {
        if each && event.known {
            Text::new()
                .add(at)
                .add("the event ")
                .tick(event.name)
                .add(
                    " is to run for each item, but nothing is piped into it; write `|->` before it",
                )
                .panic()
        }
        let Some(param) = event.piped else { return };
        Text::new()
            .add(at)
            .add("the event ")
            .tick(event.name)
            .add(" takes `#[piped] ")
            .add(param.name)
            .add(": ")
            .add(param.ty)
            .add(if first {
                "`, but nothing stands before it"
            } else {
                "`, but `->` hands on nothing; write `|->`"
            })
            .panic()
    }

    /// What comes along `|->` is what the event takes.
    #[track_caller]
    pub const fn pipe(at: &str, event: &Spec, each: bool, groups: &[Members], leaves: &[Leaf]) {
        if !event.known {
            return;
        }
        let Some(param) = event.piped else {
            Text::new()
                .add(at).add("the event ").tick(event.name)
                .add(" takes nothing along `|->`; write `->`, or give it a parameter `#[piped] name: Type`")
                .panic()
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
    const fn widths(at: &str, event: &Spec, param: SpecParam, groups: &[Members]) {
        let mut i = 0;
        while i < groups.len() {
            let group = &groups[i];
            if group.takes != group.has && group.takes != usize::MAX {
                let text =
                    Text::new().add(at).add("the group hands on ").number(group.has).add(" values");
                let text =
                    if group.place.is_empty() { text } else { text.add(" as ").add(group.place) };
                let text = text.add(", but ").tick(event.name).add(" takes ");
                if group.takes == 0 {
                    text.add("one `")
                        .add(param.ty)
                        .add("`; take a tuple of ")
                        .number(group.has)
                        .add(", or a `Vec`")
                        .panic()
                }
                text.tick(param.ty).add(", which has ").number(group.takes).panic()
            }
            i += 1;
        }
    }

    #[track_caller]
    const fn misfit(
        at: &str,
        event: &Spec,
        param: SpecParam,
        each: bool,
        groups: &[Members],
        leaf: &Leaf,
    ) {
        let text = Text::new().add(at);
        let text = match leaf.kind {
            LeafKind::One => text.tick(leaf.from.name).add(" yields ").tick(leaf.from.output),
            LeafKind::Each => text
                .tick(leaf.from.name)
                .add(" runs for each item and yields `Vec<")
                .add(leaf.from.output)
                .add(">`"),
            LeafKind::Failed => text.add("a `0` branch is handed a `Failure`"),
            LeafKind::Group => text.add("a group hands on several values"),
        };
        let text = text
            .add(", but ")
            .tick(event.name)
            .add(" takes ")
            .tick(param.ty)
            .borrowed_from(param.owned)
            .add(if each { " for each item along `|->`" } else { " along `|->`" });
        let text =
            if leaf.place.is_empty() { text } else { text.add(" (").add(leaf.place).add(")") };
        if each && groups.is_empty() {
            text.add("; `each` takes a `Vec` apart: give it one, or leave `each` away").panic()
        }
        text.add("; take that type, or write `->` to go on without the value").panic()
    }

    /// Every branch that the event's value may name is there.
    #[track_caller]
    pub const fn covers(at: &str, event: &Spec, branches: &[DescriptorName]) {
        let Some(all) = event.goto else { return };
        let mut text = Text::new().add(at).add("the event ").tick(event.name).add(" may go to ");
        let mut missing = 0;
        let mut i = 0;
        while i < all.len() {
            if !is_in(branches, all[i]) {
                text = if missing > 0 { text.add(", ") } else { text };
                text = descriptor(text, all[i]);
                missing += 1;
            }
            i += 1;
        }
        if missing > 0 {
            text.add(", but no branch here is called so; write a branch for each, like `")
                .add(event.name)
                .add(" (.. -> ..)`")
                .panic()
        }
    }

    /// Everything of an event that runs in another process can cross.
    #[track_caller]
    pub const fn is_sendable(at: &str, event: &Spec, remote: bool) {
        if remote
            && event.known
            && let Some(part) = event.wire.unsendable()
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
        let text = Text::new().add(at).add("the event ").tick(event.name);
        let text = if part.name.is_empty() {
            text.add(" runs in another process, from which its output, a ").tick(part.ty).add(",")
        } else {
            let text = text.add(" runs in another process, to which `").add(part.name);
            text.add(": ").add(part.ty).add("`")
        };
        text.add(" cannot cross; ").add(part.cure()).add(", or name another executor").panic()
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
        while i < event.own.len() {
            if same(event.own[i].name, key) {
                return Self::own_kind(at, event, key, event.own[i].kind, given);
            }
            if i < MOST {
                names[i] = event.own[i].name;
            }
            i += 1;
        }
        let text = Text::new().add(at).add("there is no setting ").tick(key);
        if event.own.is_empty() {
            text.add(", and ").tick(event.name).add(" has no fields: ").add(help).panic()
        }
        let names = names.split_at(if i < MOST { i } else { MOST }).0;
        let text = text
            .add(", and no such field of ")
            .tick(event.name)
            .add(", whose fields are ")
            .list(names);
        match nearest(key, names) {
            Some(near) => text.add("; did you mean ").tick(near).add("?").panic(),
            None => text.add("; ").add(help).panic(),
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
            (SettingKind::Text, _) => "a text in quotes",
            (SettingKind::Flag, _) => "`true` or `false`",
            (SettingKind::List, _) => "a list such as `[1, 2]`",
            (SettingKind::Opaque, _) => "no value in a flow: its type cannot be written there",
        };
        let given = match given {
            SettingValueKind::Int => "a whole number",
            SettingValueKind::Float => "a number with a fraction",
            SettingValueKind::Text => "a text",
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
            SettingKind::Opaque => text.panic(),
            _ => text.add(", not ").add(given).panic(),
        }
    }

    /// Every field of the struct event that has no default is given.
    #[track_caller]
    pub const fn own_fields(at: &str, event: &Spec, keys: &[&str]) {
        let mut i = 0;
        while i < event.own.len() {
            let OwnField { name, required, .. } = event.own[i];
            if required && !has(keys, name) {
                Text::new()
                    .add(at)
                    .add("the event ")
                    .tick(event.name)
                    .add(" needs its field ")
                    .tick(name)
                    .add(": write `")
                    .add(event.name)
                    .add("[")
                    .add(name)
                    .add(" = ..]`")
                    .add(", or give the field a `#[field(default)]`")
                    .panic()
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

const fn descriptor(text: Text, name: DescriptorName) -> Text {
    match name {
        DescriptorName::Number(number) => text.add("`").number(number as usize).add("`"),
        DescriptorName::Name(name) => text.tick(name),
    }
}
