//! APIs: imports, exports, revisions and releases.

use super::{Call, hex};
use crate::answer::{Answer, Refusal};
use crate::behaviours::Row;
use crate::definition;
use crate::place::revision;
use crate::store::Entity;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Greatest inline definition, in bytes.
const IMPORT: usize = 4 * 1024 * 1024;

/// What belongs to an API and not to one of its revisions.
const OF_ALL_REVISIONS: [&str; 3] = ["releases", "issues", "wikis"];

/// What of a request is no property of the API.
const OF_REQUEST: [&str; 6] = [
    "format",
    "value",
    "wsdlSelector",
    "sourceApiId",
    "translateRequiredQueryParameters",
    "apiType",
];

impl Call<'_> {
    /// The id of the API without revision.
    fn root(&self) -> String {
        revision(&self.place.id()).0.to_owned()
    }

    /// Ids of the other revisions of an API.
    pub(super) fn revisions_of(&self, api: &Entity) -> Vec<String> {
        if api.name.contains(";rev=") {
            return Vec::new();
        }
        let prefix = format!("{};rev=", api.name.to_lowercase());
        let all = self
            .state
            .store
            .children(&format!("{}/apis", self.place.scope()));
        let of = all.filter(|other| other.name.to_lowercase().starts_with(&prefix));
        of.map(|other| other.id.clone()).collect()
    }

    pub(super) fn put_api(
        &mut self,
        body: Map<String, Value>,
        old: Option<&Entity>,
    ) -> Result<Answer, Refusal> {
        let mut properties = match body.get("properties") {
            Some(Value::Object(properties)) => properties.clone(),
            _ => Map::new(),
        };
        let mut request = Map::new();
        for name in OF_REQUEST {
            if let Some(value) = properties.remove(name) {
                request.insert(name.to_owned(), value);
            }
        }
        let asked = request
            .get("apiType")
            .or(properties.get("type"))
            .and_then(Value::as_str)
            .map(str::to_lowercase);
        let only_type = !request.contains_key("apiType");
        let kind = match asked.as_deref() {
            Some("soap") if only_type && self.on(Row::TypeReadOnly) => "http",
            Some(kind) => kind,
            None => old
                .as_ref()
                .and_then(|old| old.text("type"))
                .unwrap_or("http"),
        };
        properties.insert("type".into(), json!(kind.to_owned()));

        let id = self.place.id();
        let mut id = id.clone();
        let root_id = self.root();
        let root = self.state.store.get(&root_id).cloned();
        let number = revision(self.place.name()).1.map(str::to_owned);
        let mut source = None;
        if let Some(text) = request.get("sourceApiId").and_then(Value::as_str) {
            source = self.source(text)?;
        }
        match (&number, &root) {
            (None, _) => self.root_revision(&mut properties, old)?,
            (Some(number), None) => {
                if !self.on(Row::RevisionMakesApi) {
                    return Err(Refusal::property(
                        "apiRevision",
                        format!("Revision {number} needs an API that is there."),
                    ));
                }
                id.clone_from(&root_id);
                properties.insert("apiRevision".into(), json!(number));
                properties.insert("isCurrent".into(), json!(true));
            }
            (Some(number), Some(root)) => {
                self.fixed(&properties, root)?;
                let says = properties.get("isCurrent") == Some(&Value::Bool(true));
                if says && old.is_none() && self.on(Row::RevisionNotCurrent) {
                    return Err(Refusal::property(
                        "IsCurrent",
                        "Can't set new revision as current.",
                    ));
                }
                for name in ["displayName", "path", "apiVersion", "apiVersionSetId"] {
                    let of_root = root.property(name).cloned();
                    match of_root {
                        Some(value) => properties.insert(name.to_owned(), value),
                        None => properties.remove(name),
                    };
                }
                properties.insert("apiRevision".into(), json!(number));
                properties.insert("isCurrent".into(), json!(false));
            }
        }
        // Whether Azure copies again when the revision is there is not known: properties that
        // are not sent are those of the source both times, children are copied once.
        if let Some(source) = &source {
            for (name, value) in source
                .body
                .get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
            {
                if !["apiRevision", "isCurrent", "apiRevisionDescription"].contains(&name.as_str())
                {
                    properties
                        .entry(name.clone())
                        .or_insert_with(|| value.clone());
                }
            }
        }
        let imported = self.imported(&request)?;
        if let Some(imported) = &imported {
            for (name, value) in [
                ("displayName", &imported.title),
                ("description", &imported.description),
                ("serviceUrl", &imported.service_url),
            ] {
                if let Some(value) = value {
                    properties.entry(name).or_insert_with(|| json!(value));
                }
            }
        }
        for (name, value) in [
            ("displayName", json!(revision(self.place.name()).0)),
            ("subscriptionRequired", json!(true)),
            ("protocols", json!(["https"])),
            (
                "subscriptionKeyParameterNames",
                json!({"header": "Ocp-Apim-Subscription-Key", "query": "subscription-key"}),
            ),
            ("isOnline", json!(true)),
            ("provisioningState", json!("Succeeded")),
        ] {
            properties.entry(name).or_insert(value);
        }
        self.api_checks(&properties, kind, &root_id)?;

        let arm_type = self.place.arm_type();
        let mut body = body;
        body.insert("properties".into(), Value::Object(properties));
        self.state.store.put(&id, &arm_type, body);
        if let (Some(source), None, true) = (&source, old, self.on(Row::RevisionCopies)) {
            self.copy(&source.id, &id);
        }
        if let Some(imported) = imported.filter(|_| self.on(Row::ImportOperations)) {
            self.store_import(&id, imported);
        }
        Ok(self.written(&id, old.is_none()))
    }

    /// The API that is to be copied.
    fn source(&self, text: &str) -> Result<Option<Entity>, Refusal> {
        let id = self.named_id(text).unwrap_or_default();
        let (root, number) = revision(&id);
        let exact = self.state.store.get(&id);
        let current = self
            .state
            .store
            .get(root)
            .filter(|api| number.is_some() && api.text("apiRevision") == number);
        match exact.or(current) {
            Some(source) => Ok(Some(source.clone())),
            None if self.on(Row::ReferenceExists) => Err(Refusal::property(
                "sourceApiId",
                format!("API with id '{text}' could not be found."),
            )),
            None => Ok(None),
        }
    }

    /// The revision that a PUT of the API itself may say.
    fn root_revision(
        &self,
        properties: &mut Map<String, Value>,
        old: Option<&Entity>,
    ) -> Result<(), Refusal> {
        let asked = properties
            .get("apiRevision")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let current = old.and_then(|old| old.text("apiRevision"));
        if let (Some(asked), Some(current)) = (&asked, current) {
            let says = properties.get("isCurrent") == Some(&Value::Bool(true));
            if asked != current && says && self.on(Row::RootRevision) {
                return Err(Refusal::property(
                    "isCurrent",
                    format!(
                        "Cannot make revision {asked} current by this property: revision {current} is current. Use a release."
                    ),
                ));
            }
        }
        let number = match (current, asked) {
            (Some(current), _) => current.to_owned(),
            (None, Some(asked)) => asked,
            (None, None) => "1".to_owned(),
        };
        properties.insert("apiRevision".into(), json!(number));
        properties.insert("isCurrent".into(), json!(true));
        Ok(())
    }

    /// What a revision has from its API stays.
    fn fixed(&self, properties: &Map<String, Value>, root: &Entity) -> Result<(), Refusal> {
        for (name, label) in [("displayName", "Name"), ("path", "Path")] {
            let sent = properties.get(name).and_then(Value::as_str);
            if sent.is_some() && sent != root.text(name) && self.on(Row::RevisionFixed) {
                return Err(Refusal::property(
                    name,
                    format!("Can't change property {label} for non-current revision"),
                ));
            }
        }
        Ok(())
    }

    fn imported(
        &mut self,
        request: &Map<String, Value>,
    ) -> Result<Option<definition::Imported>, Refusal> {
        let Some(text) = request.get("value").and_then(Value::as_str) else {
            return Ok(None);
        };
        let format = request
            .get("format")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if text.len() > IMPORT && self.on(Row::ImportSize) {
            return Err(Refusal::property(
                "representation",
                format!(
                    "The definition is too large: {} bytes, and {IMPORT} are allowed.",
                    text.len()
                ),
            ));
        }
        let count = self.state.number();
        let selector = request.get("wsdlSelector").map(|selector| {
            let of = |name: &str| selector[name].as_str().unwrap_or_default().to_owned();
            definition::Selector {
                service: of("wsdlServiceName"),
                endpoint: of("wsdlEndpointName"),
            }
        });
        let behaviours = &self.world.behaviours;
        match definition::import(format, text, count, selector.as_ref(), behaviours) {
            Ok(imported) => Ok(Some(imported)),
            Err(_) if !self.on(Row::ImportBroken) => Ok(Some(definition::Imported::default())),
            Err(error) => Err(Refusal::property(
                "representation",
                format!("Parsing error(s): {error}"),
            )),
        }
    }

    fn api_checks(
        &self,
        properties: &Map<String, Value>,
        kind: &str,
        root_id: &str,
    ) -> Result<(), Refusal> {
        let text = |name: &str| {
            properties
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        if kind == "websocket" && self.on(Row::WebsocketUrl) {
            let url = text("serviceUrl");
            if !url.starts_with("ws://") && !url.starts_with("wss://") {
                return Err(Refusal::property(
                    "serviceUrl",
                    "A WebSocket API needs a serviceUrl of ws:// or wss://.",
                ));
            }
        }
        let (path, set, version) = (text("path"), text("apiVersionSetId"), text("apiVersion"));
        let has_set = !set.is_empty() || properties.contains_key("apiVersionSet");
        if !version.is_empty() && !has_set && self.on(Row::VersionNeedsSet) {
            return Err(Refusal::property(
                "ApiVersion",
                "Can't set VersionName when ApiVersionSetId is not set.",
            ));
        }
        let own = |other: &Entity| revision(&other.id).0.eq_ignore_ascii_case(root_id);
        for other in self
            .state
            .store
            .children(&format!("{}/apis", self.place.scope()))
        {
            let same_path = other.text("path").is_some_and(|p| {
                p.trim_matches('/')
                    .eq_ignore_ascii_case(path.trim_matches('/'))
            });
            if own(other) || !same_path || other.name.contains(";rev=") {
                continue;
            }
            let other_set = other.text("apiVersionSetId").unwrap_or_default();
            let last = |id: &str| id.rsplit('/').next().unwrap_or_default().to_lowercase();
            let versions = !set.is_empty() && last(set) == last(other_set);
            if !versions && self.on(Row::PathUnique) {
                return Err(Refusal::property(
                    "path",
                    format!(
                        "Cannot create API '{}' with the same Path '{path}' as API '{}'  unless it's a part of the same version set",
                        self.place.name(),
                        other.name
                    ),
                ));
            }
            let same = other
                .text("apiVersion")
                .unwrap_or_default()
                .eq_ignore_ascii_case(version);
            if versions && same && self.on(Row::VersionUnique) {
                return Err(Refusal::property(
                    "apiVersion",
                    format!(
                        "Version '{version}' is already used in the version set by API '{}'.",
                        other.name
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Copies what is below a revision to another.
    fn copy(&mut self, from: &str, to: &str) {
        let copied: Vec<Entity> = self.state.store.below(from).cloned().collect();
        for entity in copied {
            let rest = &entity.id[from.len()..];
            let first = crate::table::segments(rest).next().unwrap_or_default();
            if !OF_ALL_REVISIONS.contains(&first) {
                self.state
                    .store
                    .put(&format!("{to}{rest}"), &entity.arm_type, entity.body);
            }
        }
    }

    fn store_import(&mut self, api: &str, imported: definition::Imported) {
        let kept: BTreeSet<String> = imported
            .operations
            .iter()
            .map(|(name, _)| name.to_lowercase())
            .collect();
        if self.on(Row::ImportRemoves) {
            let there = self.state.store.children(&format!("{api}/operations"));
            let gone: Vec<String> = there
                .filter(|o| !kept.contains(&o.name.to_lowercase()))
                .map(|o| o.id.clone())
                .collect();
            for id in gone {
                self.state.store.remove(&id);
            }
        }
        let arm_type = self.place.arm_type();
        let schema = hex(&format!("{}schema", api.to_lowercase()));
        let has_schema = imported.schema.is_some();
        for (name, mut properties) in imported.operations {
            if has_schema {
                name_schemas(&mut properties, &schema);
            }
            let mut body = Map::new();
            body.insert("properties".into(), Value::Object(properties));
            self.state.store.put(
                &format!("{api}/operations/{name}"),
                &format!("{arm_type}/operations"),
                body,
            );
        }
        if let Some((content, document)) = imported.schema {
            let body = json!({"properties": {"contentType": content, "document": document}});
            crate::world::put(
                &mut self.state.store,
                &format!("{api}/schemas/{schema}"),
                &format!("{arm_type}/schemas"),
                body,
            );
        }
    }

    pub(super) fn patch_api(
        &mut self,
        mut body: Map<String, Value>,
        old: &Entity,
    ) -> Result<Answer, Refusal> {
        let id = self.place.id();
        let Some(Value::Object(properties)) = body.get_mut("properties") else {
            return Ok(self.written(&id, false));
        };
        if let Some(root) = self
            .state
            .store
            .get(&self.root())
            .filter(|_| old.name.contains(";rev="))
        {
            self.fixed(properties, root)?;
        } else {
            self.root_revision(properties, Some(old))?;
        }
        for name in ["apiRevision", "isCurrent"] {
            if let Some(value) = old.property(name) {
                properties.insert(name.to_owned(), value.clone());
            }
        }
        let kind = properties
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or("http")
            .to_owned();
        let properties = properties.clone();
        self.api_checks(&properties, &kind, &self.root())?;
        self.state.store.put(&id, &old.arm_type, body);
        Ok(self.written(&id, false))
    }

    /// A release names a revision of its own API.
    pub(super) fn release_target(
        &self,
        properties: &mut Map<String, Value>,
    ) -> Result<(), Refusal> {
        let target = properties
            .get("apiId")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let api = self.place.parent().map(|api| api.id()).unwrap_or_default();
        let id = self.named_id(target).unwrap_or_default();
        let own = revision(&id).0.eq_ignore_ascii_case(revision(&api).0);
        match own || !self.on(Row::ReleaseTarget) || target.is_empty() {
            true => Ok(()),
            false => Err(Refusal::property(
                "apiId",
                format!("'{target}' is no revision of the API."),
            )),
        }
    }

    /// Makes the revision of a release the current one.
    pub(super) fn release(&mut self) -> Result<(), Refusal> {
        let release = self.state.store.get(&self.place.id());
        let target = release
            .and_then(|release| release.text("apiId"))
            .unwrap_or_default();
        let Some(id) = self.named_id(target).filter(|_| self.on(Row::ReleaseMoves)) else {
            return Ok(());
        };
        let (root, Some(number)) = revision(&id) else {
            return Ok(());
        };
        let current = self
            .state
            .store
            .get(root)
            .and_then(|api| api.text("apiRevision"))
            .unwrap_or("1")
            .to_owned();
        let next = self.state.store.get(&id).map(|entity| entity.id.clone());
        let (Some(next), false) = (next, current == number) else {
            return Ok(());
        };
        let api = self
            .state
            .store
            .get(root)
            .map_or_else(|| root.to_owned(), |api| api.id.clone());
        self.state
            .store
            .rename(&api, &format!("{api};rev={current}"), &OF_ALL_REVISIONS);
        self.state.store.rename(&next, &api, &OF_ALL_REVISIONS);
        for (id, is_current) in [(format!("{api};rev={current}"), false), (api, true)] {
            if let Some(entity) = self.state.store.change(&id) {
                entity.set("isCurrent", is_current);
            }
        }
        Ok(())
    }

    pub(super) fn export(&mut self) -> Result<Answer, Refusal> {
        let id = self.place.id();
        let api = self
            .state
            .store
            .get(&id)
            .ok_or_else(|| Refusal::not_found("API"))?;
        let format = self
            .request
            .asks("format")
            .unwrap_or_default()
            .to_lowercase();
        let kinds = [
            "swagger-link",
            "wadl-link",
            "wsdl-link",
            "openapi-link",
            "openapi+json-link",
            "openapi",
            "openapi+json",
            "swagger",
            "swagger-json",
        ];
        if !kinds.contains(&format.as_str()) {
            return Err(Refusal::property(
                "format",
                format!("'{format}' is no format of an export."),
            ));
        }
        let mut operations: Vec<(String, &Map<String, Value>)> = Vec::new();
        if self.on(Row::Exports) {
            for operation in self.state.store.children(&format!("{id}/operations")) {
                if let Some(Value::Object(properties)) = operation.body.get("properties") {
                    operations.push((operation.name.clone(), properties));
                }
            }
        }
        let schema = self
            .state
            .store
            .children(&format!("{id}/schemas"))
            .find_map(|schema| schema.property("document"));
        let empty = Map::new();
        let properties = api
            .body
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&empty);
        // JSON is YAML too, so both formats are one text.
        let document = definition::export(
            properties,
            &operations,
            schema.unwrap_or(&Value::Null),
            format.starts_with("swagger"),
        );
        let value = if format.ends_with("-link") {
            let key = self.state.export(document);
            json!({"link": format!("{}/simulator/exports/{key}", self.request.origin)})
        } else {
            json!(document.to_string())
        };
        Ok(Answer::json(
            200,
            json!({"id": id, "format": format, "value": value}),
        ))
    }
}

/// Representations that name a type name the schema it is in.
fn name_schemas(properties: &mut Map<String, Value>, schema: &str) {
    let mut open: Vec<&mut Value> = properties.values_mut().collect();
    while let Some(value) = open.pop() {
        match value {
            Value::Object(entries) => {
                if entries.contains_key("typeName") {
                    entries.insert("schemaId".into(), json!(schema));
                }
                open.extend(entries.values_mut());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
}
