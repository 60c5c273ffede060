//! By template, where an organisation wants Azure's own record of what was deployed: the
//! ARM template of a bundle as a deployment into the resource group, or as a deployment
//! stack, which also looks after what is no longer in the template.
//!
//! Sources: the REST references "Deployments" (Create Or Update, What If, Deployment
//! Operations) and "Deployment Stacks" (Create Or Update, Delete, What If Results) of
//! Microsoft.Resources.

use crate::body::{MASKED, Secrets};
use crate::caller::{Caller, Failure};
use crate::engine::Engine;
use crate::id::Id;
use crate::inventory::short;
use crate::pattern::matches;
use crate::prediction::{Change, Predicted, Prediction};
use crate::service::{Method, Place, Service};
use flux_apim_diag::excerpt;
use flux_apim_diag::tree::Digest;
use flux_apim_model::below_service;
use flux_apim_model::kinds::Kind;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;

/// api-version of deployments.
const DEPLOYMENTS: &str = "2021-04-01";
/// api-version of stacks.
const STACKS: &str = "2024-03-01";
/// api-version of what stacks would do.
const WHAT_IF: &str = "2025-07-01";
/// The parameter of the template that names the service.
const SERVICE: &str = "apimServiceName";
const PROVIDER: &str = "providers/Microsoft.Resources";
/// Refused resources of a deployment that are named.
const REFUSED: usize = 50;

/// How a bundle is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// Request by request: the engine's own way.
    Requests,
    /// As a deployment, which deletes nothing.
    Deployment,
    /// As a stack.
    Stack(Stack),
}

/// What a stack does beside deploying.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stack {
    /// Whether what is no longer in the template is deleted; otherwise the stack lets go of it.
    pub deletes: bool,
    /// What nobody but the stack may do with its resources.
    pub denies: Deny,
    /// Object ids of who may all the same.
    pub except: Vec<String>,
}

/// What nobody but a stack may do with its resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Deny {
    /// Everybody may do what their roles say.
    #[default]
    Nothing,
    /// Nobody deletes them.
    Delete,
    /// Nobody writes or deletes them.
    WriteAndDelete,
}

impl Deny {
    fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::Delete => "denyDelete",
            Self::WriteAndDelete => "denyWriteAndDelete",
        }
    }
}

/// The template of a bundle.
#[derive(Debug, Clone)]
pub struct Template {
    /// One template, or those that are deployed one after the other.
    pub parts: Vec<Json>,
    /// Values of its parameters: the document that the bundle has.
    pub parameters: Json,
}

/// A template, to be deployed by an engine's service and secrets.
#[derive(Clone, Copy, Debug)]
pub struct ByTemplate<'a, S> {
    /// Service, bundle and what was asked.
    pub engine: &'a Engine<'a, S>,
    /// What is deployed.
    pub template: &'a Template,
    /// As a stack, or without one.
    pub stack: Option<&'a Stack>,
}

/// What a deployment by template came to.
#[derive(Debug)]
pub struct Deployed {
    /// Names of the deployments, or of the stack, in the resource group.
    pub names: Vec<String>,
    /// Resources that Azure refused, with its reasons.
    pub refused: Vec<(String, String)>,
    /// Why the whole of it failed, when it did.
    pub failure: Option<Failure>,
    /// Parts that were not begun, since one before them failed.
    pub not_tried: usize,
}

