//! Makes `data/catalogue.txt` from a `policy-catalogue.json`:
//! `cargo xtask tables CATALOGUE [--check]`.
//!
//! The file has a line for each fact. `e` begins an element; `a` is one of its
//! attributes, `c` a child, `g` a group of attributes, `n` a group of children, `w` a
//! child that is wanted under a condition, `d` what replaces a retired element. Fields
//! are parted by `|`; an empty field is what the source does not say.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a tool that is run by hand"
)]

use serde_json::Value;
use std::error::Error;
use std::fmt::Write;

/// Where published policies that work, or Microsoft's own compiler of policies, do what
/// the source forbids: `path|attribute|field` are taken as not known.
const DISPUTED: [(&str, &str, &str); 6] = [
    // Its own page lists the global scope only, another page shows it on an API.
    ("cross-domain", "", "scopes"),
    // Met in policies of running services, and what the page of `retry` shows.
    ("retry", "interval", "min"),
    // A template of Microsoft's has an expression there.
    ("trace", "source", "expression_allowed"),
    // The documentation says that expressions are allowed, the compiler that not.
    (
        "send-request",
        "response-variable-name",
        "expression_allowed",
    ),
    ("set-method", "", "text_expression_allowed"),
    // The compiler writes the key as the text.
    (
        "validate-jwt/decryption-keys/key",
        "certificate-id",
        "required",
    ),
];

/// Elements that have text though the source says that they have none.
const WITH_TEXT: [&str; 1] = ["validate-jwt/decryption-keys/key"];

/// Children that a source forbids and another one allows.
const NOT_FORBIDDEN: [(&str, &str); 1] = [
    // The documentation says that fragments do not nest, the compiler offers it.
    ("fragment", "include-fragment"),
];

/// Gateways that newer pages have and the source has not.
const WITH_GATEWAY: [(&str, &str); 1] = [
    // The table of all policies says so since 2025, the page of the policy does not yet.
    ("quota-by-key", "v2"),
];

/// Children that a source wants and newer pages do not.
const NOT_WANTED: [(&str, &str); 1] = [
    // Since 2024 the page says that audiences may stand in their place. Policies of
    // Microsoft's that work have audiences alone.
    ("validate-azure-ad-token", "client-application-ids"),
];

/// Policies that their own pages call retired, and that the source does not have. No other
/// element or attribute is known to be retired or deprecated: the table of all policies
/// (articles/api-management/api-management-policies.md) names none.
const RETIRED: [&str; 1] = [
    // articles/api-management/set-graphql-resolver-policy.md of MicrosoftDocs/azure-docs,
    // since March 2023. It names the gateway "dedicated", which later pages do not know.
    "e|set-graphql-resolver||backend|global,workspace,product,api,operation||sequence|none||
d|a resolver of the GraphQL API, whose policy is `<http-data-source>`
a|parent-type|r|string|||||
a|field|r|string|||||
c|http-data-source|1|1
",
];

/// Children of which a source allows more than the page that was read: an older version of
/// that page and the XML schema both say this many.
const WITH_MORE: [(&str, &str, u32); 1] = [("llm-emit-token-metric", "dimension", 10)];

