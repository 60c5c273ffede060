//! Requests until they are answered: faults that pass are waited out, asynchronous
//! operations followed, pages turned.
//!
//! Sources: the REST guidelines of Azure Resource Manager (asynchronous operations:
//! `Azure-AsyncOperation`, `Location`, `Retry-After`; paging: `nextLink`), and for 409 and
//! 412 as signs of API Management's locks the issues that `docs/deploy.md` names.

use crate::service::{Answer, Body, Fault, Method, Place, Request, Service};
use flux_apim_diag::excerpt;
use serde_json::Value as Json;
use std::fmt;
use std::time::Duration;

/// Attempts at one request.
const ATTEMPTS: u32 = 8;
/// Before the second one; doubled for each further one.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait that nobody asked for.
const LONGEST: Duration = Duration::from_secs(60);
/// What one request waits in sum, also where the service asks for more.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
/// How long an asynchronous operation may take.
const OPERATION: Duration = Duration::from_secs(60 * 60);
/// The shortest one between questions after an operation.
const SHORTEST: Duration = Duration::from_millis(100);
/// Between questions after an operation that does not say.
const POLL: Duration = Duration::from_secs(2);
/// Pages of one list.
const PAGES: usize = 10_000;

/// A request that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What was attempted: `PUT apis/orders`.
    pub attempted: String,
    /// Status of HTTP; none when there was no answer.
    pub status: Option<u16>,
    /// The service's code for it.
    pub code: String,
    /// What it said, or what the connection did.
    pub message: String,
    /// Whether it may have been done all the same: an attempt got no answer, or the service
    /// had begun with it.
    pub in_doubt: bool,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            attempted,
            status,
            code,
            message,
            in_doubt: _,
        } = self;
        match (status, code.is_empty()) {
            (Some(status), false) => write!(f, "{attempted}: {status} {code}: {message}"),
            (Some(status), true) => write!(f, "{attempted}: {status}: {message}"),
            (None, false) => write!(f, "{attempted}: {code}: {message}"),
            (None, true) => write!(f, "{attempted}: {message}"),
        }?;
        match self.help() {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

impl Failure {
    fn of(attempted: &str, answer: &Answer) -> Self {
        // A resource that failed has it among its properties.
        let error = match (&answer.body["error"], &answer.body["properties"]["error"]) {
            (Json::Null, Json::Null) => &answer.body,
            (Json::Null, error) | (error, _) => error,
        };
        let mut message = error["message"].as_str().unwrap_or("").trim().to_owned();
        for detail in error["details"].as_array().into_iter().flatten().take(10) {
            let said = detail["message"].as_str().unwrap_or("").trim();
            if !said.is_empty() && !message.contains(said) {
                let target = detail["target"].as_str().unwrap_or("");
                message = match target {
                    "" => format!("{message} ({said})"),
                    target => format!("{message} ({target}: {said})"),
                };
            }
        }
        if message.is_empty() {
            "the service gave no reason".clone_into(&mut message);
        }
        Self {
            attempted: attempted.to_owned(),
            // A failure that an answer of success tells of has no status of its own.
            status: Some(answer.status).filter(|status| *status >= 300),
            code: excerpt(error["code"].as_str().unwrap_or(""), 100),
            message: excerpt(&message, 1000),
            in_doubt: false,
        }
    }

    /// What an answer that is none of HTTP's refusals says of an error.
    pub(crate) fn said(attempted: &str, error: &Json) -> Self {
        let answer = Answer {
            status: 400,
            body: serde_json::json!({"error": error}),
            ..Answer::default()
        };
        Self::of(attempted, &answer)
    }

    fn unanswered(attempted: &str, message: String) -> Self {
        Self {
            attempted: attempted.to_owned(),
            status: None,
            code: String::new(),
            message,
            in_doubt: false,
        }
    }

    pub(crate) fn absent(attempted: &str) -> Self {
        Self {
            attempted: attempted.to_owned(),
            status: Some(404),
            code: "ResourceNotFound".to_owned(),
            message: "there is no such service".to_owned(),
            in_doubt: false,
        }
    }

    /// The same, of something that may have been done all the same.
    pub(crate) fn doubted(self, in_doubt: bool) -> Self {
        Self {
            in_doubt: self.in_doubt || in_doubt,
            ..self
        }
    }

    /// What to do about it, where its code says more than its words.
    ///
    /// Source of the codes: "Common Azure deployment errors" and the errors of the REST API.
    pub fn help(&self) -> Option<&'static str> {
        Some(match (self.code.as_str(), self.status) {
            ("AuthorizationFailed", _) | ("", Some(403)) => {
                "the identity may not do this here: `flux-apim doctor` says what it lacks, and \
                 `flux-apim identity` writes the role; a new role takes minutes to show"
            }
            ("SubscriptionNotFound" | "InvalidSubscriptionId", _) => {
                "check --subscription, and that the identity is of the subscription's tenant"
            }
            ("ResourceGroupNotFound", _) => "check --subscription and --resource-group",
            ("ResourceNotFound", _)
                if self.attempted.ends_with(" namedValues")
                    || self.attempted.ends_with(" the service") =>
            {
                "check --subscription, --resource-group and --service; a service that was deleted \
                 may be restored for 48 hours: `az apim deletedservice list`"
            }
            ("ScopeLocked", _) => {
                "a lock on the resource, its group or the subscription forbids it: `az lock list` \
                 names it"
            }
            ("RequestDisallowedByPolicy", _) => {
                "a policy of the subscription forbids it; its message names the assignment"
            }
            ("MethodNotAllowedInPricingTier", _) => {
                "the tier of the service does not have this kind of resource"
            }
            ("PessimisticConcurrencyConflict", _) => {
                "something else writes the same API or product: run it again when that is done"
            }
            (_, Some(401)) => {
                "the token was not taken: check the identity, the cloud and the clock"
            }
            _ => return None,
        })
    }

    /// Whether the resource is another than the one that was read.
    pub fn is_stale(&self) -> bool {
        self.status == Some(412)
    }
}