impl<S: Service> ByTemplate<'_, S> {
    fn caller<'s>(&'s self, version: &'s str) -> Caller<'s, S> {
        Caller::new(self.engine.service, version)
    }

    /// Name of the stack of this owner.
    fn stack_name(&self) -> String {
        let owner = Digest::of(self.engine.asked.owner.as_bytes());
        format!("flux-apim-{}", short(&owner))
    }

    /// Name of a deployment: another one for each bundle, so that the record keeps both.
    fn deployment_name(&self, part: usize) -> String {
        let asked = &self.engine.asked;
        let what = Digest::of(format!("{}\n{}", asked.owner, asked.bundle).as_bytes());
        format!("flux-apim-{}-{part:03}", short(&what))
    }

    fn stack_place(&self) -> Place {
        let name = self.stack_name();
        Place::Group(format!("{PROVIDER}/deploymentStacks/{name}"))
    }

    /// Why nothing can be deployed; empty when nothing stands against it.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.stack.is_some() && self.template.parts.len() > 1 {
            problems.push(format!(
                "the template of the bundle is in {} parts, since Azure takes 4 MB: a stack takes \
                 one template, and a resource that moves between two stacks would be deleted. \
                 Deploy with --mode requests",
                self.template.parts.len()
            ));
        }
        let secrets = &self.engine.resources.secrets;
        for (name, parameter) in secrets.iter().filter(|(_, p)| !p.optional) {
            if self.engine.secrets.reveal(name).is_none() {
                problems.push(format!(
                    "the secret `{name}` ({}) is missing: name it with --secret {name}=env:VARIABLE \
                     or {name}=file:PATH",
                    parameter.description
                ));
            }
        }
        problems
    }

    /// Values of the parameters that a part declares. They hold secrets.
    fn parameters(&self, part: &Json) -> Json {
        let declared = part["parameters"].as_object();
        let is_declared = |name: &str| declared.is_some_and(|all| all.contains_key(name));
        let mut values = Map::new();
        let given = self.template.parameters["parameters"].as_object();
        for (name, value) in given.into_iter().flatten().filter(|(n, _)| is_declared(n)) {
            values.insert(name.clone(), value.clone());
        }
        let service = self.engine.service_id.rsplit('/').next().unwrap_or("");
        if is_declared(SERVICE) {
            values.insert(SERVICE.to_owned(), json!({"value": service}));
        }
        for name in self.engine.resources.secrets.keys() {
            if let Some(secret) = self
                .engine
                .secrets
                .reveal(name)
                .filter(|_| is_declared(name))
            {
                values.insert(name.clone(), json!({"value": secret}));
            }
        }
        values.into()
    }

    fn deployment(&self, part: &Json) -> Map<String, Json> {
        let mut properties = Map::new();
        properties.insert("mode".to_owned(), "Incremental".into());
        properties.insert("template".to_owned(), part.clone());
        properties.insert("parameters".to_owned(), self.parameters(part));
        properties
    }

    fn stack_properties(&self, stack: &Stack) -> Map<String, Json> {
        let none = Json::Null;
        let part = self.template.parts.first().unwrap_or(&none);
        let mut properties = self.deployment(part);
        properties.remove("mode");
        let resources = if stack.deletes { "delete" } else { "detach" };
        properties.insert(
            "actionOnUnmanage".to_owned(),
            // Groups are nobody's here.
            json!({"resources": resources, "resourceGroups": "detach", "managementGroups": "detach"}),
        );
        let mut deny = json!({"mode": stack.denies.as_str(), "applyToChildScopes": false});
        if !stack.except.is_empty() {
            deny["excludedPrincipals"] = stack.except.clone().into();
        }
        properties.insert("denySettings".to_owned(), deny);
        properties
    }

    /// What Azure says that it would do. Writes nothing that is deployed; for a stack the
    /// question itself is kept for a day.
    ///
    /// # Errors
    /// When Azure refuses the template, or does not answer.
    pub async fn predict(&self) -> Result<Prediction, Failure> {
        match self.stack {
            None => self.predict_deployments().await,
            Some(stack) => self.predict_stack(stack).await,
        }
    }

    async fn predict_deployments(&self) -> Result<Prediction, Failure> {
        let mut prediction = Prediction::default();
        for (n, part) in self.template.parts.iter().enumerate() {
            let mut properties = self.deployment(part);
            let settings = json!({"resultFormat": "FullResourcePayloads"});
            properties.insert("whatIfSettings".to_owned(), settings);
            let name = self.deployment_name(n);
            let place = Place::Group(format!("{PROVIDER}/deployments/{name}/whatIf"));
            let body = json!({"properties": properties});
            let caller = self.caller(DEPLOYMENTS);
            let asked = caller.send_at(Method::Post, place, &[], Some(body)).await?;
            let said = asked.answer.body;
            if let error @ Json::Object(_) = &said["error"] {
                return Err(Failure::said(&format!("what-if of {name}"), error));
            }
            let changes = said["properties"]["changes"].as_array();
            for change in changes.into_iter().flatten() {
                prediction.add(self.engine, Predicted::of_deployment(self.engine, change));
            }
        }
        Ok(prediction)
    }

    async fn predict_stack(&self, stack: &Stack) -> Result<Prediction, Failure> {
        let caller = self.caller(STACKS);
        let live = caller.get_at(self.stack_place(), &[]).await?;
        let mut prediction = Prediction {
            is_new: live.is_none(),
            ..Prediction::default()
        };
        let managed: Vec<String> = live
            .iter()
            .flat_map(|live| live.body["properties"]["resources"].as_array())
            .flatten()
            .filter_map(|resource| resource["id"].as_str().map(str::to_owned))
            .collect();
        let asked = self.ask_stack(stack).await;
        match asked {
            Ok(said) => {
                let changes = &said["changes"];
                let resources = changes["resourceChanges"].as_array();
                for change in resources.into_iter().flatten() {
                    prediction.add(self.engine, Predicted::of_stack(self.engine, change));
                }
                let deny = changes["denySettingsChange"]["delta"].as_array();
                prediction.settings |= deny.is_some_and(|delta| !delta.is_empty());
                let said = said["diagnostics"].as_array().into_iter().flatten();
                prediction.remarks.extend(said.filter_map(|one| {
                    let message = one["message"].as_str()?;
                    Some(excerpt(message, 500))
                }));
            }
            // An older cloud has stacks and not the question.
            Err(failure) if is_unknown(&failure) => {
                prediction.unpredicted = Some(failure);
                prediction.is_new = true;
                let wanted = self.wanted();
                let gone = managed
                    .iter()
                    .filter(|id| !wanted.contains(&id.to_lowercase()));
                for id in gone {
                    let change = if stack.deletes {
                        Change::Delete
                    } else {
                        Change::Detach
                    };
                    prediction.add(self.engine, Predicted::of_id(id, change));
                }
            }
            Err(failure) => return Err(failure),
        }
        self.guard(&mut prediction);
        Ok(prediction)
    }

    /// Asks what the stack would do, waits for the answer, and removes the question again:
    /// it holds the template.
    async fn ask_stack(&self, stack: &Stack) -> Result<Json, Failure> {
        let caller = self.caller(WHAT_IF);
        let place = format!(
            "{PROVIDER}/deploymentStacksWhatIfResults/{}",
            self.stack_name()
        );
        let group = self
            .engine
            .service_id
            .split("/providers/")
            .next()
            .unwrap_or("");
        let mut properties = self.stack_properties(stack);
        let id = format!("{group}/{PROVIDER}/deploymentStacks/{}", self.stack_name());
        properties.insert("deploymentStackResourceId".to_owned(), id.into());
        properties.insert("retentionInterval".to_owned(), "P1D".into());
        let body = json!({"properties": properties});
        let at = |path: String| Place::Group(path);
        caller
            .send_at(Method::Put, at(place.clone()), &[], Some(body))
            .await?;
        let what = at(format!("{place}/whatIf"));
        let asked = caller.send_at(Method::Post, what, &[], None).await;
        let said = match asked {
            Ok(written) if written.answer.body["properties"]["changes"].is_object() => {
                Ok(written.answer.body)
            }
            Ok(_) => {
                let now = caller.get_at(at(place.clone()), &[]).await?;
                now.map(|answer| answer.body).ok_or_else(|| {
                    Failure::said(
                        "GET what the stack would do",
                        &json!({"message": "Azure keeps no answer"}),
                    )
                })
            }
            Err(failure) => Err(failure),
        };
        // A question that stays for a day does no harm.
        let _ = caller.send_at(Method::Delete, at(place), &[], None).await;
        let mut said = said?;
        if let error @ Json::Object(_) = &said["properties"]["error"] {
            return Err(Failure::said("what-if of the stack", error));
        }
        Ok(said["properties"].take())
    }

    /// Full ids of the bundle's resources, in lower case.
    fn wanted(&self) -> BTreeSet<String> {
        let list = self.engine.resources.list.iter();
        let full = list.map(|resource| format!("{}/{}", self.engine.service_id, resource.id));
        full.map(|id| id.to_lowercase()).collect()
    }

    /// Notes what a stack would delete and must not: what is protected, and what consumers
    /// have keys to.
    fn guard(&self, prediction: &mut Prediction) {
        let engine = self.engine;
        let mut problems = Vec::new();
        for predicted in prediction
            .changes
            .iter()
            .filter(|p| p.change == Change::Delete)
        {
            let Some(id) =
                below_service(&predicted.id).and_then(|id| Id::parse(id.trim_matches('/')))
            else {
                continue;
            };
            if let Some(pattern) = engine.protections().find(|p| matches(p, id.as_str())) {
                problems.push(format!(
                    "the stack would delete {id}, which is protected (`{pattern}`): deploy with \
                     --action-on-unmanage detach, or leave it in the bundle"
                ));
                continue;
            }
            let held = matches!(
                id.kind(),
                Some(Kind::Product | Kind::Api | Kind::Subscription | Kind::Workspace)
            );
            if held && !engine.asked.allow_delete.contains(&id) {
                problems.push(format!(
                    "the stack would delete {id}, to which consumers may have keys: --allow-delete \
                     {id} allows it, --action-on-unmanage detach leaves it"
                ));
            }
        }
        prediction.problems.extend(problems);
    }

    /// Deploys, and waits for the end.
    pub async fn deploy(&self) -> Deployed {
        let mut done = Deployed {
            names: Vec::new(),
            refused: Vec::new(),
            failure: None,
            not_tried: 0,
        };
        if let Some(stack) = self.stack {
            let name = self.stack_name();
            let body = json!({"properties": self.stack_properties(stack)});
            let caller = self.caller(STACKS);
            let sent = caller
                .send_at(Method::Put, self.stack_place(), &[], Some(body))
                .await;
            if let Err(failure) = sent {
                let live = caller.get_at(self.stack_place(), &[]).await.ok().flatten();
                let failed = live.map(|mut live| live.body["properties"]["failedResources"].take());
                let failed = failed.as_ref().and_then(Json::as_array);
                for one in failed.into_iter().flatten().take(REFUSED) {
                    let id = one["id"].as_str().unwrap_or("");
                    done.refused.push((self.shown(id), reason(&one["error"])));
                }
                done.failure = Some(failure);
            }
            done.names.push(name);
            return done;
        }
        for (n, part) in self.template.parts.iter().enumerate() {
            let name = self.deployment_name(n);
            let place = Place::Group(format!("{PROVIDER}/deployments/{name}"));
            let body = json!({"properties": self.deployment(part)});
            let caller = self.caller(DEPLOYMENTS);
            let sent = caller.send_at(Method::Put, place, &[], Some(body)).await;
            done.names.push(name.clone());
            if let Err(failure) = sent {
                done.failure = Some(failure);
                done.not_tried = self.template.parts.len() - n - 1;
                self.refused(&name, &mut done.refused).await;
                break;
            }
        }
        done
    }

    /// Deletes the stack, with its resources or without.
    ///
    /// # Errors
    /// When Azure refuses.
    pub async fn destroy(&self, stack: &Stack) -> Result<(), Failure> {
        let resources = if stack.deletes { "delete" } else { "detach" };
        let query = [
            ("unmanageAction.Resources", resources),
            ("unmanageAction.ResourceGroups", "detach"),
            ("unmanageAction.ManagementGroups", "detach"),
        ];
        let caller = self.caller(STACKS);
        let sent = caller.send_at(Method::Delete, self.stack_place(), &query, None);
        sent.await.map(|_| ())
    }

    /// What deleting the stack would do.
    ///
    /// # Errors
    /// When the stack cannot be read.
    pub async fn predict_destroy(&self, stack: &Stack) -> Result<Prediction, Failure> {
        let live = self.caller(STACKS).get_at(self.stack_place(), &[]).await?;
        let mut prediction = Prediction::default();
        let Some(live) = live else {
            return Ok(prediction);
        };
        prediction.settings = true;
        let change = if stack.deletes {
            Change::Delete
        } else {
            Change::Detach
        };
        let managed = live.body["properties"]["resources"].as_array();
        for resource in managed.into_iter().flatten() {
            let id = resource["id"].as_str().unwrap_or("");
            prediction.add(self.engine, Predicted::of_id(id, change));
        }
        self.guard(&mut prediction);
        Ok(prediction)
    }

    /// Notes what Azure refused of a deployment.
    async fn refused(&self, name: &str, refused: &mut Vec<(String, String)>) {
        let place = Place::Group(format!("deployments/{name}/operations"));
        let mut found = Vec::new();
        let mut take = |item: Json| {
            let properties = &item["properties"];
            if properties["provisioningState"] == "Failed" && found.len() < REFUSED {
                let id = properties["targetResource"]["id"].as_str().unwrap_or("");
                found.push((id.to_owned(), reason(&properties["statusMessage"])));
            }
        };
        let listed = self
            .caller(DEPLOYMENTS)
            .list_at(place, &[], &mut take)
            .await;
        // Without the list its sum is known: the failure says it.
        drop(listed);
        refused.extend(found.into_iter().map(|(id, why)| (self.shown(&id), why)));
    }

    fn shown(&self, id: &str) -> String {
        below_service(id).map_or_else(|| excerpt(id, 400), |id| id.trim_matches('/').to_owned())
    }
}

