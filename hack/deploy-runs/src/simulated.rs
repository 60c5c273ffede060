//! A service that the engine asks: requests go to the simulation without a connection.

use flux_apim_deploy::{Answer, Fault, Id, Method, Place, Service};
use serde_json::{Map, Value, json};
use simulated_azure::access::Principal;
use simulated_azure::behaviours::Behaviours;
use simulated_azure::request::Request;
use simulated_azure::server;
use simulated_azure::world::{Settings, World, put};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// It does not arrive.
    Lost,
    /// It is carried out, and the answer does not arrive.
    Unanswered,
    /// It is answered late: others go first.
    Late,
    /// It is carried out, and what comes back is no answer.
    Garbage,
    /// It is answered with this status instead.
    Status(u16),
    /// It and everything after it does not happen: the process is gone.
    Killed,
}

/// What decides about each request, by its number.
type Faults = Box<dyn FnMut(usize, &flux_apim_deploy::Request) -> Option<Wrong> + Send>;

#[derive(Default)]
struct Inner {
    faults: Option<Faults>,
    log: Vec<(Method, String)>,
    killed: bool,
    in_flight: usize,
    most_in_flight: usize,
}

/// The simulated service, reached as somebody.
pub struct Simulated {
    /// The simulation.
    pub world: Arc<World>,
    /// Who asks.
    pub principal: Principal,
    inner: Mutex<Inner>,
    runtime: tokio::runtime::Runtime,
    /// What is there from the start: id, type and body.
    initial: Vec<(String, String, Map<String, Value>)>,
}

impl std::fmt::Debug for Simulated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulated")
            .field("principal", &self.principal)
            .finish_non_exhaustive()
    }
}

impl Simulated {
    /// An empty service, for somebody who may do everything.
    ///
    /// # Errors
    /// When the tables of the simulation cannot be read.
    pub fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let settings = Settings {
            write_time: Duration::ZERO,
            operation_time: Duration::ZERO,
            ..Settings::default()
        };
        let world = World::new(settings, Behaviours::default(), Default::default())?;
        let all: Vec<_> = world
            .state()
            .store
            .all()
            .map(|entity| {
                (
                    entity.id.clone(),
                    entity.arm_type.clone(),
                    entity.body.clone(),
                )
            })
            .collect();
        Ok(Self {
            initial: all,
            world: Arc::new(world),
            principal: Principal::Anyone,
            inner: Mutex::default(),
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()?,
        })
    }

    /// Runs what asks this service.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// The service as it was at the start, and nothing wrong with it.
    pub fn reset(&self) {
        self.calm();
        let mut state = self.world.state();
        let all: Vec<String> = state.store.all().map(|entity| entity.id.clone()).collect();
        for id in all {
            state.store.remove(&id);
        }
        for (id, arm_type, body) in &self.initial {
            state.store.put(id, arm_type, body.clone());
        }
        state.locks.clear();
    }

    /// What somebody does in the portal.
    #[expect(clippy::needless_pass_by_value, reason = "callers make it in place")]
    pub fn person(&self, id: &str, properties: Value) {
        let arm_type: Vec<&str> = id.split('/').step_by(2).collect();
        let mut state = self.world.state();
        put(
            &mut state.store,
            &format!("{}/{id}", self.world.service()),
            &format!("Microsoft.ApiManagement/service/{}", arm_type.join("/")),
            json!({"properties": properties}),
        );
    }

    /// Changes something of a resource that is there, as somebody would in the portal. Says
    /// whether it has anything that a list shows and that is no secret.
    pub fn person_changes(&self, id: &Id) -> bool {
        let full = format!("{}/{id}", self.world.service());
        let mut state = self.world.state();
        let Some(entity) = state.store.change(&full) else {
            return false;
        };
        let text = |key: &str| entity.property(key).and_then(Value::as_str).is_some();
        let is_policy = id.types().ends_with("policies");
        let (key, value) = match () {
            () if id.is_link() => return false,
            () if is_policy => (
                "value",
                "<policies>\r\n\t<inbound />\r\n</policies>".to_owned(),
            ),
            () if text("displayName") => ("displayName", format!("By a person {}", id.name())),
            () if text("url") => ("url", "https://person.example".to_owned()),
            () => return false,
        };
        entity.set(key, value);
        true
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks as the application with this object id from now on.
    pub fn ask_as(&mut self, object: &str) {
        self.principal = Principal::Known {
            client: object.to_owned(),
            object: object.to_owned(),
        };
    }

    /// Takes a role assignment, of a role with these actions, and no other, at `scope`.
    pub fn assign(&self, object: &str, scope: &str, actions: &[&str], not_actions: &[&str]) {
        revoke(&self.world);
        self.assign_too(object, scope, actions, not_actions);
    }

    /// Takes another role assignment.
    pub fn assign_too(&self, object: &str, scope: &str, actions: &[&str], not_actions: &[&str]) {
        let mut state = self.world.state();
        let number = state.number();
        let definition = format!(
            "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/of-a-test-{number}"
        );
        let permissions = json!([{"actions": actions, "notActions": not_actions,
                                  "dataActions": [], "notDataActions": []}]);
        put(
            &mut state.store,
            &definition,
            "Microsoft.Authorization/roleDefinitions",
            json!({"properties": {"roleName": "of a test", "permissions": permissions,
                                  "assignableScopes": ["/"]}}),
        );
        put(
            &mut state.store,
            &format!(
                "{scope}/providers/Microsoft.Authorization/roleAssignments/of-a-test-{number}"
            ),
            "Microsoft.Authorization/roleAssignments",
            json!({"properties": {"principalId": object, "roleDefinitionId": definition, "scope": scope}}),
        );
    }

    /// Full id of the service.
    pub fn service(&self) -> String {
        self.world.service()
    }

    /// Decides about requests from now on; they are counted from 0.
    pub fn faults(
        &self,
        faults: impl FnMut(usize, &flux_apim_deploy::Request) -> Option<Wrong> + Send + 'static,
    ) {
        *self.inner() = Inner {
            faults: Some(Box::new(faults)),
            ..Inner::default()
        };
    }

    /// Nothing goes wrong from now on, and requests are counted anew.
    pub fn calm(&self) {
        *self.inner() = Inner::default();
    }

    /// Whether the process was killed.
    pub fn is_killed(&self) -> bool {
        self.inner().killed
    }

    /// Requests since the count began: method and place.
    pub fn log(&self) -> Vec<(Method, String)> {
        self.inner().log.clone()
    }

    /// The most requests that were on their way at once.
    pub fn most_in_flight(&self) -> usize {
        self.inner().most_in_flight
    }

    /// All that is stored below the service but for inventories, without what changes by
    /// itself.
    pub fn stored(&self) -> BTreeMap<String, Value> {
        let below = format!("{}/", self.service().to_lowercase());
        let state = self.world.state();
        let all = state.store.all().filter_map(|entity| {
            let id = entity.id.to_lowercase();
            let id = id.strip_prefix(&below)?.to_owned();
            let own = id.starts_with("namedvalues/flux-apim-inventory-");
            (!own).then(|| (id, Value::Object(entity.body.clone())))
        });
        all.collect()
    }

    fn request(&self, request: &flux_apim_deploy::Request) -> Request {
        let (path, mut query) = match &request.place {
            Place::Link(link) => {
                let target = link
                    .split_once("://")
                    .map_or(link.as_str(), |(_, rest)| rest);
                let target = target.find('/').map_or("/", |at| &target[at..]);
                Request::target(target)
            }
            Place::Below(path) => (segments(&self.service(), path), BTreeMap::new()),
            Place::Group(path) => (segments(&self.world.group(), path), BTreeMap::new()),
        };
        query.extend(request.query.iter().cloned());
        let mut headers = BTreeMap::new();
        if let Some(etag) = &request.if_match {
            headers.insert("if-match".to_owned(), etag.clone());
        }
        let bytes = request.body.as_ref();
        Request {
            method: request.method.as_str().to_owned(),
            path,
            query,
            headers,
            bytes: bytes.map_or(Vec::new(), |body| body.0.to_string().into_bytes()),
            origin: "http://simulated".to_owned(),
            stack: None,
        }
    }
}

