//! A template, deployed by the simulation.

use crate::bundles::{Given, asked};
use crate::simulated::Simulated;
use flux_apim_deploy::template::{ByTemplate, Template};
use flux_apim_deploy::{Engine, Resources, Texts};
use flux_apim_diag::tree::ArtifactPath;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Texts play no part where a template is deployed.
struct None;

impl Texts for None {
    fn text(&self, path: &ArtifactPath) -> Result<String, String> {
        Err(format!("{} is not read", path.as_str()))
    }
}

/// Deploys a template, with a value for each of its secrets.
///
/// # Errors
/// What was refused, in words.
pub fn deploy(service: &Simulated, main: &Value, parameters: &Value) -> Result<(), String> {
    let declared = main["parameters"].as_object().into_iter().flatten();
    let secure = declared.filter(|(_, parameter)| {
        let kind = parameter["type"].as_str().unwrap_or("");
        kind.eq_ignore_ascii_case("securestring")
    });
    let secrets: BTreeMap<&String, Value> = secure
        .map(|(name, _)| (name, json!({"description": "of a test", "optional": true})))
        .collect();
    let file = json!({
        "apiVersion": "flux-apim.dev/resources/v1", "armApiVersion": "2024-05-01",
        "resources": [], "secrets": secrets, "service": null,
    });
    let resources = Resources::parse(file.to_string().as_bytes());
    let resources = resources.map_err(|error| error.to_string())?;
    let (id, asked) = (service.service(), asked());
    let engine = Engine {
        service,
        service_id: &id,
        resources: &resources,
        texts: &None,
        secrets: &Given,
        asked: &asked,
        state: Option::None,
    };
    let template = Template {
        parts: vec![main.clone()],
        parameters: parameters.clone(),
    };
    let deployment = ByTemplate {
        engine: &engine,
        template: &template,
        stack: Option::None,
    };
    let done = service.block_on(deployment.deploy());
    match done.is_whole() {
        true => Ok(()),
        false => Err(done.to_human()),
    }
}