/// An answer to a write, and how sure it is that this very request did it.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) answer: Answer,
    /// An earlier attempt got no answer: it may have been the one.
    pub(crate) in_doubt: bool,
    /// The service worked on after its first answer, which is then not the last word.
    pub(crate) followed: bool,
}

/// Whoever sends requests of one api-version.
#[derive(Debug)]
pub(crate) struct Caller<'s, S> {
    service: &'s S,
    api_version: &'s str,
}

impl<S> Clone for Caller<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Caller<'_, S> {}

impl<'s, S: Service> Caller<'s, S> {
    pub(crate) fn new(service: &'s S, api_version: &'s str) -> Self {
        Self {
            service,
            api_version,
        }
    }

    fn request(&self, method: Method, path: &str, query: &[(&str, &str)]) -> Request {
        self.request_at(method, Place::Below(path.to_owned()), query)
    }

    fn request_at(&self, method: Method, place: Place, query: &[(&str, &str)]) -> Request {
        let own = [("api-version", self.api_version)];
        let query = own.iter().chain(query);
        Request {
            method,
            place,
            query: query
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            if_match: None,
            body: None,
        }
    }

    fn link(method: Method, url: &str) -> Request {
        Request {
            method,
            place: Place::Link(url.to_owned()),
            query: Vec::new(),
            if_match: None,
            body: None,
        }
    }

    /// Sends `request` until there is an answer that trying again would not change.
    async fn answered(&self, request: &Request) -> Result<(Answer, bool), Failure> {
        let attempted = attempted(request);
        let (mut wait, mut waited, mut in_doubt) = (FIRST, Duration::ZERO, false);
        let mut attempt = 1;
        loop {
            let (failure, asked) = match self.service.call(request).await {
                Ok(answer) if !passes(&answer) => return Ok((answer, in_doubt)),
                Ok(answer) => {
                    // A gateway that gives up says nothing of what is behind it.
                    in_doubt |= matches!(answer.status, 408 | 500 | 502 | 504);
                    let asked = answer.retry_after.unwrap_or_default();
                    (Failure::of(&attempted, &answer), asked)
                }
                Err(Fault::Unsent(problem)) => {
                    return Err(Failure::unanswered(&attempted, problem).doubted(in_doubt));
                }
                Err(Fault::Late(problem)) => {
                    return Err(Failure::unanswered(&attempted, problem).doubted(true));
                }
                Err(Fault::Cut(problem)) => {
                    in_doubt = true;
                    (Failure::unanswered(&attempted, problem), Duration::ZERO)
                }
            };
            let next = wait.max(asked);
            if attempt >= ATTEMPTS || waited + next > PATIENCE {
                return Err(failure.doubted(in_doubt));
            }
            self.service.wait(next).await;
            waited += next;
            wait = (wait * 2).min(LONGEST);
            attempt += 1;
        }
    }

