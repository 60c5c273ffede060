//! What a resource waits for.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::Later;
use super::declare::{Draft, invalid_resource};
use crate::error::{ArmError, Fault};
use crate::evaluate::{Iteration, Site};
use crate::id;
use crate::limits::Meter;
use crate::symbols::Target;
use crate::value::get;

/// `dependsOn`: ids of what it names and what is deployed.
pub(super) fn explicit(
    draft: &Draft,
    later: &Later,
    meter: &Meter,
) -> Result<Vec<String>, ArmError> {
    let path = format!("{}.dependsOn", draft.path);
    let list = match get(&draft.raw, "dependsOn") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(other) => {
            return Err(ArmError::content(format!(
                "Error converting value {other} to type 'System.String[]'. Path '{path}', line 0, position 0."
            )));
        }
    };
    let mut evaluator = later.evaluator(meter, None);
    evaluator.site = Site::Early;
    let mut waited = Vec::new();
    for (index, item) in list.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Value::String(text) = item else {
            return Err(ArmError::content(format!(
                "Error converting value {item} to type 'System.String'. Path '{path}', line 0, position 0."
            )));
        };
        let name = evaluator.string(text).map_err(|fault| {
            fault.at(&path, |words| invalid_resource(&draft.declared.name, words))
        })?;
        match later.symbols.find(&name) {
            Target::Outside(id) => return Err(not_defined(&id).at(path)),
            Target::Unknown if name.contains('/') => return Err(not_defined(&name).at(path)),
            Target::Unknown => {
                // MicrosoftDocs/azure-docs#112757.
                return Err(ArmError::template(format!(
                    "The template reference '{name}' is not valid: could not find template resource or resource copy with this name. Please see https://aka.ms/arm-function-reference for usage details."
                ))
                .at(path));
            }
            found => extend(&mut waited, &found, meter)
                .map_err(|fault| fault.at(&path, |words| ArmError::template(words)))?,
        }
    }
    Ok(waited)
}

/// microsoft/vscode-azurearmtools#493.
fn not_defined(id: &str) -> ArmError {
    ArmError::template(format!(
        "The resource '{}' is not defined in the template. Please see https://aka.ms/arm-syntax for usage details.",
        id::provider_part(id)
    ))
}

/// `existing` ones stay, for what they wait for themselves; those that a condition leaves out
/// go.
pub(super) fn extend(
    waited: &mut Vec<String>,
    target: &Target<'_>,
    meter: &Meter,
) -> Result<(), Fault> {
    let all = match target {
        Target::One(one) => std::slice::from_ref(one),
        Target::Many(all) => all.as_slice(),
        Target::Outside(_) | Target::Unknown => return Ok(()),
    };
    for one in all {
        meter.charge(one.id.len())?;
        waited.push(one.id.clone());
    }
    Ok(())
}

/// A loop: where it is declared, its name, the iterations around it.
type Loop<'d> = (&'d str, &'d str, &'d [Iteration]);

/// What a loop made: its place, its batch, its id.
type Member<'d> = (usize, usize, &'d str);

/// In a serial loop each batch waits for the one before.
pub(super) fn batches(
    drafts: &[Draft],
    waits: &mut [Vec<String>],
    meter: &Meter,
) -> Result<(), Fault> {
    let mut loops: BTreeMap<Loop<'_>, Vec<Member<'_>>> = BTreeMap::new();
    for (at, draft) in drafts.iter().enumerate() {
        if let Some(copy) = &draft.copy
            && let Some(size) = copy.batch_size
            && draft.declared.deployed
        {
            let outer = draft
                .iterations
                .get(..draft.iterations.len().saturating_sub(1))
                .unwrap_or_default();
            loops
                .entry((&draft.path, &copy.name, outer))
                .or_default()
                .push((at, copy.index / size, &draft.declared.id));
        }
    }
    let mut added: Vec<(usize, String)> = Vec::new();
    for members in loops.values() {
        let mut start = 0;
        let mut before: &[Member<'_>] = &[];
        while let Some(&(_, batch, _)) = members.get(start) {
            let rest = members.get(start..).unwrap_or_default();
            let size = rest.iter().take_while(|(_, of, _)| *of == batch).count();
            let current = rest.get(..size).unwrap_or_default();
            for (at, ..) in current {
                for (_, _, id) in before {
                    meter.charge(id.len())?;
                    added.push((*at, (*id).to_owned()));
                }
            }
            before = current;
            start += size;
        }
    }
    added.sort();
    for (at, id) in added {
        if let Some(waited) = waits.get_mut(at) {
            waited.push(id);
        }
    }
    Ok(())
}

/// Replaces `existing` resources by what they wait for, drops what is not deployed, and what
/// is named twice.
pub(super) fn through_existing(
    drafts: &[Draft],
    waits: &[Vec<String>],
    meter: &Meter,
) -> Result<Vec<Vec<String>>, Fault> {
    let places: HashMap<String, usize> = drafts
        .iter()
        .enumerate()
        .rev()
        .map(|(at, draft)| (id::key(&draft.declared.id), at))
        .collect();
    let mut all = Vec::with_capacity(waits.len());
    for (draft, waited) in drafts.iter().zip(waits) {
        let mut out = Vec::new();
        let mut seen = HashSet::new();
        let mut queue: Vec<&String> = Vec::new();
        if draft.declared.deployed {
            queue.extend(waited.iter().rev());
        }
        while let Some(next) = queue.pop() {
            meter.charge(next.len())?;
            let Some(at) = places.get(&id::key(next)).copied() else {
                continue;
            };
            let Some(draft) = drafts.get(at).filter(|_| seen.insert(at)) else {
                continue;
            };
            if draft.declared.deployed {
                out.push(draft.declared.id.clone());
            } else if draft.existing {
                queue.extend(waits.get(at).into_iter().flatten().rev());
            }
        }
        all.push(out);
    }
    Ok(all)
}
