//! Compares what two targets say.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::{ReadBundle, Res};

/// How the order of deployment has to agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Every resource waits for the same others.
    Same,
    /// In the second bundle a resource may wait for more.
    AtLeast,
}

const SHOWN: usize = 40;

/// Panics with a readable list when ARM and Bicep do not say the same.
#[track_caller]
pub(crate) fn assert_equivalent(arm: &ReadBundle, bicep: &ReadBundle) {
    report(
        "ARM",
        "Bicep",
        &differences(arm, bicep, Order::Same).unwrap_or_else(|e| vec![e]),
    );
}

/// As [`assert_equivalent`], with a weaker rule for the order.
#[track_caller]
pub(crate) fn assert_equivalent_with(arm: &ReadBundle, bicep: &ReadBundle, order: Order) {
    report(
        "ARM",
        "Bicep",
        &differences(arm, bicep, order).unwrap_or_else(|e| vec![e]),
    );
}

/// Panics when ASO says something that ARM does not, or leaves out something
/// of a type that is not in `allowed_missing`.
#[track_caller]
pub(crate) fn assert_aso_subset(arm: &ReadBundle, aso: &ReadBundle, allowed_missing: &[&str]) {
    report("ARM", "ASO", &aso_differences(arm, aso, allowed_missing));
}

#[track_caller]
fn report(left: &str, right: &str, found: &[String]) {
    if found.is_empty() {
        return;
    }
    let mut text = format!(
        "{} differences between {left} (left) and {right} (right)\n",
        found.len()
    );
    for line in found.iter().take(SHOWN) {
        let _ = writeln!(text, "  {line}");
    }
    if found.len() > SHOWN {
        let _ = writeln!(text, "  ... and {} more", found.len() - SHOWN);
    }
    assert!(found.is_empty(), "{text}");
}

/// All differences; an error when a bundle's order is not one.
pub(crate) fn differences(left: &ReadBundle, right: &ReadBundle, order: Order) -> Res<Vec<String>> {
    let mut found = Vec::new();
    let names: BTreeSet<_> = left
        .parameters
        .keys()
        .chain(right.parameters.keys())
        .collect();
    for name in names {
        let (a, b) = (left.parameters.get(name), right.parameters.get(name));
        if a != b {
            found.push(format!("parameter {name}: {a:?} / {b:?}"));
        }
    }
    let (left_order, right_order) = (left.closures()?, right.closures()?);
    let keys: BTreeSet<_> = left
        .resources
        .keys()
        .chain(right.resources.keys())
        .collect();
    for key in keys {
        let at = super::id(&key.0, &key.1);
        let (a, b) = match (left.resources.get(key), right.resources.get(key)) {
            (Some(a), Some(b)) => (a, b),
            (Some(_), None) => {
                found.push(format!("{at}: only left"));
                continue;
            }
            (None, _) => {
                found.push(format!("{at}: only right"));
                continue;
            }
        };
        diff(&at, "", &a.properties, &b.properties, &mut found);
        if a.condition != b.condition {
            found.push(format!(
                "{at}: condition {:?} / {:?}",
                a.condition, b.condition
            ));
        }
        for dep in left_order[&at].difference(&right_order[&at]) {
            found.push(format!("{at}: waits for {dep} only left"));
        }
        for dep in right_order[&at]
            .difference(&left_order[&at])
            .filter(|_| order == Order::Same)
        {
            found.push(format!("{at}: waits for {dep} only right"));
        }
    }
    Ok(found)
}

/// What is in ASO and not the same in ARM, and what is left out of ASO.
pub(crate) fn aso_differences(
    arm: &ReadBundle,
    aso: &ReadBundle,
    allowed_missing: &[&str],
) -> Vec<String> {
    let mut found = Vec::new();
    for (key, a) in &arm.resources {
        let at = super::id(&key.0, &key.1);
        let allowed = allowed_missing.iter().any(|t| *t == key.0 || *t == at);
        match aso.resources.get(key) {
            Some(b) => aso_diff(&at, "", &a.properties, &b.properties, &mut found),
            None if allowed => {}
            None => found.push(format!("{at}: not in ASO")),
        }
    }
    let extra = aso
        .resources
        .keys()
        .filter(|k| !arm.resources.contains_key(*k));
    found.extend(extra.map(|k| format!("{}|{}: only in ASO", k.0, k.1)));
    found
}

