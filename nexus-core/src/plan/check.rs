//! The checks that need both the flow and its events: parameters against fields, and what flows
//! along each `|->` against who receives it. A checked pipeline has passed them when it compiled.

use std::rc::Rc;
use std::sync::Arc;

use nexus_pointy::binding_code as code;
use nexus_pointy::wiring::{End, Input, Use, Wiring, wiring};
use nexus_pointy::{Attr, Descriptor, Diagnostic, Flow, Name, suggest, unknown_setting};

use super::{NONE, Plan};
use crate::event::{Body, BodySource, EventDef, OwnField, OwnValues, ParamKind};
use crate::piped::Upstream;
use crate::value::TypeInfo;

/// Binds each parameter to a field or a state; says which cannot be bound.
pub(super) fn bind(
    def: &EventDef,
    name: &Name,
    plan: &mut Plan,
    mistakes: &mut Vec<Diagnostic>,
) -> Box<[u32]> {
    let mut slots = Vec::with_capacity(def.params.len());
    for param in def.params.iter() {
        slots.push(match param.kind {
            ParamKind::Piped | ParamKind::Context => NONE,
            ParamKind::State => state_slot(plan, param.ty),
            ParamKind::Field => match field_slot(plan, param.name(), param.ty) {
                Ok(slot) => slot,
                Err((message, help)) => {
                    let takes = def.param_text(param);
                    let message = format!("`{}` takes {takes}, but {message}", def.name);
                    mistakes.push(Diagnostic::new(code::UNBOUND, message, name.span).help(help));
                    NONE
                }
            },
        });
    }
    slots.into()
}

fn state_slot(plan: &mut Plan, ty: TypeInfo) -> u32 {
    let found = plan.states.iter().position(|state| *state == ty);
    found.unwrap_or_else(|| {
        plan.states.push(ty);
        plan.states.len() - 1
    }) as u32
}

fn field_slot(plan: &Plan, name: &str, ty: TypeInfo) -> Result<u32, (String, String)> {
    let fields = &plan.fields.0;
    let Some(slot) = fields.iter().position(|field| *field.name == *name) else {
        let help = match suggest::nearest(name, plan.fields.names()) {
            Some(near) => format!("did you mean the field `{near}`?"),
            None => format!("add a field `{name}: {ty:?}` to the pipeline"),
        };
        let message = if fields.is_empty() {
            "the pipeline has no fields".to_owned()
        } else {
            let names: Vec<String> = plan.fields.names().map(|name| format!("`{name}`")).collect();
            format!("the pipeline has only {}", names.join(", "))
        };
        return Err((message, help));
    };
    let has = fields[slot].ty;
    if has == ty {
        return Ok(slot as u32);
    }
    let message = format!("the pipeline's `{name}` is a `{has:?}`");
    Err((message, format!("make one of the two a `{ty:?}` or a `{has:?}`")))
}

/// Makes the body of a struct event from the fields that the flow sets.
pub(super) fn make_body(
    def: &EventDef,
    name: &Name,
    own: &OwnValues<'_>,
) -> Result<Arc<dyn Body>, Vec<Diagnostic>> {
    let mut mistakes: Vec<Diagnostic> = unknown_settings(def.own_fields, own.0).collect();
    for field in def.own_fields.iter().filter(|field| field.required) {
        if !own.0.iter().any(|attr| *attr.key.text == *field.name) {
            let message = format!("`{}` has a field `{}` that is not set", def.name, field.name);
            let help = format!(
                "write `{}[{} = ..]`, or give the field a `#[field(default)]`",
                def.name, field.name
            );
            mistakes.push(Diagnostic::new(code::OWN_FIELD, message, name.span).help(help));
        }
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    match &def.body {
        BodySource::Ready(body) => Ok(Arc::clone(body)),
        BodySource::Fields(make) => make(own).map_err(|message| {
            let message = format!("`{}`: {message}", def.name);
            vec![Diagnostic::new(code::OWN_FIELD, message, name.span)]
        }),
    }
}

/// Says of each key that is none of the `fields` that it is no setting either.
pub(super) fn unknown_settings<'a>(
    fields: &'static [OwnField],
    own: &'a [Attr],
) -> impl Iterator<Item = Diagnostic> + use<'a> {
    let is_none = |attr: &&Attr| !fields.iter().any(|field| *field.name == *attr.key.text);
    own.iter().filter(is_none).map(|attr| {
        let near = suggest::nearest(&attr.key.text, fields.iter().map(|field| field.name));
        let mut mistake = unknown_setting(attr);
        mistake.code = code::UNKNOWN_SETTING;
        mistake.help =
            near.map(|near| format!("did you mean the field `{near}`?")).or(mistake.help);
        mistake
    })
}

