//! A service in memory that behaves as the REST API of API Management is documented to:
//! what it stores, what lists leave out, locks, ETags, pages, asynchronous operations. And
//! one that answers as badly as a test wants.

#![allow(dead_code, reason = "each test uses a part of it")]

use flux_apim_deploy::{Answer, Fault, Method, Place, Request, Service};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll};
use std::time::Duration;

pub(crate) const SERVICE: &str =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/x";
/// Entries of a page.
const PAGE: usize = 4;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    pub(crate) path: String,
    pub(crate) properties: Value,
    pub(crate) etag: u64,
}

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// It does not arrive.
    Lost,
    /// It is carried out, and the answer does not arrive.
    Unanswered,
    /// It is answered with this status instead.
    Status(u16),
    /// It and everything after it does not happen: the process is gone.
    Killed,
}

type Faults = Box<dyn FnMut(usize, &Request) -> Option<Wrong> + Send>;
type Meanwhile = Box<dyn FnMut(usize, &mut BTreeMap<String, Stored>) + Send>;

#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) resources: BTreeMap<String, Stored>,
    pub(crate) log: Vec<(String, String)>,
    clock: u64,
    busy: HashSet<String>,
    faults: Option<Faults>,
    meanwhile: Option<Meanwhile>,
    killed: bool,
    operations: HashMap<String, Answer>,
    pub(crate) waited: Duration,
    pub(crate) conflicts: usize,
    /// Nobody may ask after operations.
    pub(crate) forbidden: bool,
    /// Each new API is put on the built-in gateway.
    pub(crate) on_gateway: bool,
    subscriptions: usize,
}

#[derive(Default)]
pub(crate) struct Memory(pub(crate) Mutex<Inner>);

/// Runs to its end what waits for nothing but other parts of itself.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(std::task::Waker::noop());
    for _ in 0..1_000_000 {
        if let Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return done;
        }
    }
    panic!("it does not end");
}

