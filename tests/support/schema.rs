//! A validator for the part of JSON Schema that `docs/schemas/` uses, stricter than JSON Schema in one
//! point: a field that the schema does not describe is an error, so that no output goes undocumented.

use serde_json::Value;

/// Every way in which `value` does not fit `schema`.
pub fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    Validator { root: schema }.check(schema, value, "$", &mut found);
    found
}

/// Calls `visit` for every property that the schema describes anywhere.
pub fn each_property(schema: &Value, visit: &mut impl FnMut(&str, &Value)) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get("properties") {
                properties.iter().for_each(|(name, property)| visit(name, property));
            }
            members.values().for_each(|member| each_property(member, visit));
        }
        Value::Array(items) => items.iter().for_each(|item| each_property(item, visit)),
        _ => {}
    }
}

const KNOWN: [&str; 18] = [
    "$schema",
    "$id",
    "$ref",
    "$defs",
    "title",
    "description",
    "type",
    "enum",
    "const",
    "anyOf",
    "properties",
    "required",
    "items",
    "minimum",
    "maximum",
    "format",
    "contentEncoding",
    "additionalProperties",
];

struct Validator<'s> {
    root: &'s Value,
}

impl Validator<'_> {
    fn check(&self, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
        for keyword in schema.as_object().expect("a schema is an object").keys() {
            assert!(KNOWN.contains(&keyword.as_str()), "{keyword} is beyond this validator");
        }
        if let Some(target) = schema["$ref"].as_str() {
            let pointer = target.strip_prefix('#').expect("a reference inside the document");
            let target = self.root.pointer(pointer).unwrap_or_else(|| panic!("no {pointer}"));
            self.check(target, value, at, found);
        }
        if let Some(choices) = schema["anyOf"].as_array() {
            self.any_of(choices, value, at, found);
        }
        if !type_fits(&schema["type"], value) {
            found.push(format!("{at}: {value} is not of type {}", schema["type"]));
        }
        if schema["enum"].as_array().is_some_and(|all| !all.contains(value)) {
            found.push(format!("{at}: {value} is none of {}", schema["enum"]));
        }
        if schema.get("const").is_some_and(|only| only != value) {
            found.push(format!("{at}: {value} is not {}", schema["const"]));
        }
        if let Some(number) = value.as_f64() {
            let low = schema["minimum"].as_f64().is_some_and(|minimum| number < minimum);
            if low || schema["maximum"].as_f64().is_some_and(|maximum| number > maximum) {
                found.push(format!("{at}: {number} is out of range"));
            }
        }
        if schema.get("properties").is_some() && value.is_object() {
            self.properties(schema, value, at, found);
        }
        if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
            for (i, value) in values.iter().enumerate() {
                self.check(items, value, &format!("{at}[{i}]"), found);
            }
        }
    }

    fn any_of(&self, choices: &[Value], value: &Value, at: &str, found: &mut Vec<String>) {
        let tries = choices.iter().map(|choice| {
            let mut faults = Vec::new();
            self.check(choice, value, at, &mut faults);
            faults
        });
        // The nearest miss says most about what is wrong.
        let nearest = tries.min_by_key(Vec::len).unwrap_or_default();
        found.extend(nearest);
    }

    fn properties(&self, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if value.get(name).is_none() {
                found.push(format!("{at}: {name} is missing"));
            }
        }
        for (name, member) in value.as_object().into_iter().flatten() {
            let at = format!("{at}.{name}");
            match schema["properties"].get(name) {
                Some(property) => self.check(property, member, &at, found),
                None => found.push(format!("{at}: not in the schema")),
            }
        }
    }
}

fn type_fits(wanted: &Value, value: &Value) -> bool {
    let one = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no such type: {other}"),
    };
    match wanted {
        Value::Null => true,
        Value::String(name) => one(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(one),
        other => panic!("{other} is no type"),
    }
}
