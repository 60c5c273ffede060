//! From a request to its answer, in the order that Azure has: token, api-version, route,
//! role, locks, the resource itself.

use crate::access::Principal;
use crate::answer::{Answer, Refusal};
use crate::apim::{Call, long_running};
use crate::behaviours::Row;
use crate::faults::{Fault, What};
use crate::place::Place;
use crate::request::Request;
use crate::table::Operation;
use crate::world::{State, World};
use crate::{deployments, edge, stacks, versions};
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Response, Uri};
use serde_json::{Value, json};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Greatest body that Resource Manager takes, in bytes.
const BODY: usize = 4 * 1024 * 1024;

/// What is read of a body at all.
const READ: usize = 16 * 1024 * 1024;

/// How long a fault holds a request at most.
const HOLD: Duration = Duration::from_secs(120);

/// An answer, and whether the connection is cut in it.
#[derive(Debug)]
pub struct Outcome {
    /// The answer.
    pub answer: Answer,
    /// Whether only a part of it is sent.
    pub cut: bool,
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        Self { answer, cut: false }
    }
}

/// The locks of a writer, given back when it is dropped.
struct Held {
    world: Arc<World>,
    keys: Vec<String>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut state = self.world.state();
        for key in &self.keys {
            state.locks.remove(key);
        }
    }
}

/// Answers a request. `principal` is who sends it, for requests that a deployment makes.
pub fn answer(
    world: Arc<World>,
    request: Request,
    principal: Option<Principal>,
) -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
    Box::pin(async move {
        let (method, path) = (request.method.clone(), request.id());
        let outcome = outcome(&world, request, principal).await;
        world.state().record(&method, &path, outcome.answer.status);
        outcome
    })
}

async fn outcome(world: &Arc<World>, request: Request, principal: Option<Principal>) -> Outcome {
    if let Some(answer) = own(world, &request) {
        return answer.into();
    }
    let fault = world.state().faults.strike(&request.method, &request.id());
    match fault {
        Some(What::Status(status)) => return Answer::from(status.refusal()).into(),
        Some(What::CutBefore(_)) => {
            return Outcome {
                answer: Answer::json(200, json!({})),
                cut: true,
            };
        }
        _ => {}
    }
    let answer = managed(world, &request, principal, fault.as_ref())
        .await
        .unwrap_or_else(Answer::from);
    Outcome {
        answer,
        cut: matches!(fault, Some(What::CutAfter(_))),
    }
}

