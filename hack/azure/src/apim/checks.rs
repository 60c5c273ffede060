//! What must be there before something is written: parents, targets, references.

use super::{Call, label, link_target};
use crate::answer::{Answer, Refusal};
use crate::behaviours::Row;
use crate::place::Place;
use crate::policy;
use crate::shape::text_problem;
use serde_json::{Map, Value, json};

/// Properties that name a resource: kind, path, what messages call it.
const REFERENCES: [(&str, &str, &str); 7] = [
    ("apis", "/apiVersionSetId", "Api version set"),
    ("diagnostics", "/loggerId", "Logger"),
    ("apis/diagnostics", "/loggerId", "Logger"),
    ("apis/releases", "/apiId", "API"),
    ("subscriptions", "/ownerId", "User"),
    ("policyrestrictions", "/scope", "Entity"),
    (
        "apis/operations",
        "/request/representations/*/schemaId",
        "Schema",
    ),
];

/// Properties of workspace links that name their target.
const LINKS: [(&str, &str, &str); 5] = [
    ("products/apilinks", "apiId", "Api"),
    ("products/grouplinks", "groupId", "Group"),
    ("tags/apilinks", "apiId", "Api"),
    ("tags/operationlinks", "operationId", "Operation"),
    ("tags/productlinks", "productId", "Product"),
];