/// Checks every event's input against what the arrows bring it.
pub(super) fn arrows(flow: &Flow, plan: &Plan, uses: &[u32], mistakes: &mut Vec<Diagnostic>) {
    let wiring = wiring(flow);
    let mut checker = Checker {
        wiring: &wiring,
        plan,
        uses,
        upstreams: vec![None; wiring.sources.len()],
        passed: None,
    };
    for (index, place) in wiring.uses.iter().enumerate() {
        let event = uses.get(index).and_then(|event| plan.events.get(*event as usize));
        let Some(event) = event else { continue };
        let receives = checker.receives(place, &event.def, uses[index]);
        mistakes.extend(receives.err());
        mistakes.extend(uncovered(place, &event.def));
    }
}

/// What may come along a source.
#[derive(Clone)]
struct Coming {
    upstream: Upstream,
    /// The use of an event that yields it, where it is what a single one yields.
    from: Option<usize>,
}

struct Checker<'a, 'f> {
    wiring: &'a Wiring<'f>,
    plan: &'a Plan,
    uses: &'a [u32],
    /// For each source, what may come along it, once known.
    upstreams: Vec<Option<Rc<[Coming]>>>,
    /// The last source and event that fitted, since a large group asks the same of each member.
    passed: Option<(u32, bool, usize)>,
}

impl Checker<'_, '_> {
    fn receives(&mut self, place: &Use<'_>, def: &EventDef, event: u32) -> Result<(), Diagnostic> {
        let mistake = |message: String, span| Diagnostic::new(code::PIPE, message, span);
        let name = &place.name.text;
        let Input::Piped { arrow, from } = place.input else {
            if place.each {
                let message =
                    format!("`{name}` is to run for each item, but nothing is piped into it");
                return Err(
                    mistake(message, place.name.span).help("draw the arrow before it as `|->`")
                );
            }
            return match def.takes_text() {
                Some(takes) => Err(mistake(
                    format!(
                        "`{name}` takes {takes} along `|->`, but nothing is piped into it here"
                    ),
                    place.name.span,
                )
                .help("draw the arrow before it as `|->`")),
                None => Ok(()),
            };
        };
        if def.is_closure && !place.each {
            return Ok(());
        }
        let takes = if place.each { def.ports.items } else { def.ports.takes };
        let Some(takes) = takes else {
            let message = format!("`{name}` takes nothing along `|->`");
            let cure = if def.is_closure {
                "say what its items are: `registry.event(..).each_of::<T>()`"
            } else {
                "draw the arrow as `->`, or give the event a `#[piped]` parameter"
            };
            return Err(mistake(message, arrow).help(cure));
        };
        if self.passed == Some((event, place.each, from)) {
            return Ok(());
        }
        let accepts = if place.each { def.ports.accepts_items_of } else { def.ports.accepts };
        let upstreams = self.upstreams(from);
        if let Some(coming) = upstreams.iter().find(|coming| !accepts(&coming.upstream)) {
            let each = if place.each { "for each item " } else { "" };
            let gives = self.gives(coming);
            let takes_text = def.takes_text().unwrap_or_else(|| format!("`{}`", takes.name()));
            let message = format!("{gives}, but `{name}` takes {takes_text} {each}along `|->`");
            return Err(mistake(message, arrow).help(cure(place, takes)));
        }
        self.passed = Some((event, place.each, from));
        Ok(())
    }

