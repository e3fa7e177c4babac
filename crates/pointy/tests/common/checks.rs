//! What holds for every script, whatever is in it.

use nexus_pointy::settings::read_settings;
use nexus_pointy::wiring::wiring;
use nexus_pointy::{Flow, Parsed, Primary, Span, TokenKind, fix, format, lex, line_column, parse};

/// Checks everything that holds for a script, right or wrong. The error says what does not.
pub(crate) fn check(source: &str) -> Result<Parsed, String> {
    let parsed = parse(source);
    check_parsed(&parsed, source)?;
    check_format(&parsed, source)?;
    check_tools(&parsed, source)?;
    Ok(parsed)
}

fn ensure(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

/// Corrections leave fewer mistakes, and every unit is found at its place.
fn check_tools(parsed: &Parsed, source: &str) -> Result<(), String> {
    let before = nexus_pointy::check(source).diagnostics.len();
    let fixed = fix(source);
    ensure((fixed.count == 0) == (fixed.text == source), "a correction changes nothing")?;
    if fixed.count > 0 && before <= 100 {
        let after = nexus_pointy::check(&fixed.text).diagnostics.len();
        ensure(after < before, &format!("{before} mistakes, corrected {after}:\n{}", fixed.text))?;
    }
    let units = parsed.flow.links.iter().flat_map(|link| &link.units).take(10);
    for unit in units {
        let found = parsed.flow.unit_at(unit.span.start);
        ensure(found.is_some_and(|it| it.span.start <= unit.span.start), "a unit is not found")?;
    }
    Ok(())
}

/// A tree is there, the places fit, and what is right prints to the same flow.
fn check_parsed(parsed: &Parsed, source: &str) -> Result<(), String> {
    ensure(units_are_there(&parsed.flow), "a link or unit is missing")?;
    ensure(parsed.diagnostics.len() <= 101, "too many diagnostics")?;
    for it in &parsed.diagnostics {
        let fits = |span: Span| source.get(span.start as usize..span.end as usize).is_some();
        ensure(fits(it.span) && it.labels.iter().all(|(span, _)| fits(*span)), "a span is off")?;
        ensure(it.help.is_some(), "no cure")?;
        let _ = line_column(source, it.span.start as usize);
    }
    #[cfg(feature = "render")]
    {
        use nexus_pointy::render::render;
        // Rendering is what takes longest, by far.
        let few = &parsed.diagnostics[..parsed.diagnostics.len().min(3)];
        ensure(render(few, "f", source, false).len() < 50_000, "rendered long")?;
        #[cfg(feature = "json")]
        ensure(
            nexus_pointy::render::json(few, "f", source).lines().count() == few.len(),
            "JSON lines",
        )?;
    }
    for each in &wiring(&parsed.flow).uses {
        let _ = read_settings(&each.unit.attrs);
    }
    let text = parsed.flow.to_string();
    ensure(text.len() <= 400 + 400 * source.len(), "printed text is too long")?;
    if parsed.diagnostics.is_empty() {
        let again = parse(&text);
        ensure(again.diagnostics.is_empty(), "the printed flow has mistakes")?;
        ensure(again.flow.same_shape(&parsed.flow), "the printed flow is another")?;
    }
    Ok(())
}

/// A right script keeps its flow and its comments, and is formatted once and for all.
fn check_format(parsed: &Parsed, source: &str) -> Result<(), String> {
    let text = match format(source) {
        Err(mistakes) => {
            return ensure(mistakes == parsed.diagnostics, "format reports other mistakes");
        }
        Ok(text) => text,
    };
    ensure(parsed.diagnostics.is_empty(), "format takes a wrong script")?;
    ensure(text.len() <= 200 + 150 * source.len(), "formatted text is too long")?;
    let again = parse(&text);
    ensure(again.diagnostics.is_empty(), &format!("formatted text has mistakes:\n{text}"))?;
    ensure(again.flow.same_shape(&parsed.flow), &format!("formatted flow is another:\n{text}"))?;
    ensure(format(&text).as_ref() == Ok(&text), &format!("formatting again changes:\n{text}"))?;
    ensure(comments(source) == comments(&text), &format!("a comment is lost or moved:\n{text}"))?;
    let tidy = |line: &str| line.trim_end() == line.trim_end_matches('\r');
    ensure(text.split_terminator('\n').all(tidy), "blanks at the end of a line")?;
    ensure(text.ends_with('\n') && !text.ends_with("\n\n"), "not one line end at the end")?;
    ensure(!text.replace('\r', "").contains("\n\n\n"), "two blank lines")
}

/// Each comment, with the number of tokens before it. Operators and commas do not count:
/// comments may go from behind them to before them.
fn comments(source: &str) -> Vec<(usize, &str)> {
    let (tokens, _) = lex(source);
    let (mut found, mut count, mut at) = (Vec::new(), 0, 0);
    let end = source.len() as u32;
    let spans = tokens.iter().map(|it| (it.kind, it.span));
    for (kind, span) in spans.chain([(TokenKind::Comma, Span::new(end, end))]) {
        let gap = source.get(at..span.start as usize).unwrap_or_default();
        for line in gap.split(['\n', '\r']) {
            if let Some(start) = line.find('#') {
                found.push((count, line[start..].trim_end()));
            }
        }
        at = span.end as usize;
        let separates = matches!(
            kind,
            TokenKind::Comma | TokenKind::Arrow | TokenKind::PipeArrow | TokenKind::Parallel
        );
        count += usize::from(!separates);
    }
    found
}

fn units_are_there(flow: &Flow) -> bool {
    !flow.links.is_empty()
        && flow.links.iter().enumerate().all(|(at, link)| {
            link.arrow.is_some() == (at > 0)
                && !link.units.is_empty()
                && link.units.iter().all(|unit| {
                    unit.branches.iter().all(|branch| units_are_there(&branch.flow))
                        && match &unit.primary {
                            Primary::Flow(flow) => units_are_there(flow),
                            Primary::Event(_) | Primary::Hole(_) => true,
                        }
                })
        })
}
