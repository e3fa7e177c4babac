//! Checks JSON against a schema: as much of JSON Schema as `docs/src/describe.schema.json` uses.

use serde_json::Value;

/// What in a document is not as its schema says, by place.
pub(crate) fn violations(schema: &Value, document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, document, "", &mut found);
    found
}

fn check(root: &Value, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    for key in schema.as_object().unwrap().keys() {
        let known = [
            "$comment",
            "$defs",
            "$id",
            "$ref",
            "$schema",
            "additionalProperties",
            "const",
            "description",
            "enum",
            "items",
            "properties",
            "required",
            "title",
            "type",
        ];
        assert!(known.contains(&&**key), "`{key}` is not checked");
    }
    if let Some(name) = schema["$ref"].as_str() {
        let target = root.pointer(name.strip_prefix('#').unwrap()).expect(name);
        check(root, target, value, place, found);
    }
    let is_allowed = schema.get("type").is_none_or(|types| has_type(types, value))
        && schema.get("const").is_none_or(|it| it == value)
        && schema["enum"].as_array().is_none_or(|all| all.contains(value));
    if !is_allowed {
        found.push(format!("{place} is {value}"));
        return;
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        if let Some(items) = schema.get("items") {
            check(root, items, item, &format!("{place}/{index}"), found);
        }
    }
    let Some(object) = value.as_object() else { return };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !object.contains_key(name.as_str().unwrap()) {
            found.push(format!("{place} has no `{}`", name.as_str().unwrap()));
        }
    }
    for (name, value) in object {
        match schema["properties"].get(name) {
            Some(property) => check(root, property, value, &format!("{place}/{name}"), found),
            None if schema["additionalProperties"] == false => {
                found.push(format!("{place} has `{name}`"));
            }
            None => {}
        }
    }
}

/// Whether a value is of a type, or of one of several.
fn has_type(types: &Value, value: &Value) -> bool {
    match types {
        Value::Array(types) => types.iter().any(|it| has_type(it, value)),
        name => match name.as_str().unwrap() {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_u64() || value.is_i64(),
            "number" => value.is_number(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            other => panic!("there is no type `{other}`"),
        },
    }
}