/// What the simulation has beside Azure: its own addresses, and those of Entra ID.
fn own(world: &World, request: &Request) -> Option<Answer> {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    let method = request.method.as_str();
    Some(match (method, path.as_slice()) {
        ("GET", ["behaviours"]) => Answer::json(200, world.behaviours.list()),
        ("GET", ["simulator", "requests"]) => {
            let state = world.state();
            let list: Vec<Value> = state.log.iter().map(|(method, path, status)| json!({"method": method, "path": path, "status": status})).collect();
            Answer::json(200, json!({ "requests": list }))
        }
        ("GET", ["simulator", "state"]) => {
            let state = world.state();
            let list: Vec<Value> = state
                .store
                .all()
                .map(|e| json!({"id": e.id, "type": e.arm_type, "body": e.body}))
                .collect();
            Answer::json(200, json!({ "resources": list }))
        }
        ("GET", ["simulator", "exports", key]) => match world.state().exports.get(*key) {
            Some(document) => Answer::json(200, document.clone()),
            None => Refusal::new(404, "NotFound", "There is no such export.").into(),
        },
        ("GET", ["simulator", "faults"]) => {
            Answer::json(200, json!({"faults": world.state().faults.list()}))
        }
        ("DELETE", ["simulator", "faults"]) => {
            world.state().faults.clear();
            Answer::empty(204)
        }
        ("POST", ["simulator", "faults"]) => {
            let fault =
                serde_json::from_slice::<Fault>(&request.bytes).map_err(|error| error.to_string());
            match fault.and_then(|fault| {
                world
                    .state()
                    .faults
                    .plan(fault)
                    .map_err(|error| error.to_string())
            }) {
                Ok(()) => Answer::empty(204),
                Err(error) => Refusal::new(400, "InvalidFault", error).into(),
            }
        }
        ("POST", ["simulator", "release", name]) => {
            world.state().faults.released.insert((*name).to_owned());
            world.released.notify_waiters();
            Answer::empty(204)
        }
        ("POST", [_, "oauth2", "v2.0", "token"] | [_, "oauth2", "token"]) => world.token(request),
        ("GET", ["metadata", "identity", "oauth2", "token"]) => world.managed_identity(request),
        ("GET", ["metadata", "endpoints"]) => {
            let origin = &request.origin;
            let authentication = json!({"loginEndpoint": origin, "audiences": [origin, "https://management.azure.com/"], "tenant": world.settings.tenant, "identityProvider": "AAD"});
            let cloud = json!({"name": "Simulated", "resourceManager": origin, "authentication": authentication});
            Answer::json(
                200,
                if request.asks("api-version").is_some_and(|v| v < "2019") {
                    cloud
                } else {
                    json!([cloud])
                },
            )
        }
        (
            "GET",
            [tenant, "v2.0", ".well-known", "openid-configuration"]
            | [tenant, ".well-known", "openid-configuration"],
        ) => {
            let base = format!("{}/{tenant}", request.origin);
            Answer::json(
                200,
                json!({"issuer": format!("{base}/v2.0"), "token_endpoint": format!("{base}/oauth2/v2.0/token"),
                "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"), "jwks_uri": format!("{base}/discovery/v2.0/keys")}),
            )
        }
        ("GET", ["common", "discovery", "instance"]) => {
            let base = format!("{}/{}", request.origin, world.settings.tenant);
            Answer::json(
                200,
                json!({"tenant_discovery_endpoint": format!("{base}/v2.0/.well-known/openid-configuration"), "api-version": "1.1", "metadata": []}),
            )
        }
        _ => return None,
    })
}

async fn managed(
    world: &Arc<World>,
    request: &Request,
    principal: Option<Principal>,
    fault: Option<&What>,
) -> Result<Answer, Refusal> {
    let principal = match principal {
        Some(principal) => principal,
        None => world.authenticate(request)?,
    };
    if request.bytes.len() > BODY && world.on(Row::RequestSize) {
        return Err(Refusal::new(
            413,
            "RequestContentTooLarge",
            format!("The request content size exceeds the maximum size of {BODY} bytes."),
        ));
    }
    if request
        .path
        .iter()
        .any(|segment| segment.contains(['/', '\\']) || segment.contains(char::is_control))
    {
        return Err(Refusal::new(
            400,
            "BadRequest",
            "The address has an encoded character that a name cannot have.",
        ));
    }
    versions::check(world, request)?;
    let authorization = request.path.windows(2).rposition(|pair| {
        pair[0].eq_ignore_ascii_case("providers")
            && pair[1].eq_ignore_ascii_case("Microsoft.Authorization")
    });
    {
        let mut state = world.state();
        world.authorise(&state.store, &principal, request)?;
        stacks::denied(world, &state, &principal, request)?;
        if let Some(status) = edge::status(world, &state, request) {
            return status;
        }
        if let Some(at) = authorization.filter(|_| request.path.len() > 2) {
            if request
                .path
                .get(at + 2)
                .is_some_and(|kind| kind.eq_ignore_ascii_case("permissions"))
            {
                return Ok(world.permissions(
                    &state.store,
                    &principal,
                    &format!("/{}", request.path[..at].join("/")),
                ));
            }
            return edge::authorization(world, &mut state, request, at);
        }
    }
    let operation = route(world, request)?;
    versions::has(world, request, operation)?;
    group_exists(world, request)?;
    if deployments::is_own(operation) {
        return deployments::run(world, request, operation, &principal);
    }
    if stacks::is_own(operation) {
        return stacks::run(world, request, operation, &principal);
    }
    let Some(place) = Place::read(&request.path) else {
        return edge::run(world, &mut world.state(), request, operation);
    };
    let writes = !["GET", "HEAD"].contains(&request.method.as_str());
    let held = if writes {
        hold(world, &place)?
    } else {
        Held {
            world: Arc::clone(world),
            keys: Vec::new(),
        }
    };
    if let Some(What::Hold(name)) = fault {
        wait_for(world, name).await;
    }
    let answer = {
        let mut state = world.state();
        let mut call = Call {
            world,
            state: &mut state,
            request,
            place: place.clone(),
            operation,
        };
        let answer = call.run()?;
        let later =
            writes && long_running(operation) && world.on(Row::LongRunning) && answer.status != 204;
        if later {
            begin(world, &mut state, request, &place, answer)
        } else {
            (answer, None)
        }
    };
    let (answer, later) = answer;
    if let Some(key) = later {
        let world = Arc::clone(world);
        tokio::spawn(async move {
            tokio::time::sleep(world.settings.operation_time).await;
            let mut held = Some(held);
            if world.settings.settle_time.is_zero() {
                held.take();
            }
            if let Some(running) = world.state().running.get_mut(&key) {
                running.has_ended = true;
            }
            tokio::time::sleep(world.settings.settle_time).await;
            drop(held);
        });
    } else if writes {
        tokio::time::sleep(world.settings.write_time).await;
        drop(held);
    }
    Ok(answer)
}