fn dispute(entry: &mut Value, paths: &str) {
    for (path, attribute, field) in DISPUTED {
        if !paths.split(',').any(|own| own == path) {
            continue;
        }
        if attribute.is_empty() {
            entry[field] = Value::Null;
        }
        let attributes = entry["attributes"].as_array_mut();
        for own in attributes.into_iter().flatten() {
            if own["name"] == attribute {
                own[field] = Value::Null;
            }
        }
    }
    for (path, child) in NOT_FORBIDDEN {
        let forbidden = entry["forbidden_children"].as_array_mut();
        if let Some(forbidden) = forbidden.filter(|_| paths == path) {
            forbidden.retain(|own| own != child);
        }
    }
    for (path, child) in NOT_WANTED {
        let children = entry["children"].as_array_mut().filter(|_| paths == path);
        for own in children.into_iter().flatten() {
            if own["element"] == child {
                own["min"] = 0.into();
            }
        }
    }
    for (path, child, most) in WITH_MORE {
        let children = entry["children"].as_array_mut().filter(|_| paths == path);
        for own in children.into_iter().flatten() {
            if own["element"] == child {
                own["max"] = most.into();
            }
        }
    }
    if WITH_TEXT
        .iter()
        .any(|path| paths.split(',').any(|own| own == *path))
    {
        entry["text_content"] = "optional".into();
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let source = args.next().ok_or("usage: tables CATALOGUE [--check]")?;
    let check = args.next().as_deref() == Some("--check");
    let text = std::fs::read_to_string(&source)?;
    let entries: Vec<Value> = serde_json::from_str(&text)?;
    let made = table(&entries, &text)?;
    let target = concat!(env!("CARGO_MANIFEST_DIR"), "/data/catalogue.txt");
    let found = std::fs::read_to_string(target).unwrap_or_default();
    if found == made {
        println!("the table is that of {source}");
        return Ok(());
    }
    let (old, new) = (found.lines().next(), made.lines().next());
    let why = if old == new {
        "the table was edited, or its format changed"
    } else {
        "the source is not the one that the table was made of"
    };
    for line in changed(&found, &made) {
        println!("{line}");
    }
    if check {
        return Err(format!("{why}: run `cargo xtask tables {source}`").into());
    }
    println!("{why}; written anew");
    std::fs::write(target, made)?;
    Ok(())
}

/// Lines that are in one only, the first hundred.
fn changed(old: &str, new: &str) -> Vec<String> {
    let of = |text: &str| {
        text.lines()
            .map(str::to_owned)
            .collect::<std::collections::BTreeSet<_>>()
    };
    let (old, new) = (of(old), of(new));
    let gone = old.difference(&new).map(|line| format!("- {line}"));
    let come = new.difference(&old).map(|line| format!("+ {line}"));
    gone.chain(come).take(100).collect()
}

/// FNV-1a: tells sources apart, and is not meant to keep anybody out.
fn digest(text: &str) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325;
    text.bytes().fold(start, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

fn table(entries: &[Value], text: &str) -> Result<String, Box<dyn Error>> {
    let mut out = format!(
        "# {} bytes, digest {:016x}, {} elements\n",
        text.len(),
        digest(text),
        entries.len()
    );
    for entry in entries {
        let mut entry = entry.clone();
        let name = word(&entry, "element")?.to_owned();
        let structural = entry["structural"] == true;
        let paths = match (&entry["path"], entry["paths"].as_array()) {
            (_, Some(paths)) => texts(paths),
            (Value::String(path), None) => path.clone(),
            _ => name,
        };
        dispute(&mut entry, &paths);
        let entry = &entry;
        let mut flags = String::new();
        for (flag, is) in [
            ('s', structural),
            ('r', entry["kind"] == "resolver"),
            ('h', entry["kind"] == "helper"),
            ('m', entry["mixed_children_any_policy"] == true),
            ('f', entry["foreign_content"] == true),
            ('F', entry["foreign_attributes"] == true),
            ('x', entry["text_expression_allowed"] == false),
            ('n', entry["fragment_allowed"] == false),
        ] {
            if is {
                flags.push(flag);
            }
        }
        let known = |key: &str, more: &[&str]| -> String {
            let Some(values) = entry[key].as_array() else {
                return String::new();
            };
            let mut values = texts(values);
            for more in more {
                let more = match more.split_once('.') {
                    Some((outer, inner)) => &entry[outer][inner],
                    None => &entry[*more],
                };
                if let Some(more) = more.as_array().filter(|more| !more.is_empty()) {
                    values = format!("{values},{}", texts(more));
                }
            }
            values
        };
        let mut gateways = known("gateways", &["unknown.gateways"]);
        for (_, gateway) in WITH_GATEWAY.iter().filter(|(path, _)| *path == paths) {
            gateways = format!("{gateways},{gateway}");
        }
        let mut row = String::new();
        attributes(entry, &mut row)?;
        children(entry, &mut row)?;
        // What an element is depends on its path, and so do its children.
        for path in paths.split(',') {
            writeln!(
                out,
                "e|{path}|{flags}|{}|{}|{}|{}|{}|{}|{}",
                known("sections", &["sections_disputed"]),
                known("scopes", &["unknown.scopes"]),
                gateways,
                word(entry, "child_order")?,
                word(entry, "text_content")?,
                number(&entry["max_per_section"]),
                number(&entry["max_per_definition"]),
            )?;
            out.push_str(&row);
        }
    }
    out.extend(RETIRED);
    Ok(out)
}

fn attributes(entry: &Value, out: &mut String) -> Result<(), Box<dyn Error>> {
    for attribute in list(entry, "attributes") {
        let mut flags = String::new();
        for (flag, is) in [
            ('r', attribute["required"] == true),
            ('c', !attribute["required_conditionally"].is_null()),
            ('e', attribute["expression_allowed"] == true),
            ('n', attribute["expression_allowed"] == false),
        ] {
            if is {
                flags.push(flag);
            }
        }
        let mut values = attribute["enum"]
            .as_array()
            .map_or_else(String::new, |v| texts(v));
        if let Some(more) = attribute["enum_other"].as_array() {
            values = format!("{values},{}", texts(more));
        }
        writeln!(
            out,
            "a|{}|{flags}|{}|{}|{}|{}|{values}|{}",
            word(attribute, "name")?,
            word(attribute, "type")?,
            attribute["expression_type"].as_str().unwrap_or(""),
            number(&attribute["min"]),
            number(&attribute["max"]),
            plain(&attribute["default"]),
        )?;
    }
    for (key, kind) in [
        ("exactly_one_of", "one"),
        ("at_least_one_of", "some"),
        ("at_most_one_of", "most"),
        ("all_or_none_of", "all"),
    ] {
        for group in list(entry, key) {
            let group = group.as_array().ok_or("a group is a list")?;
            writeln!(out, "g|{kind}|{}", texts(group))?;
        }
    }
    Ok(())
}

fn children(entry: &Value, out: &mut String) -> Result<(), Box<dyn Error>> {
    for child in list(entry, "children") {
        let (min, max) = (number(&child["min"]), number(&child["max"]));
        writeln!(out, "c|{}|{min}|{max}", word(child, "element")?)?;
    }
    for child in list(entry, "forbidden_children") {
        writeln!(out, "x|{}", child.as_str().ok_or("a name")?)?;
    }
    for (key, kind) in [
        ("exactly_one_of_children", "one"),
        ("at_least_one_of_children", "some"),
    ] {
        for group in list(entry, key) {
            let group = group.as_array().ok_or("a group is a list")?;
            writeln!(out, "n|{kind}|{}", texts(group))?;
        }
    }
    for rule in list(entry, "required_when") {
        let child = word(rule, "child")?;
        let unless = rule["unless"].as_str().unwrap_or("");
        let when = rule["if"].as_str().unwrap_or("");
        writeln!(out, "w|{child}|{when}|{unless}")?;
    }
    Ok(())
}

fn list<'v>(entry: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    entry[key].as_array().into_iter().flatten()
}

fn word<'v>(entry: &'v Value, key: &str) -> Result<&'v str, Box<dyn Error>> {
    let word = entry[key]
        .as_str()
        .ok_or_else(|| format!("no {key} in {entry}"))?;
    if word.contains(['|', '\n']) {
        return Err(format!("{word} cannot be a field").into());
    }
    Ok(word)
}

fn texts(values: &[Value]) -> String {
    let words: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
    words.join(",")
}

fn number(value: &Value) -> String {
    value
        .as_f64()
        .map_or_else(String::new, |number| number.to_string())
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.replace(['|', '\n'], " "),
        other => other.to_string(),
    }
}
