//! A simulation in this process, asked without a connection.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
#![allow(
    clippy::needless_pass_by_value,
    reason = "bodies are written where they are sent"
)]

use serde_json::{Value, json};
use simulated_azure::access::{Access, Principal};
use simulated_azure::answer::Answer;
use simulated_azure::behaviours::{Behaviours, Row};
use simulated_azure::request::Request;
use simulated_azure::server;
use simulated_azure::world::{Settings, World};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub struct Sim {
    pub world: Arc<World>,
    pub runtime: tokio::runtime::Runtime,
    pub origin: String,
}

pub const VERSION: &str = "2024-05-01";

impl Sim {
    pub fn new(without: Option<Row>) -> Self {
        Self::with(without, Access::default())
    }

    pub fn with(without: Option<Row>, access: Access) -> Self {
        Self::timed(without, access, Duration::ZERO)
    }

    /// A simulation in which a write holds its locks for some time.
    pub fn timed(without: Option<Row>, access: Access, write_time: Duration) -> Self {
        let names: Vec<&str> = without.iter().map(|row| row.about().name).collect();
        let behaviours = Behaviours::without(&names).unwrap();
        let settings = Settings {
            write_time,
            operation_time: Duration::ZERO,
            ..Settings::default()
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let world = Arc::new(World::new(settings, behaviours, access).unwrap());
        Self {
            world,
            runtime,
            origin: "http://simulated".to_owned(),
        }
    }

    pub fn request(
        &self,
        method: &str,
        target: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Request {
        let target = match target.starts_with('/') {
            true => target.to_owned(),
            false => format!("{}/{target}", self.world.service()),
        };
        let target = if target.contains("api-version") || !target.starts_with("/subscriptions") {
            target
        } else if target.contains('?') {
            format!("{target}&api-version={VERSION}")
        } else {
            format!("{target}?api-version={VERSION}")
        };
        let (path, query) = Request::target(&target);
        let mut all: BTreeMap<String, String> = headers
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        all.entry("authorization".to_owned())
            .or_insert_with(|| "Bearer anyone".to_owned());
        all.retain(|_, value| !value.is_empty());
        let bytes = match body {
            Value::Null => Vec::new(),
            Value::String(raw) => raw.clone().into_bytes(),
            body => body.to_string().into_bytes(),
        };
        Request {
            method: method.to_owned(),
            path,
            query,
            headers: all,
            bytes,
            origin: self.origin.clone(),
            stack: None,
        }
    }

    /// Sends a request, and waits until no lock is held.
    pub fn send(
        &self,
        method: &str,
        target: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Answer {
        let request = self.request(method, target, body, headers);
        self.ask(request, None)
    }

    pub fn ask(&self, request: Request, principal: Option<Principal>) -> Answer {
        self.runtime.block_on(async {
            let outcome = server::answer(Arc::clone(&self.world), request, principal).await;
            while !self.world.state().locks.is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            outcome.answer
        })
    }

    /// Sends a request to an address of Resource Manager and follows its operation to the end:
    /// the last answer of its status, or of its `Location`.
    pub fn done(&self, method: &str, target: &str, body: &Value) -> Answer {
        self.done_as(method, target, body, &[])
    }

    /// The same with headers.
    pub fn done_as(
        &self,
        method: &str,
        target: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut answer = self.send(method, target, body, headers);
        let link = |answer: &Answer| {
            let named = |wanted: &str| {
                let mut all = answer.headers.iter();
                all.find(|(name, _)| *name == wanted)
                    .map(|(_, link)| link.strip_prefix(&self.origin).unwrap().to_owned())
            };
            named("azure-asyncoperation").or_else(|| named("location"))
        };
        let Some(link) = link(&answer) else {
            return answer;
        };
        loop {
            answer = self.send("GET", &link, &Value::Null, headers);
            let runs = answer
                .body
                .as_ref()
                .is_some_and(|body| body["status"] == "InProgress");
            if answer.status != 202 && !runs {
                return answer;
            }
            std::thread::yield_now();
        }
    }

    /// The id of something that Resource Manager itself has in the group.
    pub fn resources(&self, path: &str) -> String {
        format!(
            "{}/providers/Microsoft.Resources/{path}",
            self.world.group()
        )
    }
}

/// What can be asked as a service of API Management is.
pub trait Asked {
    /// Sends a request; `target` is an address, or a path below the service.
    fn send(&self, method: &str, target: &str, body: &Value, headers: &[(&str, &str)]) -> Answer;

    /// The id of the service.
    fn service(&self) -> String;

    /// What its links begin with.
    fn origin(&self) -> &str;

    fn get(&self, target: &str) -> Answer {
        self.send("GET", target, &Value::Null, &[])
    }

    /// PUT of properties.
    fn put(&self, target: &str, properties: Value) -> Answer {
        self.send("PUT", target, &json!({ "properties": properties }), &[])
    }

    fn delete(&self, target: &str) -> Answer {
        self.send("DELETE", target, &Value::Null, &[("if-match", "*")])
    }

    /// PUT that must succeed.
    fn made(&self, target: &str, properties: Value) {
        let answer = self.put(target, properties);
        assert!(answer.status < 300, "{target}: {:?}", answer.body);
    }

    /// An API without a definition.
    fn api(&self, name: &str) {
        self.made(
            &format!("apis/{name}"),
            json!({"displayName": name, "path": name}),
        );
    }

    /// An API imported from an OpenAPI document with these paths.
    fn import(&self, name: &str, paths: Value) -> Answer {
        self.put(
            &format!("apis/{name}"),
            json!({"path": name, "format": "openapi+json", "value": openapi(paths)}),
        )
    }

    /// Names in a list.
    fn names(&self, target: &str) -> Vec<String> {
        let body = self.get(target).body.unwrap();
        body["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["name"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

impl Asked for Sim {
    fn send(&self, method: &str, target: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        Self::send(self, method, target, body, headers)
    }

    fn service(&self) -> String {
        self.world.service()
    }

    fn origin(&self) -> &str {
        &self.origin
    }
}

pub const SCHEMA: &str =
    "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";

pub fn template(resources: Value) -> Value {
    json!({"$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": resources})
}

/// A resource of the service in a template; `needs` has paths below the service.
pub fn resource(kind: &str, name: &str, properties: Value, needs: &[&str]) -> Value {
    let id = |needed: &&str| {
        let parts: Vec<&str> = needed.split('/').collect();
        let types: Vec<&str> = parts.iter().step_by(2).copied().collect();
        let names: Vec<String> = parts
            .iter()
            .skip(1)
            .step_by(2)
            .map(|name| format!(", '{name}'"))
            .collect();
        format!(
            "[resourceId('Microsoft.ApiManagement/service/{}', 'simulated'{})]",
            types.join("/"),
            names.concat()
        )
    };
    json!({"type": format!("Microsoft.ApiManagement/service/{kind}"), "apiVersion": VERSION, "name": format!("simulated/{name}"),
           "properties": properties, "dependsOn": needs.iter().map(id).collect::<Vec<_>>()})
}

pub fn openapi(paths: Value) -> String {
    json!({"openapi": "3.0.1", "info": {"title": "Title", "version": "1"}, "paths": paths})
        .to_string()
}

/// Whether an answer is a refusal with this status and code.
pub fn refused(answer: &Answer, status: u16, code: &str) -> bool {
    let body = answer.body.as_ref();
    answer.status == status && body.is_some_and(|body| body["error"]["code"] == code)
}

/// Whether an answer refuses a property.
pub fn refuses(answer: &Answer, target: &str) -> bool {
    let body = answer.body.as_ref();
    let details = body.and_then(|body| body["error"]["details"].as_array());
    refused(answer, 400, "ValidationError")
        && details.is_some_and(|details| details.iter().any(|detail| detail["target"] == target))
}