/// Whether a place does not know the question at all.
fn is_unknown(failure: &Failure) -> bool {
    matches!(
        failure.code.as_str(),
        "NoRegisteredProviderFound"
            | "InvalidResourceType"
            | "InvalidApiVersionParameter"
            | "NotSimulated"
    )
}

/// The words of an error, as deep as they are.
fn reason(error: &Json) -> String {
    let inner = match &error["error"] {
        Json::Null => error,
        inner => inner,
    };
    let code = inner["code"].as_str().unwrap_or("");
    let message = inner["message"].as_str().unwrap_or("");
    let details = inner["details"].as_array().into_iter().flatten().take(5);
    let details: Vec<&str> = details.filter_map(|d| d["message"].as_str()).collect();
    let mut text = format!("{code}: {message}");
    if !details.is_empty() {
        text.push_str(&format!(" ({})", details.join("; ")));
    }
    excerpt(&text, 1000)
}

impl Deployed {
    /// Whether all of it was deployed.
    pub fn is_whole(&self) -> bool {
        self.failure.is_none()
    }

    /// For a terminal.
    pub fn to_human(&self) -> String {
        let mut out = String::new();
        for (id, why) in &self.refused {
            out.push_str(&format!("refused: {id}: {why}\n"));
        }
        let names = self.names.join(", ");
        match &self.failure {
            None => out.push_str(&format!("deployed as {names}\n")),
            Some(failure) => {
                out.push_str(&format!("{names} failed: {failure}\n"));
                if self.not_tried > 0 {
                    let parts = self.not_tried;
                    out.push_str(&format!("not tried: {parts} more parts of the template\n"));
                }
                out.push_str(
                    "what was deployed before that stays; the same command goes on from there\n",
                );
            }
        }
        out
    }

    /// As JSON.
    pub fn to_json(&self) -> Json {
        let refused = self
            .refused
            .iter()
            .map(|(id, why)| json!({"id": id, "reason": why}));
        json!({
            "version": 1,
            "whole": self.is_whole(),
            "names": self.names,
            "refused": refused.collect::<Vec<_>>(),
            "failure": self.failure.as_ref().map(ToString::to_string),
            "partsNotTried": self.not_tried,
        })
    }
}

/// Values that no text may show.
pub(crate) fn hide(text: &str, secrets: &dyn Secrets, names: &[&str]) -> String {
    names.iter().fold(text.to_owned(), |text, name| {
        match secrets.reveal(name).filter(|secret| !secret.is_empty()) {
            Some(secret) if text == secret => MASKED.to_owned(),
            // A shorter one would stand in any word.
            Some(secret) if secret.len() >= 4 && text.contains(secret) => {
                text.replace(secret, MASKED)
            }
            _ => text,
        }
    })
}