impl Call<'_> {
    /// Names have the form that the SDK's path parameters have.
    pub(super) fn names(&self) -> Result<(), Refusal> {
        if !self.on(Row::NamesChecked) {
            return Ok(());
        }
        let template: Vec<&str> = crate::table::segments(&self.operation.path).collect();
        for (segment, value) in template.iter().zip(&self.request.path) {
            let name = segment.trim_start_matches('{').trim_end_matches('}');
            let rules = self
                .operation
                .parameters
                .get(name)
                .filter(|_| segment.starts_with('{'));
            // A revision is no part of the name.
            let value = if name == "apiId" {
                crate::place::revision(value).0
            } else {
                value
            };
            if let Some(problem) =
                rules.and_then(|rules| text_problem(&self.world.table, rules, value))
            {
                return Err(Refusal::property(name, format!("'{name}' {problem}.")));
            }
        }
        let kind = self.place.kind();
        let name = self.place.name();
        if name.contains(char::is_whitespace) && self.on(Row::Identifiers) {
            // The sentence of azure-api-management-devops-resource-kit#584. Names of operations
            // have other characters too, so that only white space is looked for.
            return Err(Refusal::new(
                400,
                "ValidationError",
                format!(
                    "Invalid identifier {name} specified. Entity Identifier can contain only letters, numbers, and hyphens. The first and last character must be a letter or a number"
                ),
            ));
        }
        if kind.ends_with("policies") && !self.place.name().eq_ignore_ascii_case("policy") {
            return Err(Refusal::property(
                "policyId",
                "The only policy that an entity has is called 'policy'.",
            ));
        }
        Ok(())
    }

    /// Whether a place is the gateway that every service has.
    pub(super) fn is_managed_gateway(&self, place: &Place) -> bool {
        let named = place.kind() == "gateways" && place.name().eq_ignore_ascii_case("managed");
        named && self.on(Row::ManagedGateway)
    }

    /// What it stands below is there.
    pub(super) fn parent_exists(&self) -> Result<(), Refusal> {
        let Some(parent) = self
            .place
            .parent()
            .filter(|parent| !parent.pairs.is_empty())
        else {
            return Ok(());
        };
        let kind = parent.kind();
        let holder =
            ["portalsettings", "tenant", "notifications", "contenttypes"].contains(&kind.as_str());
        if holder
            || self.is_managed_gateway(&parent)
            || self.state.store.get(&parent.id()).is_some()
        {
            return Ok(());
        }
        if kind == "apis/operations"
            && self.place.kind().ends_with("policies")
            && self.on(Row::OperationPolicyParent)
        {
            let api = parent
                .parent()
                .is_some_and(|api| self.state.store.get(&api.id()).is_some());
            if api {
                return Err(Refusal::new(
                    400,
                    "ValidationError",
                    "Entity with specified identifier not found",
                ));
            }
        }
        match self.on(Row::ParentExists) {
            true => Err(Refusal::not_found(label(&kind))),
            false => Ok(()),
        }
    }

    /// The id that a text in a property names; `None` when it names nothing of this service.
    pub(super) fn named_id(&self, text: &str) -> Option<String> {
        let text = text.trim_end_matches('/');
        if text.to_lowercase().starts_with("/subscriptions/") && text.contains("/providers/") {
            let own = text
                .to_lowercase()
                .starts_with(&self.place.service.to_lowercase());
            return own.then(|| text.to_owned());
        }
        let scope = self.place.scope();
        text.starts_with('/').then(|| format!("{scope}{text}"))
    }

    /// What stands at the id that a text names.
    fn is_there(&self, text: &str) -> bool {
        let Some(id) = self.named_id(text) else {
            return false;
        };
        if id.eq_ignore_ascii_case(&self.place.service) || self.state.store.get(&id).is_some() {
            return true;
        }
        // The revision that is current stands under the API's own name.
        let (root, revision) = crate::place::revision(&id);
        let api = self.state.store.get(root);
        revision.is_some() && api.and_then(|api| api.text("apiRevision")) == revision
    }

    /// Links lead to what is there, and references name it.
    pub(super) fn references(&self, body: &Map<String, Value>) -> Result<(), Refusal> {
        let kind = self.place.kind();
        let properties = body.get("properties").cloned().unwrap_or(Value::Null);
        if let Some(collection) = link_target(&kind).filter(|_| self.on(Row::LinkTargetExists)) {
            let target = format!("{}/{collection}/{}", self.place.scope(), self.place.name());
            if self.state.store.get(&target).is_none() {
                return Err(Refusal::not_found(label(collection)));
            }
        }
        if kind == "apis/tagdescriptions" && self.on(Row::LinkTargetExists) {
            let tag = format!(
                "{}/tags/{}",
                self.place.parent().map(|api| api.id()).unwrap_or_default(),
                self.place.name()
            );
            let own = format!("{}/tags/{}", self.place.scope(), self.place.name());
            if self.state.store.get(&tag).is_none() && self.state.store.get(&own).is_none() {
                return Err(Refusal::not_found("Tag"));
            }
        }
        for (of, property, what) in LINKS {
            if kind != of {
                continue;
            }
            let target = properties[property].as_str().unwrap_or_default();
            if self.on(Row::LinkTargetExists) && !self.is_there(target) {
                return Err(Refusal::not_found(what));
            }
            if self.on(Row::LinkUnique) {
                self.link_is_new(property, target, what)?;
            }
        }
        if !self.on(Row::ReferenceExists) {
            return Ok(());
        }
        for (of, pointer, what) in REFERENCES {
            if kind == of {
                for text in texts_at(&properties, pointer) {
                    let bare = what == "Schema" && !text.contains('/');
                    if !bare && !self.is_there(text) {
                        let target = pointer.rsplit('/').next().unwrap_or_default();
                        return Err(Refusal::property(
                            target,
                            format!("{what} with id '{text}' could not be found."),
                        ));
                    }
                }
            }
        }
        for text in texts_at(&properties, "/pool/services/*/id")
            .into_iter()
            .filter(|_| kind == "backends")
        {
            if !self.is_there(text) {
                return Err(Refusal::property(
                    "services",
                    format!("Backend with id '{text}' could not be found."),
                ));
            }
        }
        if kind == "backends" || kind == "loggers" {
            let credentials = properties["credentials"].to_string();
            for name in policy::named_values(&credentials) {
                if !self.has_named_value(name) {
                    return Err(Refusal::property(
                        "credentials",
                        format!("Property '{name}' not found."),
                    ));
                }
            }
        }
        Ok(())
    }

    fn link_is_new(&self, property: &str, target: &str, what: &str) -> Result<(), Refusal> {
        let Some(parent) = self.place.parent() else {
            return Ok(());
        };
        let collection = self
            .place
            .pairs
            .last()
            .map(|(kind, _)| kind.clone())
            .unwrap_or_default();
        let other = self
            .state
            .store
            .children(&format!("{}/{collection}", parent.id()));
        let mut other = other.filter(|link| !link.name.eq_ignore_ascii_case(self.place.name()));
        match other.any(|link| {
            link.text(property)
                .is_some_and(|text| text.eq_ignore_ascii_case(target))
        }) {
            true => Err(Refusal::new(
                409,
                "Conflict",
                format!(
                    "Link already exists between specified {} and {what}.",
                    label(&parent.kind())
                ),
            )),
            false => Ok(()),
        }
    }

    /// Whether a named value has this display name.
    pub(super) fn has_named_value(&self, display: &str) -> bool {
        let service = format!("{}/namedValues", self.place.service);
        let own = format!("{}/namedValues", self.place.scope());
        let mut values = self
            .state
            .store
            .children(&own)
            .chain(self.state.store.children(&service));
        values.any(|value| {
            value
                .text("displayName")
                .is_some_and(|name| name.eq_ignore_ascii_case(display))
        })
    }

    /// Policies that include a fragment, as `listReferences` shows them.
    pub(super) fn references_of_fragment(&self) -> Result<Answer, Refusal> {
        let name = self.place.name().to_owned();
        let value: Vec<Value> = self.policies_that(|root, _| {
            policy::named(root).iter().any(|named| {
                named.collection == "policyFragments" && named.name.eq_ignore_ascii_case(&name)
            })
        });
        let value: Vec<Value> = value.into_iter().map(|id| json!({"id": id})).collect();
        Ok(Answer::json(
            200,
            json!({"count": value.len(), "value": value}),
        ))
    }

    /// Ids of the policies and fragments for which `test` holds.
    pub(super) fn policies_that(
        &self,
        test: impl Fn(&policy::Element, &str) -> bool,
    ) -> Vec<Value> {
        let all = self.state.store.below(&self.place.service);
        all.filter(|entity| {
            entity.arm_type.to_lowercase().ends_with("/policies")
                || entity.arm_type.to_lowercase().ends_with("/policyfragments")
        })
        .filter(|entity| {
            let text = entity.text("value").unwrap_or_default();
            policy::read(text).is_ok_and(|root| test(&root, text))
        })
        .map(|entity| entity.id.clone().into())
        .collect()
    }
}

/// Texts at a pointer; `*` steps into the items of an array.
fn texts_at<'a>(value: &'a Value, pointer: &str) -> Vec<&'a str> {
    let mut open = vec![value];
    for step in pointer.trim_start_matches('/').split('/') {
        open = open
            .into_iter()
            .flat_map(|value| match step {
                "*" => value
                    .as_array()
                    .map(|items| items.iter().collect())
                    .unwrap_or_default(),
                step => value.get(step).into_iter().collect::<Vec<_>>(),
            })
            .collect();
    }
    open.into_iter().filter_map(Value::as_str).collect()
}
