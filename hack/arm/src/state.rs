//! What is known of resources that exist, for `reference()` and `list…()`.

use serde_json::Value;

/// The resources that a deployment can ask for while it runs.
pub trait State {
    /// The whole resource: `id`, `name`, `type`, `location`, `properties`; a deployment with
    /// its `properties.outputs`. None when there is no such resource.
    fn resource(&self, id: &str, api_version: &str) -> Option<Value>;

    /// What the action (`listKeys`, `listSecrets`) answers. None when there is no such
    /// resource or action.
    fn list(
        &self,
        action: &str,
        id: &str,
        api_version: &str,
        input: Option<&Value>,
    ) -> Option<Value>;
}

/// A resource group whose resources can be listed, for complete mode and what-if.
pub trait Group: State {
    /// Ids of the resources below a scope.
    fn ids(&self, scope: &str) -> Vec<String>;
}

/// No resource at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nothing;

impl State for Nothing {
    fn resource(&self, _: &str, _: &str) -> Option<Value> {
        None
    }

    fn list(&self, _: &str, _: &str, _: &str, _: Option<&Value>) -> Option<Value> {
        None
    }
}
