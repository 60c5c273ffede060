//! Policies and fragments: what is refused, and what is kept.

use super::Call;
use crate::answer::Refusal;
use crate::behaviours::Row;
use crate::policy::{self, Element, SECTIONS};
use serde_json::{Map, Value};

/// Greatest size of a policy and of a fragment, in bytes.
const LIMITS: (usize, usize) = (256 * 1024, 512 * 1024);

fn refused(message: impl Into<String>) -> Refusal {
    Refusal::property("representation", message)
}

impl Call<'_> {
    /// Checks the policy in `properties` and puts what is stored in its place.
    pub(super) fn policy(
        &self,
        properties: &mut Map<String, Value>,
        is_fragment: bool,
    ) -> Result<(), Refusal> {
        let text = properties
            .get("value")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let format = properties
            .get("format")
            .and_then(Value::as_str)
            .unwrap_or("xml")
            .to_lowercase();
        if format.ends_with("-link") {
            return Err(refused(
                "The policy could not be fetched: the simulation opens no connections.",
            ));
        }
        let limit = if is_fragment { LIMITS.1 } else { LIMITS.0 };
        if text.len() > limit && self.on(Row::PolicySize) {
            return Err(refused(format!(
                "The policy is too large: {} bytes, and {limit} are allowed.",
                text.len()
            )));
        }
        if format == "xml" && self.on(Row::PolicyXmlFormat) {
            policy::well_formed(&text).map_err(refused)?;
        }
        let root = match policy::read(&text) {
            Ok(root) => root,
            Err(error) if self.on(Row::PolicyWellFormed) => return Err(refused(error)),
            Err(_) => return Ok(()),
        };
        let wanted = if is_fragment { "fragment" } else { "policies" };
        if root.name != wanted && self.on(Row::PolicyWellFormed) {
            return Err(refused(format!(
                "The root element must be '{wanted}', and is '{}'.",
                root.name
            )));
        }
        if self.on(Row::PolicySections) {
            sections(&root, is_fragment)?;
        }
        if self.on(Row::PolicyReferences) {
            self.policy_references(&root, &text)?;
        }
        if self.on(Row::PolicyStored) {
            properties.insert("value".into(), policy::stored(&text).into());
        }
        properties.insert("format".into(), format.into());
        Ok(())
    }

    fn policy_references(&self, root: &Element, text: &str) -> Result<(), Refusal> {
        for named in policy::named(root) {
            let own = format!("{}/{}/{}", self.place.scope(), named.collection, named.name);
            let service = format!("{}/{}/{}", self.place.service, named.collection, named.name);
            if self.state.store.get(&own).is_none() && self.state.store.get(&service).is_none() {
                let (line, column) = named.at;
                return Err(Refusal::property(
                    named.element,
                    format!(
                        "Error in element '{}' on line {line}, column {column}: {} with id '{}' could not be found.",
                        named.element, named.label, named.name
                    ),
                ));
            }
        }
        match policy::named_values(text)
            .into_iter()
            .find(|name| !self.has_named_value(name))
        {
            Some(name) => Err(refused(format!("Cannot find a property '{name}'"))),
            None => Ok(()),
        }
    }
}

fn sections(root: &Element, is_fragment: bool) -> Result<(), Refusal> {
    let at = |element: &Element| {
        format!(
            "Error in element '{}' on line {}, column {}",
            element.name, element.at.0, element.at.1
        )
    };
    let mut seen = Vec::new();
    for child in &root.children {
        let known = SECTIONS.contains(&child.name.as_str());
        if is_fragment && (known || child.name == "base" || child.name == "include-fragment") {
            return Err(refused(format!(
                "{}: the element is not allowed in a fragment.",
                at(child)
            )));
        }
        if !is_fragment && !known {
            return Err(refused(format!(
                "{}: the element is not allowed here.",
                at(child)
            )));
        }
        if !is_fragment && seen.contains(&&child.name) {
            return Err(refused(format!(
                "{}: the section is there twice.",
                at(child)
            )));
        }
        seen.push(&child.name);
    }
    Ok(())
}
