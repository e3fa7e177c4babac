//! What can be said of a script without its events.

use crate::ast::{Attempts, Attr, Flow, Primary, Unit};
use crate::diagnostic::{Diagnostic, Sink, code, quote};
use crate::parse::{Parsed, parse};
use crate::settings::{FLOW_KEYS, Settings, read_settings, unknown_key};

/// Parses a script and checks its settings as well: everything that can be told without
/// the events that it names.
///
/// An unknown key on an event is no mistake here, since it may be a field of the event's
/// struct; on a group in brackets it is. A script with 100 mistakes of syntax gets no
/// others.
///
/// ```
/// use nexus_pointy::{check, code};
/// let script = "{A -> B}[max_atempts = 3] -> C[each = 1]";
/// let mistakes = check(script).diagnostics;
/// assert_eq!(mistakes[0].message, "unknown setting `max_atempts`");
/// assert_eq!(mistakes[1].message, "`each` takes no value, `true` or `false`, found the number 1");
/// ```
#[must_use]
pub fn check(script: &str) -> Parsed {
    let mut parsed = parse(script);
    if parsed.diagnostics.iter().any(|it| it.code == code::MORE) {
        return parsed;
    }
    let mut sink = Sink::default();
    add(&mut sink, std::mem::take(&mut parsed.diagnostics));
    flow(&parsed.flow, &mut sink);
    parsed.diagnostics = sink.finish();
    parsed
}

fn add(sink: &mut Sink, mistakes: impl IntoIterator<Item = Diagnostic>) {
    for mistake in mistakes {
        sink.push(mistake.span, || mistake);
    }
}

/// Only brackets nest, so the recursion is bounded.
fn flow(flow: &Flow, sink: &mut Sink) {
    for unit in flow.links.iter().flat_map(|link| &link.units) {
        settings(unit, sink);
        if let Primary::Flow(inner) = &unit.primary {
            self::flow(inner, sink);
        }
        for branch in &unit.branches {
            self::flow(&branch.flow, sink);
        }
    }
}

fn settings(unit: &Unit, sink: &mut Sink) {
    if !unit.attrs.is_empty() {
        add(sink, unit_settings(unit).1);
    }
}

/// The settings of a unit, its `* n` among them, and all that is wrong with them by themselves.
///
/// What is left in [`Settings::own`] are keys of an event, which may be fields of its struct: only
/// who knows the event can tell. On a group in brackets such a key is a mistake, and is left out.
///
/// ```
/// use nexus_pointy::{code, parse, unit_settings};
/// let flow = parse("{A -> B}[stop_on_eror] * 3").flow;
/// let (settings, mistakes) = unit_settings(&flow.links[0].units[0]);
/// assert_eq!(settings.max_attempts, Some(3));
/// assert!(settings.own.is_empty());
/// assert_eq!(mistakes[0].code, code::UNKNOWN_KEY);
/// ```
#[must_use]
pub fn unit_settings(unit: &Unit) -> (Settings, Vec<Diagnostic>) {
    let (mut settings, mut mistakes) = read_settings(&unit.attrs);
    if let Some(attempts) = unit.attempts
        && settings.max_attempts.replace(attempts.count).is_some()
    {
        mistakes.push(attempts_twice(unit, attempts));
    }
    if matches!(unit.primary, Primary::Flow(_)) {
        mistakes.extend(settings.own.drain(..).map(|attr| unknown_setting(&attr)));
    }
    (settings, mistakes)
}

/// The diagnostic for a key that is no setting.
#[must_use]
pub fn unknown_setting(attr: &Attr) -> Diagnostic {
    unknown_key(&attr.key.text, attr.key.span, FLOW_KEYS)
}

fn attempts_twice(unit: &Unit, attempts: Attempts) -> Diagnostic {
    let message = format!("{} sets what `max_attempts` sets", quote(&attempts.to_string()));
    let mistake = Diagnostic::new(code::GIVEN_TWICE, message, attempts.span);
    let attr = unit.attrs.iter().find(|attr| &*attr.key.text == "max_attempts");
    let mistake = match attr {
        Some(attr) => mistake.label(attr.span, "given here already"),
        None => mistake,
    };
    mistake.help("keep one of the two")
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::code;

    #[test]
    fn settings_everywhere_in_script_order() {
        let script = "A[each = 1] (0 -> {B[max_attempts = 0] -> }[own = 1]) -> C[max_attempts = 2] * 3 -> D[own]";
        let found: Vec<_> = check(script)
            .diagnostics
            .iter()
            .map(|it| (it.code, &script[it.span.start as usize..it.span.end as usize]))
            .collect();
        assert_eq!(
            found,
            [
                (code::WRONG_TYPE, "1"),
                (code::OUT_OF_RANGE, "0"),
                (code::MISSING_EVENT, "->"),
                (code::UNKNOWN_KEY, "own"),
                (code::GIVEN_TWICE, "* 3"),
            ]
        );
    }

    #[test]
    fn a_value_that_cannot_be_read_is_one_mistake() {
        for script in
            ["A[each =]", "A[max_attempts = , x]", "A[max_attempts = (1)]", "A[executor = 3rd]"]
        {
            assert_eq!(check(script).diagnostics.len(), 1, "{script}");
        }
        assert_eq!(check("A[max_attempts]").diagnostics[0].code, code::WRONG_TYPE);
    }

    #[test]
    fn the_list_is_bounded() {
        let script = "{A}[x]".to_owned() + &" -> {A}[x]".repeat(299);
        let mistakes = check(&script).diagnostics;
        assert_eq!(mistakes.len(), 101);
        assert_eq!(mistakes[100].message, "and 200 more mistakes from here on");
        assert_eq!(check(&"A B ".repeat(300)).diagnostics.len(), 101);
    }
}
