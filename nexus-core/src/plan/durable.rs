//! What of a plan keeps its runs from being durable. A pipeline that says `durable` has passed these
//! checks when it was compiled; others are asked when a run is given a key.

use super::Plan;
use crate::event::EventDef;
use crate::piped::Items;
use crate::value::TypeInfo;

impl Plan {
    /// In a sentence each, which fields and which steps cannot be recorded.
    pub(crate) fn durable_mistakes(&self) -> Vec<String> {
        let fields = self.fields.0.iter().filter(|field| field.transfer.is_unsendable());
        let mut mistakes: Vec<String> = fields.map(super::Field::unwritable).collect();
        // A flow may set it otherwise for each step of an event.
        let mut seen = [vec![false; self.events.len()], vec![false; self.events.len()]];
        for step in &self.steps {
            let (event, options) = (step.event as usize, &self.options[step.options as usize]);
            if std::mem::replace(&mut seen[usize::from(options.checkpoint)][event], true) {
                continue;
            }
            let def = &self.events[event].def;
            mistakes.extend(if options.checkpoint { unrecordable(def) } else { uncomputable(def) });
        }
        mistakes
    }
}

/// Why the value that an event yields cannot be computed again where a run is brought back, if so.
fn uncomputable(def: &EventDef) -> Option<String> {
    let why =
        "an async event cannot have `checkpoint = false`: a run is brought back without a runtime";
    def.is_async.then(|| format!("`{}`: {why}", def.name))
}

/// Why the value that an event yields cannot be written down, if so.
fn unrecordable(def: &EventDef) -> Option<String> {
    let transfer = &def.output_part.by;
    if !transfer.is_unsendable() {
        return None;
    }
    let (name, ty) = (&def.name, def.output_text());
    if def.output.ty.is_like(&TypeInfo::of::<Items<()>>()) {
        return Some(format!(
            "`{name}` yields a stream, `{ty}`, which is gone once it is read; yield a `Vec`, or say `checkpoint = false`, with which the event runs again where a run is resumed"
        ));
    }
    let cure = if def.is_closure { "say `output_json()` of the event" } else { transfer.cure() };
    Some(format!(
        "the value that `{name}` yields, a `{ty}`, cannot be written down; {cure}, or say `checkpoint = false`"
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use crate::{Context, Fields, Flow, Items, Outcome, Registry};

    fn mistakes(fields: &Fields, flow: &str) -> Vec<String> {
        let mut registry = Registry::new();
        registry.event("plain", |_: &Context| Outcome::success(1_u32));
        registry.event("json", |_: &Context| Outcome::success(1_u32)).output_json();
        registry.event("rows", |_: &Context| Outcome::success(Items::new(0..3)));
        registry.event("quick", |_: &Context| Outcome::success(1_u32)).checkpoint(false);
        let flow = Flow::parse_as("flow", flow).unwrap();
        flow.compile(&registry, fields).unwrap().durable_mistakes()
    }

    #[test]
    fn a_plan_says_what_keeps_its_runs_from_being_durable() {
        let fields = Fields::new().with_serde::<String>("city").with_default("days", || 7_u32);
        let found = mistakes(&fields, "plain -> json -> quick -> plain -> rows");
        let [days, plain, rows] = &found[..] else { panic!("{found:#?}") };
        assert!(days.contains("`days: u32`") && days.contains("with_serde"), "{days}");
        assert!(
            plain.contains("`plain` yields, a `u32`") && plain.contains("output_json"),
            "{plain}"
        );
        assert!(rows.contains("`rows` yields a stream, `Items<i32>`"), "{rows}");
    }

    #[test]
    fn a_flow_decides_which_of_them_matter() {
        let fields = Fields::new().with_serde::<String>("city");
        assert_eq!(mistakes(&fields, "{plain -> rows}[checkpoint = false] -> json"), [""; 0]);
        assert_eq!(mistakes(&fields, "quick[checkpoint]").len(), 1);
        assert_eq!(mistakes(&fields, "plain[checkpoint = false] -> plain").len(), 1);
    }
}