    /// What is at `path`; `None` when nothing is.
    pub(crate) async fn get(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Option<Answer>, Failure> {
        self.get_at(Place::Below(path.to_owned()), query).await
    }

    /// What is at a place; `None` when nothing is.
    pub(crate) async fn get_at(
        &self,
        place: Place,
        query: &[(&str, &str)],
    ) -> Result<Option<Answer>, Failure> {
        let request = self.request_at(Method::Get, place, query);
        let (answer, _) = self.answered(&request).await?;
        match answer.status {
            200 => Ok(Some(answer)),
            404 => Ok(None),
            _ => Err(Failure::of(&attempted(&request), &answer)),
        }
    }

    /// Hands each entry of a list to `take`. A list of what is not there has none.
    pub(crate) async fn list(
        &self,
        path: &str,
        query: &[(&str, &str)],
        mut take: impl FnMut(Json) + Send,
    ) -> Result<(), Failure> {
        self.list_at(Place::Below(path.to_owned()), query, &mut take)
            .await
    }

    /// The same of a list at a place.
    pub(crate) async fn list_at(
        &self,
        place: Place,
        query: &[(&str, &str)],
        take: &mut (dyn FnMut(Json) + Send),
    ) -> Result<(), Failure> {
        let nested = match &place {
            Place::Below(path) => path.contains('/'),
            Place::Group(_) | Place::Link(_) => true,
        };
        let first = self.request_at(Method::Get, place, query);
        let attempted = attempted(&first);
        let mut request = first;
        for _ in 0..PAGES {
            let (mut answer, _) = self.answered(&request).await?;
            match answer.status {
                200 => {}
                // Without the service there is no list either, and that is another matter.
                404 if nested => return Ok(()),
                _ => return Err(Failure::of(&attempted, &answer)),
            }
            let Json::Array(items) = answer.body["value"].take() else {
                let problem = "the answer holds no list".to_owned();
                return Err(Failure::unanswered(&attempted, problem));
            };
            items.into_iter().for_each(&mut *take);
            let next = answer.body["nextLink"].as_str().filter(|n| !n.is_empty());
            let Some(next) = next.map(Self::next) else {
                return Ok(());
            };
            if next == request {
                break;
            }
            request = next;
        }
        let problem = "its pages do not end".to_owned();
        Err(Failure::unanswered(&attempted, problem))
    }

    fn next(url: &str) -> Request {
        Self::link(Method::Get, url)
    }

    /// Makes or replaces what is at `path`.
    pub(crate) async fn put(
        &self,
        path: &str,
        if_match: Option<&str>,
        body: Option<Json>,
    ) -> Result<Written, Failure> {
        let mut request = self.request(Method::Put, path, &[]);
        request.if_match = if_match.map(str::to_owned);
        request.body = body.map(Body);
        self.written(&request, &[200, 201, 202, 204]).await
    }

    /// Makes, replaces or asks for what is at a place of the resource group.
    pub(crate) async fn send_at(
        &self,
        method: Method,
        place: Place,
        query: &[(&str, &str)],
        body: Option<Json>,
    ) -> Result<Written, Failure> {
        let mut request = self.request_at(method, place, query);
        request.body = body.map(Body);
        let good: &[u16] = match method {
            Method::Delete => &[200, 202, 204, 404],
            _ => &[200, 201, 202, 204],
        };
        self.written(&request, good).await
    }

    /// Removes what is at `path`; nothing there is as good.
    pub(crate) async fn delete(
        &self,
        path: &str,
        query: &[(&str, &str)],
        if_match: Option<&str>,
    ) -> Result<Written, Failure> {
        let mut request = self.request(Method::Delete, path, query);
        request.if_match = if_match.map(str::to_owned);
        self.written(&request, &[200, 202, 204, 404]).await
    }

    async fn written(&self, request: &Request, good: &[u16]) -> Result<Written, Failure> {
        let (answer, in_doubt) = self.answered(request).await?;
        if !good.contains(&answer.status) {
            return Err(Failure::of(&attempted(request), &answer).doubted(in_doubt));
        }
        let asynchronous =
            answer.status == 202 || (answer.status < 202 && answer.operation.is_some());
        let status = answer.status;
        let answer = match asynchronous {
            true => {
                let followed = self.follow(request, answer).await;
                let last = followed.map_err(|failure| failure.doubted(true))?;
                // 201 of the first answer says that it is new.
                Answer {
                    status: if status == 201 { 201 } else { last.status },
                    ..last
                }
            }
            false => answer,
        };
        Ok(Written {
            answer,
            in_doubt,
            followed: asynchronous,
        })
    }

    /// Waits for the end of an operation that the service works on. Whoever may write a
    /// resource may not always read the operations of its region: the resource itself says
    /// then whether it is done.
    async fn follow(&self, request: &Request, begun: Answer) -> Result<Answer, Failure> {
        let attempted = attempted(request);
        let mut places: Vec<(Request, bool)> = Vec::new();
        if request.method == Method::Put {
            let mut itself = request.clone();
            (itself.method, itself.body, itself.if_match) = (Method::Get, None, None);
            places.push((itself, true));
        }
        let link = |place: &String| Self::link(Method::Get, place);
        places.extend(begun.location.as_ref().map(|place| (link(place), false)));
        // What a question comes to lies at its location, and not in the operation.
        let asked = request.method == Method::Post && begun.location.is_some();
        let operation = begun.operation.as_ref().filter(|_| !asked);
        places.extend(operation.map(|place| (link(place), true)));
        let Some(mut place) = places.pop() else {
            // Nothing to ask: it is done as far as anybody can tell.
            return Ok(begun);
        };
        let (mut waited, mut last) = (Duration::ZERO, begun);
        loop {
            let wait = last.retry_after.unwrap_or(POLL).clamp(SHORTEST, LONGEST);
            if waited + wait > OPERATION {
                let minutes = waited.as_secs() / 60;
                let problem = format!("the service still works on it after {minutes} minutes");
                return Err(Failure::unanswered(&attempted, problem));
            }
            self.service.wait(wait).await;
            waited += wait;
            let (answer, _) = self.answered(&place.0).await?;
            if matches!(answer.status, 403 | 404)
                && let Some(other) = places.pop()
            {
                place = other;
                continue;
            }
            let state = match &answer.body["status"] {
                Json::String(state) => state.to_lowercase(),
                _ => {
                    let state = &answer.body["properties"]["provisioningState"];
                    state.as_str().unwrap_or("").to_lowercase()
                }
            };
            let by_state = place.1;
            match (answer.status, state.as_str()) {
                (200..=299, "failed" | "canceled" | "cancelled") => {
                    return Err(Failure::of(&attempted, &answer));
                }
                (200 | 201, "succeeded" | "created") => return Ok(answer),
                // A resource that has no state is there.
                (200, "") if answer.body["properties"].is_object() => return Ok(answer),
                (200 | 201 | 204, _) if !by_state => return Ok(answer),
                (200..=299, _) => last = answer,
                _ => return Err(Failure::of(&attempted, &answer)),
            }
        }
    }
}

/// Whether an answer may be another one later.
fn passes(answer: &Answer) -> bool {
    match answer.status {
        408 | 429 | 500 | 502 | 503 | 504 => true,
        // API Management locks an API or a product while it is written.
        409 => !is_lasting(answer),
        _ => false,
    }
}

/// Whether a conflict is one with what is there, and not with another writer.
fn is_lasting(answer: &Answer) -> bool {
    let code = answer.body["error"]["code"].as_str().unwrap_or("");
    let message = answer.body["error"]["message"].as_str().unwrap_or("");
    let message = message.to_lowercase();
    let locked = code.to_lowercase().contains("concurrency") || message.contains("concurren");
    !locked && (message.contains("already exist") || code == "ScopeLocked")
}

fn attempted(request: &Request) -> String {
    let path = match &request.place {
        Place::Below(path) if path.is_empty() => "the service",
        Place::Below(path) | Place::Group(path) => path.as_str(),
        Place::Link(_) => "what the service said to ask next",
    };
    format!("{} {path}", request.method.as_str())
}
