//! How a resource is shown: without secrets, links with what they lead to, policies in
//! the format that is asked for.

use super::{Call, link_target};
use crate::behaviours::Row;
use crate::place::Place;
use crate::policy;
use crate::store::Entity;
use serde_json::{Map, Value};

/// Properties that are taken and never shown, by kind.
fn secrets(kind: &str) -> &'static [&'static str] {
    match kind {
        "subscriptions" => &["primaryKey", "secondaryKey"],
        "authorizationservers" => &[
            "clientSecret",
            "resourceOwnerUsername",
            "resourceOwnerPassword",
        ],
        "identityproviders" | "openidconnectproviders" => &["clientSecret"],
        "certificates" => &["data", "password"],
        "users" => &["password"],
        _ => &[],
    }
}

impl Call<'_> {
    /// The JSON of a resource: `id`, `type`, `name` and what is stored.
    pub(super) fn shown(&self, entity: &Entity, alone: bool) -> Value {
        let kind = Place::of(&entity.id)
            .map(|place| place.kind())
            .unwrap_or_default();
        let mut out = Map::new();
        let revised = alone.then(|| self.revised(entity)).flatten();
        out.insert(
            "id".into(),
            revised.unwrap_or_else(|| entity.id.clone()).into(),
        );
        out.insert("type".into(), entity.arm_type.clone().into());
        out.insert("name".into(), entity.name.clone().into());
        out.extend(
            self.target_of(entity, &kind)
                .unwrap_or(&entity.body)
                .clone(),
        );
        if let Some(Value::Object(properties)) = out.get_mut("properties") {
            if self.on(Row::SecretsHidden) {
                for secret in secrets(&kind) {
                    properties.remove(*secret);
                }
                if kind == "namedvalues" && properties.get("secret") == Some(&Value::Bool(true)) {
                    properties.remove("value");
                }
            }
            if (kind.ends_with("policies") || kind == "policyfragments")
                && self.on(Row::PolicyStored)
            {
                self.policy_format(properties);
            }
        }
        if let Some(older) = self.older() {
            let path: Vec<String> = crate::table::segments(&entity.id)
                .map(str::to_owned)
                .collect();
            let table = &self.world.table;
            let writes = table.at(&path).into_iter().find(|one| one.method == "PUT");
            if let Some(model) = writes.and_then(|one| one.body.as_ref()) {
                crate::shape::shown(table, older, model, &mut out);
            }
        }
        Value::Object(out)
    }

    /// Asked by its revision, the current API is shown with it.
    fn revised(&self, entity: &Entity) -> Option<String> {
        let asked = self.request.path.last()?;
        let same = asked
            .to_lowercase()
            .starts_with(&format!("{};rev=", entity.name.to_lowercase()));
        same.then(|| format!("{}{}", entity.id, &asked[entity.name.len()..]))
    }

    /// What a link shows: the body of what it leads to.
    fn target_of(&self, entity: &Entity, kind: &str) -> Option<&Map<String, Value>> {
        let collection = link_target(kind)?;
        let scope = Place::of(&entity.id)?.scope();
        let found = self
            .state
            .store
            .get(&format!("{scope}/{collection}/{}", entity.name));
        found.map(|target| &target.body)
    }

    fn policy_format(&self, properties: &mut Map<String, Value>) {
        let asked = self.request.asks("format").unwrap_or("xml");
        let raw = asked.to_lowercase().starts_with("rawxml");
        let stored_raw = properties.get("format").and_then(Value::as_str) == Some("rawxml");
        let format = if raw { "rawxml" } else { "xml" };
        properties.insert("format".into(), format.into());
        if let (false, true, Some(Value::String(value))) =
            (raw, stored_raw, properties.get_mut("value"))
        {
            *value = policy::escaped(value);
        }
    }
}