/// Lets others run.
async fn turn() {
    let mut turned = false;
    std::future::poll_fn(move |context| match std::mem::replace(&mut turned, true) {
        true => Poll::Ready(()),
        false => {
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

impl Memory {
    pub(crate) fn new() -> Self {
        let memory = Self::default();
        for group in ["administrators", "developers", "guests"] {
            memory.person(
                &format!("groups/{group}"),
                json!({"displayName": group, "type": "system"}),
            );
        }
        memory.person(
            "policies/policy",
            json!({"format": "xml", "value": "<policies>\r\n\t<inbound/>\r\n\t<backend>\r\n\t\t<forward-request/>\r\n\t</backend>\r\n\t<outbound/>\r\n\t<on-error/>\r\n</policies>"}),
        );
        memory.person(
            "subscriptions/master",
            json!({"displayName": "Built-in", "scope": format!("{SERVICE}/")}),
        );
        memory
    }

    /// What somebody does in the portal.
    pub(crate) fn person(&self, path: &str, properties: Value) {
        let mut inner = self.0.lock().unwrap();
        inner.clock += 1;
        let stored = Stored {
            path: path.to_owned(),
            properties,
            etag: inner.clock,
        };
        inner.resources.insert(path.to_lowercase(), stored);
    }

    pub(crate) fn person_sets(&self, path: &str, at: &str, value: Value) {
        let mut inner = self.0.lock().unwrap();
        inner.clock += 1;
        let clock = inner.clock;
        let stored = inner.resources.get_mut(&path.to_lowercase()).unwrap();
        stored.properties[at] = value;
        stored.etag = clock;
    }

    pub(crate) fn person_deletes(&self, path: &str) {
        let mut inner = self.0.lock().unwrap();
        let below = format!("{}/", path.to_lowercase());
        inner
            .resources
            .retain(|key, _| *key != path.to_lowercase() && !key.starts_with(&below));
    }

    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        let inner = self.0.lock().unwrap();
        inner
            .resources
            .get(&path.to_lowercase())
            .map(|stored| stored.properties.clone())
    }

    /// All that is there but for inventories.
    pub(crate) fn all(&self) -> BTreeMap<String, Value> {
        let inner = self.0.lock().unwrap();
        let own = |key: &&String| !key.starts_with("namedvalues/flux-apim-inventory-");
        let keys = inner.resources.keys().filter(own);
        keys.map(|key| (key.clone(), inner.resources[key].properties.clone()))
            .collect()
    }

    pub(crate) fn inventories(&self) -> Vec<String> {
        let inner = self.0.lock().unwrap();
        let keys = inner.resources.values().map(|stored| stored.path.clone());
        keys.filter(|path| path.starts_with("namedValues/flux-apim-inventory-"))
            .collect()
    }

    pub(crate) fn faults(
        &self,
        faults: impl FnMut(usize, &Request) -> Option<Wrong> + Send + 'static,
    ) {
        let mut inner = self.0.lock().unwrap();
        inner.faults = Some(Box::new(faults));
        inner.killed = false;
        inner.log.clear();
    }

    /// What others do before the request of that number is answered.
    pub(crate) fn meanwhile(
        &self,
        others: impl FnMut(usize, &mut BTreeMap<String, Stored>) + Send + 'static,
    ) {
        self.0.lock().unwrap().meanwhile = Some(Box::new(others));
    }

    pub(crate) fn calm(&self) {
        let mut inner = self.0.lock().unwrap();
        inner.faults = None;
        inner.meanwhile = None;
        inner.killed = false;
        inner.log.clear();
        inner.busy.clear();
        inner.waited = Duration::ZERO;
    }

    /// Requests since the log was cleared: method and path.
    pub(crate) fn log(&self) -> Vec<(String, String)> {
        self.0.lock().unwrap().log.clone()
    }

    pub(crate) fn writes(&self) -> Vec<String> {
        let log = self.log();
        log.into_iter()
            .filter(|(method, _)| method != "GET")
            .map(|(m, p)| format!("{m} {p}"))
            .collect()
    }
}

fn error(status: u16, code: &str, message: &str) -> Answer {
    Answer {
        status,
        body: json!({"error": {"code": code, "message": message, "details": null}}),
        ..Answer::default()
    }
}

impl Service for Memory {
    async fn call(&self, request: &Request) -> Result<Answer, Fault> {
        let (path, place) = match &request.place {
            Place::Below(path) => (path.clone(), path.clone()),
            Place::Group(path) => (path.clone(), path.clone()),
            Place::Link(url) => (url.clone(), url.clone()),
        };
        let wrong = {
            let mut inner = self.0.lock().unwrap();
            if inner.killed {
                return Err(Fault::Unsent("killed".to_owned()));
            }
            let number = inner.log.len();
            inner.log.push((request.method.as_str().to_owned(), place));
            if let Some(mut others) = inner.meanwhile.take() {
                others(number, &mut inner.resources);
                inner.meanwhile = Some(others);
            }
            let wrong = inner
                .faults
                .as_mut()
                .and_then(|faults| faults(number, request));
            match wrong {
                Some(Wrong::Killed) => {
                    inner.killed = true;
                    return Err(Fault::Unsent("killed".to_owned()));
                }
                Some(Wrong::Lost) => return Err(Fault::Cut("cut".to_owned())),
                Some(Wrong::Status(status)) => {
                    return Ok(error(status, "Wrong", "as the test wants it"));
                }
                wrong => wrong,
            }
        };
        // One API or product is written by one at a time.
        let lock = match request.method {
            Method::Get => None,
            _ => locked(&path),
        };
        if let Some(lock) = &lock {
            let mut inner = self.0.lock().unwrap();
            if !inner.busy.insert(lock.clone()) {
                inner.conflicts += 1;
                return Ok(error(
                    409,
                    "PessimisticConcurrencyConflict",
                    "Operation on the API is in progress",
                ));
            }
        }
        turn().await;
        let mut inner = self.0.lock().unwrap();
        if let Some(lock) = &lock {
            inner.busy.remove(lock);
        }
        let answer = inner.answer(request, &path);
        match wrong {
            Some(Wrong::Unanswered) => Err(Fault::Cut("cut".to_owned())),
            _ => Ok(answer),
        }
    }

    async fn wait(&self, time: Duration) {
        self.0.lock().unwrap().waited += time;
        turn().await;
    }
}

fn locked(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["apis", name, ..] => {
            Some(format!("apis/{}", name.split(";rev=").next().unwrap()).to_lowercase())
        }
        ["products", name, ..] => Some(format!("products/{name}").to_lowercase()),
        _ => None,
    }
}

impl Inner {
    pub(crate) fn is_killed(&self) -> bool {
        self.killed
    }

    fn answer(&mut self, request: &Request, path: &str) -> Answer {
        let field = |key: &str| {
            let found = request.query.iter().find(|(name, _)| name == key);
            found.map(|(_, value)| value.as_str())
        };
        if let Place::Link(url) = &request.place {
            if self.forbidden && url.starts_with("operation:") {
                return error(403, "AuthorizationFailed", "not this one");
            }
            if let Some(answer) = self.operations.get(url) {
                return answer.clone();
            }
            let (path, from) = url.strip_prefix("next:").unwrap().split_once('#').unwrap();
            return self.list(path, None, from.parse().unwrap());
        }
        assert_eq!(field("api-version"), Some("2024-05-01"));
        let is_list = !path.split('/').count().is_multiple_of(2);
        match request.method {
            Method::Get if is_list => self.list(path, field("$filter"), 0),
            Method::Get => match self.resources.get(&path.to_lowercase()) {
                // Links can only be listed.
                Some(_) if is_link(path) => error(405, "MethodNotAllowed", "no such operation"),
                Some(stored) => Answer {
                    status: 200,
                    etag: Some(format!("\"{}\"", stored.etag)),
                    body: shown(stored, field("format") == Some("rawxml")),
                    ..Answer::default()
                },
                None => error(
                    404,
                    "ResourceNotFound",
                    "Entity with specified identifier not found",
                ),
            },
            Method::Put => {
                let answer = self.put(request, path);
                if self.on_gateway
                    && answer.status == 201
                    && path.starts_with("apis/")
                    && path.split('/').count() == 2
                {
                    let link = format!("gateways/managed/{path}");
                    let stored = Stored {
                        path: link.clone(),
                        properties: json!({}),
                        etag: 0,
                    };
                    self.resources.insert(link.to_lowercase(), stored);
                }
                answer
            }
            Method::Delete => {
                self.delete(request, path, field("deleteSubscriptions") == Some("true"))
            }
            Method::Post => error(404, "NotFound", "no such action"),
        }
    }

    fn list(&mut self, path: &str, filter: Option<&str>, from: usize) -> Answer {
        let folded = path.to_lowercase();
        let start = filter.map(|f| f.split('\'').nth(1).unwrap().to_owned());
        let parts: Vec<&str> = folded.split('/').collect();
        if let ["products", product, "subscriptions"] = parts.as_slice() {
            let scope = format!("{SERVICE}/products/{product}").to_lowercase();
            let of = |stored: &&Stored| {
                stored.properties["scope"]
                    .as_str()
                    .is_some_and(|s| s.to_lowercase() == scope)
            };
            let found = self
                .resources
                .values()
                .filter(of)
                .map(|stored| shown(stored, false));
            return Answer {
                status: 200,
                body: json!({"value": found.collect::<Vec<_>>()}),
                ..Answer::default()
            };
        }
        if let ["apis", api, "revisions"] = parts.as_slice() {
            let root = format!("apis/{api}");
            let of = |key: &&String| {
                **key == root
                    || key.starts_with(&format!("{root};rev=")) && !key[root.len()..].contains('/')
            };
            let found = self.resources.keys().filter(of).map(|key| {
                let number = key.split(";rev=").nth(1).unwrap_or("1");
                json!({"apiId": format!("/{key}"), "apiRevision": number, "isCurrent": *key == root})
            });
            return Answer {
                status: 200,
                body: json!({"value": found.collect::<Vec<_>>()}),
                ..Answer::default()
            };
        }
        if let Some((above, _)) = folded.rsplit_once('/')
            && !self.resources.contains_key(above)
            && above != "gateways/managed"
        {
            return error(404, "ResourceNotFound", "the parent is not there");
        }
        let within = |key: &&String| {
            key.rsplit_once('/').is_some_and(|(before, name)| {
                before == folded && !(folded == "apis" && name.contains(";rev="))
            })
        };
        let found: Vec<&Stored> = self
            .resources
            .iter()
            .filter(|(key, _)| within(key))
            .map(|(_, s)| s)
            .collect();
        let display = |s: &&&Stored| {
            s.properties["displayName"]
                .as_str()
                .unwrap_or("")
                .to_owned()
        };
        let found: Vec<&&Stored> = found
            .iter()
            .filter(|s| {
                start
                    .as_ref()
                    .is_none_or(|start| display(s).starts_with(start))
            })
            .collect();
        let page: Vec<Value> = found
            .iter()
            .skip(from)
            .take(PAGE)
            .map(|stored| {
                let mut item = shown(stored, false);
                // Lists show less of an operation.
                if folded.ends_with("/operations")
                    && let Some(map) = item["properties"].as_object_mut()
                {
                    map.remove("request");
                    map.remove("responses");
                }
                item
            })
            .collect();
        let next = (found.len() > from + PAGE && start.is_none())
            .then(|| format!("next:{path}#{}", from + PAGE));
        let page = match start {
            Some(_) => found.iter().map(|stored| shown(stored, false)).collect(),
            None => page,
        };
        Answer {
            status: 200,
            body: json!({"value": page, "nextLink": next}),
            ..Answer::default()
        }
    }

    fn put(&mut self, request: &Request, path: &str) -> Answer {
        let key = path.to_lowercase();
        let parts: Vec<&str> = key.split('/').collect();
        if parts.len() > 2
            && !self
                .resources
                .contains_key(&parts[..parts.len() - 2].join("/"))
        {
            return error(404, "ResourceNotFound", "the parent is not there");
        }
        if [
            "groups/administrators",
            "groups/developers",
            "groups/guests",
            "subscriptions/master",
        ]
        .contains(&key.as_str())
        {
            return error(405, "MethodNotAllowed", "System entity cannot be modified");
        }
        let before = self.resources.get(&key).cloned();
        if let (Some(etag), Some(before)) = (&request.if_match, &before)
            && *etag != "*"
            && *etag != format!("\"{}\"", before.etag)
        {
            return error(412, "PreconditionFailed", "the resource was changed");
        }
        let body = request
            .body
            .as_ref()
            .map(|body| body.0["properties"].clone())
            .unwrap_or_default();
        if body["displayName"] == "refuse" {
            return error(
                400,
                "ValidationError",
                "One or more fields contain incorrect values:",
            );
        }
        if parts[0] == "apis" && parts.len() == 2 {
            let clash = |(other, stored): (&String, &Stored)| {
                other.starts_with("apis/")
                    && !other[5..].contains('/')
                    && *other != key
                    && !other.contains(";rev=")
                    && !key.contains(";rev=")
                    && stored.properties["path"] == body["path"]
                    && !body["path"].is_null()
            };
            if self.resources.iter().any(clash) {
                return error(
                    400,
                    "ValidationError",
                    "Cannot create API with the same path",
                );
            }
        }
        let mut properties = body.clone();
        if let Some(map) = properties.as_object_mut() {
            self.stored_form(&key, map);
        }
        self.clock += 1;
        let stored = Stored {
            path: path.to_owned(),
            properties,
            etag: self.clock,
        };
        self.resources.insert(key.clone(), stored.clone());
        if parts[0] == "apis" && parts.len() == 2 && body["value"].is_string() {
            self.import(&key, body["value"].as_str().unwrap());
        }
        if parts[0] == "products" && parts.len() == 2 && before.is_none() {
            let link = format!("{path}/groups/administrators");
            self.clock += 1;
            let etag = self.clock;
            self.resources.insert(
                link.to_lowercase(),
                Stored {
                    path: link,
                    properties: json!({"displayName": "Administrators"}),
                    etag,
                },
            );
            self.subscriptions += 1;
            let name = format!("subscriptions/{:024x}", self.subscriptions);
            let scope = json!({"scope": format!("{SERVICE}/{path}"), "ownerId": format!("{SERVICE}/users/1")});
            self.resources.insert(
                name.clone(),
                Stored {
                    path: name,
                    properties: scope,
                    etag,
                },
            );
        }
        let answer = Answer {
            status: if before.is_some() { 200 } else { 201 },
            etag: Some(format!("\"{}\"", stored.etag)),
            body: shown(&stored, false),
            ..Answer::default()
        };
        // Named values are written asynchronously.
        if parts[0] == "namedvalues" && !path.contains("inventory") {
            let location = format!("operation:{}", self.clock);
            self.operations.insert(
                location.clone(),
                Answer {
                    status: 200,
                    ..answer
                },
            );
            return Answer {
                status: 202,
                location: Some(location),
                ..Answer::default()
            };
        }
        answer
    }

    /// What the service makes of what it was sent.
    fn stored_form(&self, key: &str, map: &mut Map<String, Value>) {
        map.retain(|_, value| !value.is_null());
        if key.ends_with("/policies/policy")
            || key.starts_with("policies/")
            || key.starts_with("policyfragments/")
        {
            let text = map["value"]
                .as_str()
                .unwrap_or("")
                .replace("><", ">\r\n<")
                .replace(" />", "/>");
            map.insert("value".to_owned(), text.into());
            map.insert("format".to_owned(), "xml".into());
        }
        if key.starts_with("apis/") && key.split('/').count() == 2 {
            for gone in ["value", "format", "sourceApiId", "apiType"] {
                map.remove(gone);
            }
            map.entry("apiRevision").or_insert_with(|| "1".into());
            map.entry("isCurrent")
                .or_insert_with(|| (!key.contains(";rev=")).into());
            map.entry("isOnline").or_insert_with(|| true.into());
        }
        if let Some(Value::String(text)) = map.get_mut("httpCorrelationProtocol") {
            *text = text.to_lowercase();
        }
    }

    fn import(&mut self, key: &str, definition: &str) {
        let definition: Value = serde_json::from_str(definition).unwrap();
        let mut made = HashSet::new();
        for (template, methods) in definition["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let name = operation["operationId"].as_str().unwrap();
                let path = format!("{key}/operations/{name}");
                made.insert(path.to_lowercase());
                self.clock += 1;
                let properties = json!({
                    "displayName": operation["summary"].as_str().unwrap_or(name),
                    "method": method.to_uppercase(), "urlTemplate": template,
                    "responses": [{"statusCode": 200}],
                });
                let stored = Stored {
                    path: path.clone(),
                    properties,
                    etag: self.clock,
                };
                self.resources.insert(path.to_lowercase(), stored);
            }
        }
        let start = format!("{key}/operations/");
        self.resources.retain(|other, _| {
            let Some(rest) = other.strip_prefix(&start) else {
                return true;
            };
            made.contains(&format!("{start}{}", rest.split('/').next().unwrap()))
        });
    }

    fn delete(&mut self, request: &Request, path: &str, subscriptions: bool) -> Answer {
        let key = path.to_lowercase();
        let Some(before) = self.resources.get(&key) else {
            return error(404, "ResourceNotFound", "not there");
        };
        match &request.if_match {
            None if !is_link(path) => return error(400, "BadRequest", "If-Match is required"),
            Some(etag) if etag != "*" && *etag != format!("\"{}\"", before.etag) => {
                return error(412, "PreconditionFailed", "the resource was changed");
            }
            _ => {}
        }
        if let Some(name) = key.strip_prefix("policyfragments/") {
            let used = |stored: &Stored| {
                let text = stored.properties["value"].as_str().unwrap_or("");
                text.contains(&format!("fragment-id=\"{name}\""))
            };
            if self.resources.values().any(used) {
                return error(400, "ValidationError", "the fragment is in use");
            }
        }
        let scope = format!("{SERVICE}/{path}").to_lowercase();
        if subscriptions {
            let of = |stored: &Stored| {
                stored.properties["scope"]
                    .as_str()
                    .is_some_and(|s| s.to_lowercase() == scope)
            };
            self.resources.retain(|_, stored| !of(stored));
        }
        let below = format!("{key}/");
        let name = key.rsplit('/').next().unwrap().to_owned();
        self.resources.retain(|other, _| {
            let link = ["apis", "groups", "tags"].iter().any(|kind| {
                key.starts_with(&format!("{kind}/"))
                    && key.split('/').count() == 2
                    && other.split('/').count() == 4
                    && other.ends_with(&format!("/{kind}/{name}"))
            });
            *other != key && !other.starts_with(&below) && !link
        });
        Answer {
            status: 200,
            ..Answer::default()
        }
    }
}

fn is_link(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    matches!(
        parts.as_slice(),
        ["products", _, "apis" | "groups" | "tags", _]
            | ["apis", _, "tags", _]
            | ["gateways", _, "apis", _]
    )
}

fn shown(stored: &Stored, raw: bool) -> Value {
    let mut properties = stored.properties.clone();
    if properties["secret"] == true {
        properties.as_object_mut().unwrap().remove("value");
    }
    if raw {
        properties["format"] = "rawxml".into();
    } else if properties["format"] == "xml" {
        let text = properties["value"]
            .as_str()
            .unwrap_or("")
            .replace('"', "&quot;");
        properties["value"] = text.into();
    }
    let name = stored.path.rsplit('/').next().unwrap();
    json!({"id": format!("{SERVICE}/{}", stored.path), "name": name, "properties": properties})
}