    /// The event that stands at a use.
    fn event(&self, index: usize) -> Option<&EventDef> {
        let event = self.plan.events.get(*self.uses.get(index)? as usize)?;
        Some(&event.def)
    }

    /// Who gives what comes along, and of which type it is.
    fn gives(&self, coming: &Coming) -> String {
        match (&coming.upstream, coming.from.and_then(|index| self.event(index))) {
            (Upstream::One(_), Some(def)) => {
                format!("`{}` yields `{}`", def.name, def.output_text())
            }
            (Upstream::Each { .. }, Some(def)) => {
                let output = def.output_text();
                format!("`{}` runs for each item and yields `Vec<{output}>`", def.name)
            }
            (Upstream::Reason, _) => "a `0` branch is handed a `Failure`".to_owned(),
            (up, _) => format!("the group hands on `{up}`"),
        }
    }

    /// What may come along a source. Groups nest as deep as brackets do, so the recursion is
    /// bounded.
    fn upstreams(&mut self, source: usize) -> Rc<[Coming]> {
        if let Some(Some(known)) = self.upstreams.get(source) {
            return Rc::clone(known);
        }
        let wiring = self.wiring;
        let upstreams: Rc<[Coming]> =
            wiring.alternatives(source).flat_map(|end| self.end(end)).collect();
        if let Some(slot) = self.upstreams.get_mut(source) {
            *slot = Some(Rc::clone(&upstreams));
        }
        upstreams
    }

    fn end(&mut self, end: &End) -> Vec<Coming> {
        let alone = |upstream| vec![Coming { upstream, from: None }];
        match end {
            // `alternatives` has unfolded these.
            End::AnyOf(_) => Vec::new(),
            End::Failure => alone(Upstream::Reason),
            End::Output(id) => {
                let Some(def) = self.event(*id) else { return Vec::new() };
                let each = self.wiring.uses.get(*id).is_some_and(|place| place.each);
                let upstream = if each {
                    Upstream::Each { list: def.ports.list, item: def.output.ty }
                } else {
                    Upstream::One(def.output.ty)
                };
                vec![Coming { upstream, from: Some(*id) }]
            }
            End::Group(members) => {
                // Each alternative of a member is tried with the first of the others.
                let members: Vec<Rc<[Coming]>> =
                    members.iter().map(|member| self.upstreams(*member)).collect();
                let first = |upstreams: &Rc<[Coming]>| Some(upstreams.first()?.upstream.clone());
                let Some(base) = members.iter().map(first).collect::<Option<Vec<Upstream>>>()
                else {
                    return Vec::new();
                };
                let mut all = Vec::new();
                for (index, upstreams) in members.iter().enumerate() {
                    for other in upstreams.iter().skip(1) {
                        let mut variant = base.clone();
                        variant[index] = other.upstream.clone();
                        all.push(Upstream::Group(variant));
                    }
                }
                all.push(Upstream::Group(base));
                all.into_iter().flat_map(alone).collect()
            }
        }
    }
}

fn cure(place: &Use<'_>, takes: TypeInfo) -> String {
    if place.each {
        return format!("pipe a `Vec<{takes:?}>` or an `Items<{takes:?}>` into it");
    }
    "draw the arrow as `->`, or change the type of the `#[piped]` parameter".to_owned()
}

/// A typed goto needs a branch for each of its variants.
fn uncovered(place: &Use<'_>, def: &EventDef) -> Option<Diagnostic> {
    if def.descriptors.is_empty() {
        return None;
    }
    let missing: Vec<String> = def
        .descriptors
        .iter()
        .map(|name| Descriptor::from(*name))
        .filter(|name| !place.unit.branches.iter().any(|branch| branch.descriptor == *name))
        .map(|name| format!("`{name}`"))
        .collect();
    if missing.is_empty() {
        return None;
    }
    let message = format!("`{}` has no branch for {}", place.name.text, missing.join(", "));
    Some(
        Diagnostic::new(code::UNCOVERED, message, place.name.span)
            .help(format!("add it: `{} (.. -> ..)`", place.name.text)),
    )
}