/// Takes every role assignment away.
pub fn revoke(world: &World) {
    let mut state = world.state();
    let old: Vec<String> = state
        .store
        .all()
        .filter(|entity| {
            entity
                .arm_type
                .eq_ignore_ascii_case("Microsoft.Authorization/roleAssignments")
        })
        .map(|entity| entity.id.clone())
        .collect();
    for id in old {
        state.store.remove(&id);
    }
}

fn segments(above: &str, below: &str) -> Vec<String> {
    let all = above.split('/').chain(below.split('/'));
    all.filter(|segment| !segment.is_empty())
        .map(str::to_owned)
        .collect()
}

impl Service for Simulated {
    async fn call(&self, request: &flux_apim_deploy::Request) -> Result<Answer, Fault> {
        let wrong = {
            let mut inner = self.inner();
            if inner.killed {
                return Err(Fault::Unsent("killed".to_owned()));
            }
            let number = inner.log.len();
            let place = match &request.place {
                Place::Below(path) | Place::Group(path) | Place::Link(path) => path.clone(),
            };
            inner.log.push((request.method, place));
            let wrong = inner
                .faults
                .as_mut()
                .and_then(|faults| faults(number, request));
            if wrong == Some(Wrong::Killed) {
                inner.killed = true;
                return Err(Fault::Unsent("killed".to_owned()));
            }
            inner.in_flight += 1;
            inner.most_in_flight = inner.most_in_flight.max(inner.in_flight);
            wrong
        };
        let answered = self.answered(request, wrong).await;
        self.inner().in_flight -= 1;
        answered
    }

    async fn wait(&self, time: Duration) {
        // A second of theirs is a moment of ours.
        tokio::time::sleep(time.min(Duration::from_millis(1))).await;
    }
}

impl Simulated {
    async fn answered(
        &self,
        request: &flux_apim_deploy::Request,
        wrong: Option<Wrong>,
    ) -> Result<Answer, Fault> {
        match wrong {
            Some(Wrong::Lost) => return Err(Fault::Cut("cut".to_owned())),
            Some(Wrong::Status(status)) => {
                let body = json!({"error": {"code": "Wrong", "message": "as the test wants it"}});
                return Ok(Answer {
                    status,
                    body,
                    ..Answer::default()
                });
            }
            Some(Wrong::Late) => tokio::time::sleep(Duration::from_millis(5)).await,
            // Nobody answers before the others had their turn.
            _ => tokio::task::yield_now().await,
        }
        let world = Arc::clone(&self.world);
        let principal = Some(self.principal.clone());
        let answered = server::answer(world, self.request(request), principal).await;
        let answer = answered.answer;
        let header = |name: &str| {
            let mut headers = answer.headers.iter();
            let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone())
        };
        match wrong {
            Some(Wrong::Unanswered) => return Err(Fault::Cut("cut".to_owned())),
            Some(Wrong::Garbage) => return Err(Fault::Cut("the answer is no JSON".to_owned())),
            _ => {}
        }
        Ok(Answer {
            status: answer.status,
            etag: header("etag"),
            operation: header("azure-asyncoperation"),
            location: header("location"),
            retry_after: None,
            body: answer.body.clone().unwrap_or(Value::Null),
        })
    }
}
