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
        let names: Vec<&str> = without.iter().map(|row| row.about().name).collect();
        let behaviours = Behaviours::without(&names).unwrap();
        let settings = Settings {
            write_time: Duration::ZERO,
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

    pub fn get(&self, target: &str) -> Answer {
        self.send("GET", target, &Value::Null, &[])
    }

    /// PUT of properties.
    pub fn put(&self, target: &str, properties: Value) -> Answer {
        self.send("PUT", target, &json!({ "properties": properties }), &[])
    }

    pub fn delete(&self, target: &str) -> Answer {
        self.send("DELETE", target, &Value::Null, &[("if-match", "*")])
    }

    /// PUT that must succeed.
    pub fn made(&self, target: &str, properties: Value) {
        let answer = self.put(target, properties);
        assert!(answer.status < 300, "{target}: {:?}", answer.body);
    }

    /// An API without a definition.
    pub fn api(&self, name: &str) {
        self.made(
            &format!("apis/{name}"),
            json!({"displayName": name, "path": name}),
        );
    }

    /// An API imported from an OpenAPI document with these paths.
    pub fn import(&self, name: &str, paths: Value) -> Answer {
        self.put(
            &format!("apis/{name}"),
            json!({"path": name, "format": "openapi+json", "value": openapi(paths)}),
        )
    }

    /// Names in a list.
    pub fn names(&self, target: &str) -> Vec<String> {
        let body = self.get(target).body.unwrap();
        body["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["name"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
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
