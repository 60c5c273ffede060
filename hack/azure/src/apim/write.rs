//! PUT and PATCH.

use super::{Call, label, link_target};
use crate::answer::{Answer, Refusal};
use crate::behaviours::Row;
use crate::shape::Shape;
use crate::store::Entity;
use crate::table::Operation;
use serde_json::{Map, Value};

/// Whether a request of this operation ends later.
pub fn long_running(operation: &Operation) -> bool {
    operation.long_running && operation.method != "POST"
}

impl Call<'_> {
    /// Compares `If-Match` with what is there; `missing` says whether it must be sent.
    pub(super) fn if_match(&self, old: Option<&Entity>) -> Result<(), Refusal> {
        let needed = self
            .operation
            .headers
            .iter()
            .any(|header| header == "If-Match!");
        let Some(asked) = self.request.header("if-match") else {
            return match needed && self.on(Row::EtagRequired) {
                true => Err(Refusal::new(
                    400,
                    "MissingOrIncorrectVersionCondition",
                    "If-Match header must be specified with the ETag of the entity, or with *.",
                )),
                false => Ok(()),
            };
        };
        let same = asked == "*"
            || old.is_some_and(|old| {
                asked
                    .split(',')
                    .any(|tag| tag.trim().trim_start_matches("W/") == old.etag())
            });
        match same || !self.on(Row::EtagCompared) {
            true => Ok(()),
            false => Err(Refusal::new(
                412,
                "PreconditionFailed",
                "Resource was modified since last retrieval.",
            )),
        }
    }

    /// Reads the body by the model of the operation.
    fn body(&self, whole: bool) -> Result<Map<String, Value>, Refusal> {
        let sent = match self.request.json() {
            Ok(sent) => sent,
            Err(_) if !self.on(Row::JsonRequired) => Value::Null,
            Err(refusal) => return Err(refusal),
        };
        let sent = match sent {
            Value::Object(sent) => sent,
            Value::Null => Map::new(),
            _ if !self.on(Row::JsonRequired) => Map::new(),
            _ => {
                return Err(Refusal::new(
                    400,
                    "InvalidRequestContent",
                    "The request content was invalid: a JSON object is expected.",
                ));
            }
        };
        let Some(model) = &self.operation.body else {
            return Ok(Map::new());
        };
        let pool = self.place.kind() == "backends"
            && self.on(Row::PoolMembers)
            && sent
                .get("properties")
                .and_then(|p| p["type"].as_str())
                .is_some_and(|kind| kind.eq_ignore_ascii_case("pool"));
        let not_needed: &[&str] = if pool {
            &["properties.url", "properties.protocol"]
        } else {
            &[]
        };
        let shape = Shape {
            table: &self.world.table,
            behaviours: &self.world.behaviours,
            whole,
            not_needed,
            older: self.older(),
        };
        shape.read(model, &sent).map_err(Refusal::validation)
    }

    pub(super) fn put(&mut self) -> Result<Answer, Refusal> {
        self.names()?;
        let kind = self.place.kind();
        self.parent_exists()?;
        let id = self.place.id();
        let old = self.state.store.get(&id).cloned();
        self.if_match(old.as_ref())?;
        let mut body = self.body(true)?;
        if let Some(Value::Object(properties)) = body.get_mut("properties") {
            properties.retain(|_, value| !value.is_null());
        }
        self.references(&body)?;
        if kind == "apis" {
            return self.put_api(body, old.as_ref());
        }
        let mut properties = match body.remove("properties") {
            Some(Value::Object(properties)) => properties,
            _ => Map::new(),
        };
        self.prepare(&kind, &mut properties, old.as_ref())?;
        if !properties.is_empty() || link_target(&kind).is_none() {
            body.insert("properties".into(), Value::Object(properties));
        }
        if body
            .get("properties")
            .is_some_and(|properties| properties.as_object().is_some_and(Map::is_empty))
            && self.operation.body.is_none()
        {
            body.remove("properties");
        }
        let arm_type = self.place.arm_type();
        self.state.store.put(&id, &arm_type, body);
        if old.is_none() {
            self.created(&kind, &id);
        }
        if kind == "apis/releases" {
            self.release()?;
        }
        Ok(self.written(&id, old.is_none()))
    }

    /// 200 or 201 with the resource.
    pub(super) fn written(&self, id: &str, is_new: bool) -> Answer {
        let Some(entity) = self.state.store.get(id) else {
            return Answer::empty(200);
        };
        let wanted = if is_new && self.on(Row::CreatedOnce) {
            201
        } else {
            200
        };
        let success = &self.operation.success;
        let status = if success.contains(&wanted) {
            wanted
        } else {
            success.first().copied().unwrap_or(200)
        };
        Answer::json(status, self.shown(entity, true)).with("etag", entity.etag())
    }

    pub(super) fn patch(&mut self) -> Result<Answer, Refusal> {
        let id = self.place.id();
        let kind = self.place.kind();
        let old = self
            .state
            .store
            .get(&id)
            .cloned()
            .ok_or_else(|| Refusal::not_found(label(&kind)))?;
        self.if_match(Some(&old))?;
        let sent = self.body(false)?;
        let mut body = old.body.clone();
        merge(&mut body, sent);
        self.references(&body)?;
        if kind == "apis" {
            return self.patch_api(body, &old);
        }
        let mut properties = match body.remove("properties") {
            Some(Value::Object(properties)) => properties,
            _ => Map::new(),
        };
        if kind == "namedvalues" && properties.contains_key("keyVault") {
            properties.remove("value");
        }
        self.prepare(&kind, &mut properties, Some(&old))?;
        body.insert("properties".into(), Value::Object(properties));
        let arm_type = old.arm_type.clone();
        self.state.store.put(&id, &arm_type, body);
        Ok(self.written(&id, false))
    }
}

/// JSON merge: objects are merged, all else is replaced.
fn merge(old: &mut Map<String, Value>, new: Map<String, Value>) {
    for (key, value) in new {
        match (old.get_mut(&key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            (_, value) => {
                old.insert(key, value);
            }
        }
    }
}
