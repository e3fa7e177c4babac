//! The document that describes the API, against what the API answers.

use nexus_core::journal::Timestamp;
use nexus_dashboard::{LogLine, LogsOf, ScheduleLine};
use serde_json::Value;

use crate::support::Site;

#[test]
fn answers_have_the_members_that_the_document_says() {
    let site = Site::new(|it| {
        let line =
            |of: &LogsOf| LogLine::new(Timestamp(1), "INFO", format!("{} {}", of.key, of.path));
        let mut nightly = ScheduleLine::new("nightly");
        nightly.next = vec!["2026-03-29 03:00:00+02:00 Europe/Oslo".to_owned()];
        nightly.due = Some(Timestamp(1));
        it.allow_actions(true)
            .logs(move |of| vec![line(of)])
            .schedules(move || Ok(vec![nightly.clone()]))
    });
    site.shop.run(&site.shop.order, "order-1");
    site.shop.run(&site.shop.fan_out, "batch-1");
    let open = site.shop.pending("approval-1");
    site.act("order-1", r#"{"action":"adopt","confirm":"order-1"}"#);
    let document = site.json("/openapi.json");
    let name = site.json("/runs/order-1")["pipeline"].as_str().unwrap().to_owned();
    let asked = [
        ("/info", "/info".to_owned()),
        ("/runs", "/runs".to_owned()),
        ("/counts", "/counts".to_owned()),
        ("/grid", format!("/grid?pipeline={name}")),
        ("/runs/{key}", "/runs/order-1".to_owned()),
        ("/runs/{key}", "/runs/approval-1".to_owned()),
        ("/runs/{key}/steps", "/runs/order-1/steps".to_owned()),
        ("/runs/{key}/step", "/runs/batch-1/step?path=ship".to_owned()),
        ("/runs/{key}/step", "/runs/order-1/step?path=reserve".to_owned()),
        ("/runs/{key}/logs", "/runs/order-1/logs?path=reserve".to_owned()),
        ("/actions", "/actions".to_owned()),
        ("/events", "/events".to_owned()),
        ("/pools", "/pools".to_owned()),
        ("/schedules", "/schedules".to_owned()),
    ];
    for (path, request) in asked {
        let content = &document["paths"][path]["get"]["responses"]["200"]["content"];
        let schema = &content["application/json"]["schema"];
        assert!(schema.is_object(), "{path}");
        check(&document, schema, &site.json(&request), path);
    }
    assert_eq!(site.json("/runs/order-1/logs?path=reserve")[0]["text"], "order-1 reserve");
    let nightly = site.json("/schedules")[0].clone();
    assert_eq!(nightly["next"][0], "2026-03-29 03:00:00+02:00 Europe/Oslo");
    assert_eq!(nightly["hints"][0]["kind"], "overdue");
    open.cancel();
    open.wait().unwrap();
}

/// Checks the value against as much of JSON Schema as the document uses.
fn check(document: &Value, schema: &Value, value: &Value, place: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.trim_start_matches('#');
        return check(document, document.pointer(name).unwrap(), value, place);
    }
    if let Some(either) = schema["oneOf"].as_array() {
        let of_kind = if value.is_null() { either.last() } else { either.first() };
        return check(document, of_kind.unwrap(), value, place);
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let is_kind = |said: &Value| said == kind || (said == "number" && kind == "integer");
    let said = &schema["type"];
    assert!(
        is_kind(said) || said.as_array().is_some_and(|kinds| kinds.iter().any(is_kind)),
        "{place}: {value} is no {said}"
    );
    if let (Some(known), false) = (schema["enum"].as_array(), value.is_null()) {
        assert!(known.contains(value), "{place}: {value} is none of {known:?}");
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        let of_item = schema["prefixItems"].get(index).unwrap_or(&schema["items"]);
        check(document, of_item, item, &format!("{place}[{index}]"));
    }
    let Some(members) = value.as_object() else { return };
    for required in schema["required"].as_array().into_iter().flatten() {
        assert!(members.contains_key(required.as_str().unwrap()), "{place} lacks {required}");
    }
    for (name, member) in members {
        let place = format!("{place}.{name}");
        let of_member = &schema["properties"][name];
        assert!(of_member.is_object(), "{place} is not in the document");
        check(document, of_member, member, &place);
    }
}