/// Makes an answer that of an operation which ends later.
fn begin(
    world: &World,
    state: &mut State,
    request: &Request,
    place: &Place,
    answer: Answer,
) -> (Answer, Option<String>) {
    let version = request.asks("api-version").unwrap_or_default();
    let status = answer.status;
    let key = state.begin(place.id(), false, status);
    let subscription = request.path.get(1).cloned().unwrap_or_default();
    let operation = format!(
        "{}/subscriptions/{subscription}/providers/Microsoft.ApiManagement/locations/westeurope/operationsStatuses/{key}?api-version={version}",
        request.origin
    );
    let path: Vec<String> = request
        .path
        .iter()
        .map(|s| {
            percent_encoding::utf8_percent_encode(s, percent_encoding::NON_ALPHANUMERIC).to_string()
        })
        .collect();
    let link = format!(
        "{}/{}?api-version={version}&asyncId={key}&asyncCode={status}",
        request.origin,
        path.join("/")
    );
    let mut answer = answer;
    // Pollers take the first answer for the last when it says that all is done.
    if let Some(word) = answer
        .body
        .as_mut()
        .and_then(|body| body.pointer_mut("/properties/provisioningState"))
    {
        *word = json!("InProgress");
    }
    let answer = edge::waits(world, answer, false)
        .with("azure-asyncoperation", operation)
        .with("location", link);
    (answer, Some(key))
}

fn hold(world: &Arc<World>, place: &Place) -> Result<Held, Refusal> {
    let keys = place.locks(world.on(Row::LockSpansLinks));
    let mut state = world.state();
    let mut taken = keys.iter().filter(|key| state.locks.contains(*key));
    if let Some(key) = taken.next().filter(|_| world.on(Row::LockHeld)) {
        let what = match key.contains("/products/") {
            true => "product",
            false => "API",
        };
        return Err(Refusal::new(
            409,
            "PessimisticConcurrencyConflict",
            format!("Operation on the {what} is in progress"),
        ));
    }
    let keys: Vec<String> = keys
        .into_iter()
        .filter(|key| state.locks.insert(key.clone()))
        .collect();
    drop(state);
    Ok(Held {
        world: Arc::clone(world),
        keys,
    })
}

async fn wait_for(world: &World, name: &str) {
    let released = async {
        loop {
            let next = world.released.notified();
            tokio::pin!(next);
            // Registered before the look, so that no release is missed.
            next.as_mut().enable();
            if world.state().faults.released.contains(name) {
                return;
            }
            next.await;
        }
    };
    // A test that forgets to release must not hold the server for ever.
    let _ended = tokio::time::timeout(HOLD, released).await;
}

