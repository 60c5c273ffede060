//! What is stored, as expressions and what-if see it.

use crate::apim;
use crate::world::World;
use arm_template::{Group, State};
use serde_json::{Map, Value, json};

/// What is stored, for `reference()`, `list...()` and what-if.
#[derive(Debug)]
pub struct Live<'w>(pub &'w World);

impl State for Live<'_> {
    /// What a GET shows: without secrets.
    fn resource(&self, id: &str, api_version: &str) -> Option<Value> {
        let mut state = self.0.state();
        if let Some(shown) = apim::read(self.0, &mut state, id, api_version) {
            return Some(shown);
        }
        let entity = state.store.get(id)?;
        let mut out = Map::new();
        out.insert("id".into(), json!(entity.id));
        out.insert("name".into(), json!(entity.name));
        out.insert("type".into(), json!(entity.arm_type));
        out.extend(entity.body.clone());
        Some(Value::Object(out))
    }

    fn list(&self, action: &str, id: &str, _: &str, _: Option<&Value>) -> Option<Value> {
        let state = self.0.state();
        let entity = state.store.get(id)?;
        let shown = |name: &str| entity.property(name).cloned().unwrap_or(Value::Null);
        match action.to_lowercase().as_str() {
            "listvalue" => Some(json!({"value": shown("value")})),
            "listsecrets" => Some(
                json!({"primaryKey": shown("primaryKey"), "secondaryKey": shown("secondaryKey")}),
            ),
            _ => None,
        }
    }
}

impl Group for Live<'_> {
    /// What Resource Manager itself lists of a group: no children of a service, which only
    /// their provider knows.
    fn ids(&self, scope: &str) -> Vec<String> {
        let state = self.0.state();
        let depth = scope.matches('/').count() + 4;
        state
            .store
            .below(scope)
            .filter(|entity| entity.id.matches('/').count() == depth)
            .map(|entity| entity.id.clone())
            .collect()
    }
}
