//! Changes that another program wrote as JSON.

use super::{Action, Change, Changes, Operations, Property, TextChange};
use serde_json::Value as Json;

impl Changes {
    /// Reads what [`Changes::to_json`] writes.
    ///
    /// # Errors
    /// What of the document cannot be understood.
    pub fn from_json(document: &Json) -> Result<Self, String> {
        if document["version"] != 1 {
            return Err(format!(
                "the changes are of version {}, not 1",
                document["version"]
            ));
        }
        let resources = list(&document["resources"], "resources")?;
        let unchanged = document["summary"]["unchanged"].as_u64();
        Ok(Self {
            resources: resources.iter().map(change).collect::<Result<_, _>>()?,
            unchanged: unchanged.and_then(|n| usize::try_from(n).ok()).unwrap_or(0),
        })
    }
}

fn change(entry: &Json) -> Result<Change, String> {
    let action = match entry["action"].as_str() {
        Some("added") => Action::Added,
        Some("removed") => Action::Removed,
        Some("changed") => Action::Changed,
        _ => return Err("a change has no action".to_owned()),
    };
    let properties = list(&entry["properties"], "properties")?.iter().map(|p| {
        Ok(Property {
            path: text(&p["path"], "path")?,
            old: p.get("old").cloned(),
            new: p.get("new").cloned(),
        })
    });
    let texts = list(&entry["texts"], "texts")?.iter().map(|t| {
        let digest = |name: &str| {
            let digest = text(&t[name], name)?;
            digest.parse().map_err(|e| format!("{name}: {e}"))
        };
        Ok(TextChange {
            path: text(&t["path"], "path")?,
            diff: t["diff"].as_str().map(str::to_owned),
            old: digest("old")?,
            new: digest("new")?,
        })
    });
    Ok(Change {
        action,
        arm_type: text(&entry["type"], "type")?,
        name: text(&entry["name"], "name")?,
        id: text(&entry["id"], "id")?,
        path: entry["path"].as_str().map(str::to_owned),
        properties: properties.collect::<Result<_, String>>()?,
        texts: texts.collect::<Result<_, String>>()?,
        definition: match &entry["definition"] {
            Json::Null => None,
            definition => Some(operations(definition)?),
        },
    })
}

fn operations(entry: &Json) -> Result<Operations, String> {
    let names = |name: &str| -> Result<Vec<String>, String> {
        list(&entry[name], name)?
            .iter()
            .map(|operation| text(operation, "operation"))
            .collect()
    };
    Ok(Operations {
        added: names("added")?,
        removed: names("removed")?,
        changed: names("changed")?,
        elsewhere: entry["elsewhere"].as_bool().unwrap_or(false),
    })
}

fn list<'j>(value: &'j Json, what: &str) -> Result<&'j Vec<Json>, String> {
    value
        .as_array()
        .ok_or_else(|| format!("a change has no {what}"))
}

fn text(value: &Json, what: &str) -> Result<String, String> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| format!("a change has no {what}"))
}