/// The operation of the SDK at a path.
fn route<'a>(world: &'a World, request: &Request) -> Result<&'a Operation, Refusal> {
    let at = world.table.at(&request.path);
    if at.is_empty() {
        let provider = request
            .path
            .iter()
            .position(|segment| segment.eq_ignore_ascii_case("providers"));
        let types = provider.map(|at| {
            request.path[(at + 2).min(request.path.len())..]
                .iter()
                .step_by(2)
                .cloned()
                .collect::<Vec<_>>()
                .join("/")
        });
        let namespace = provider
            .and_then(|at| request.path.get(at + 1))
            .cloned()
            .unwrap_or_default();
        return Err(Refusal::new(
            404,
            "InvalidResourceType",
            format!(
                "The resource type '{}' could not be found in the namespace '{namespace}' for api version '{}'.",
                types.unwrap_or_default(),
                request.asks("api-version").unwrap_or_default()
            ),
        ));
    }
    let export = request
        .asks("export")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let mut of_method = at
        .iter()
        .filter(|operation| operation.method == request.method);
    let found = of_method
        .clone()
        .find(|operation| operation.name.ends_with("Export.Get") == export);
    found.or_else(|| of_method.next()).copied().ok_or_else(|| {
        Refusal::new(
            405,
            "MethodNotAllowed",
            format!(
                "The requested resource does not support http method '{}'.",
                request.method
            ),
        )
    })
}

fn group_exists(world: &World, request: &Request) -> Result<(), Refusal> {
    let in_group = request.path.len() > 4 && request.path[2].eq_ignore_ascii_case("resourceGroups");
    if !in_group || !world.on(Row::GroupExists) {
        return Ok(());
    }
    let group = format!("/{}", request.path[..4].join("/"));
    match world.state().store.get(&group) {
        Some(_) => Ok(()),
        None => Err(Refusal::new(
            404,
            "ResourceGroupNotFound",
            format!("Resource group '{}' could not be found.", request.path[3]),
        )),
    }
}

/// Answers over HTTP.
pub async fn serve(world: Arc<World>, listener: tokio::net::TcpListener) -> std::io::Result<()> {
    let address = listener.local_addr()?;
    let router = axum::Router::new().fallback(
        move |method: Method, uri: Uri, headers: HeaderMap, body: Body| {
            let world = Arc::clone(&world);
            async move { http(world, &method, &uri, &headers, body, address).await }
        },
    );
    axum::serve(listener, router).await
}

async fn http(
    world: Arc<World>,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: Body,
    address: std::net::SocketAddr,
) -> Response<Body> {
    let host = headers
        .get("host")
        .and_then(|host| host.to_str().ok())
        .map_or_else(|| address.to_string(), str::to_owned);
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let (path, query) = Request::target(target);
    let is_head = method == Method::HEAD;
    let outcome = match axum::body::to_bytes(body, READ).await {
        Err(_) => Answer::from(Refusal::new(
            413,
            "RequestContentTooLarge",
            "The request content could not be read or is too large.",
        ))
        .into(),
        Ok(bytes) => {
            let headers = headers.iter().filter_map(|(name, value)| {
                Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
            });
            let request = Request {
                method: method.to_string(),
                path,
                query,
                headers: headers.collect(),
                bytes: bytes.to_vec(),
                origin: format!("http://{host}"),
                stack: None,
            };
            answer(world, request, None).await
        }
    };
    response(outcome, is_head)
}

fn response(outcome: Outcome, is_head: bool) -> Response<Body> {
    let Outcome { answer, cut } = outcome;
    let text = answer
        .body
        .filter(|_| !is_head)
        .map(|body| body.to_string());
    let mut builder = Response::builder()
        .status(answer.status)
        .header("x-ms-request-id", "00000000-0000-0000-0000-000000000000")
        .header("server", "simulated-azure");
    for (name, value) in &answer.headers {
        builder = builder.header(*name, value);
    }
    if text.is_some() {
        builder = builder.header("content-type", "application/json; charset=utf-8");
    }
    let body = match (text, cut) {
        (text, true) => {
            let half = text
                .map(|text| text.as_bytes()[..text.len() / 2].to_vec())
                .unwrap_or_default();
            let parts: [Result<Bytes, std::io::Error>; 2] = [
                Ok(Bytes::from(half)),
                Err(std::io::Error::other("cut on purpose")),
            ];
            Body::from_stream(futures_util::stream::iter(parts))
        }
        (Some(text), false) => Body::from(text),
        (None, false) => Body::empty(),
    };
    // Header values that cannot be sent are ids with line ends: the answer goes without.
    builder
        .body(body)
        .unwrap_or_else(|_| Response::new(Body::empty()))
}