/// ASO has a secret from elsewhere, or nothing, where ARM has a secure parameter.
fn aso_diff(at: &str, pointer: &str, arm: &Value, aso: &Value, found: &mut Vec<String>) {
    let mut aso = aso.clone();
    let mut arm = arm.clone();
    drop_secrets(&mut arm, &mut aso);
    diff(at, pointer, &arm, &aso, found);
}

/// Removes from both sides what ARM takes from a secure parameter and ASO
/// takes from a Secret or does not carry. A clear value in ASO stays.
fn drop_secrets(arm: &mut Value, aso: &mut Value) {
    match (arm, aso) {
        (Value::Object(arm), Value::Object(aso)) => {
            for key in arm.keys().cloned().collect::<Vec<_>>() {
                let (Some(a), b) = (arm.get_mut(&key), aso.get_mut(&key)) else {
                    continue;
                };
                if is_secret_pair(a, b.as_deref()) {
                    arm.shift_remove(&key);
                    aso.shift_remove(&key);
                } else if let Some(b) = b {
                    drop_secrets(a, b);
                }
            }
        }
        (Value::Array(arm), Value::Array(aso)) => {
            for (a, b) in arm.iter_mut().zip(aso) {
                drop_secrets(a, b);
            }
        }
        _ => {}
    }
}

fn is_secret_pair(arm: &Value, aso: Option<&Value>) -> bool {
    let is_param = |v: &Value| v.as_str().is_some_and(|v| v.starts_with("param:"));
    let starts = |prefix: &str| {
        aso.and_then(Value::as_str)
            .is_some_and(|v| v.starts_with(prefix))
    };
    match aso {
        None => is_param(arm),
        Some(_) => {
            (is_param(arm) && starts("secret:")) || (arm.is_object() && starts("secretmap:"))
        }
    }
}

fn diff(at: &str, pointer: &str, left: &Value, right: &Value, found: &mut Vec<String>) {
    match (left, right) {
        (Value::Object(a), Value::Object(b)) => {
            let empty = Map::new();
            for key in a.keys().chain(b.keys().filter(|k| !a.contains_key(*k))) {
                let next = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => diff(at, &next, a, b, found),
                    (Some(a), None) => found.push(format!("{at}#{next}: {} / absent", short(a))),
                    (None, b) => found.push(format!(
                        "{at}#{next}: absent / {}",
                        short(b.unwrap_or(&empty.clone().into()))
                    )),
                }
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                diff(at, &format!("{pointer}/{i}"), a, b, found);
            }
        }
        // What is read as JSON has other escapes and blanks.
        (Value::String(a), Value::String(b)) if a != b && is_same_json(a, b) => {}
        (Value::String(a), Value::String(b)) if a != b => {
            let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
            let from = same.saturating_sub(20);
            let window = |s: &str| s.chars().skip(from).take(80).collect::<String>();
            found.push(format!(
                "{at}#{pointer}: from character {from}: {:?} / {:?}",
                window(a),
                window(b)
            ));
        }
        (a, b) if a != b => found.push(format!("{at}#{pointer}: {} / {}", short(a), short(b))),
        _ => {}
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 160 {
        text.chars().take(160).chain("...".chars()).collect()
    } else {
        text
    }
}

/// Whether two long texts are one JSON document.
fn is_same_json(a: &str, b: &str) -> bool {
    let parse = |text: &str| serde_json::from_str::<Value>(text).ok();
    a.len() > super::bicep_eval::MAX_TEXT && parse(a).is_some_and(|a| Some(a) == parse(b))
}
