//! Requests that Resource Manager sends on behalf of who deploys.

use crate::access::Principal;
use crate::answer::Answer;
use crate::request::Request;
use crate::server;
use crate::world::World;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Who deploys, and what for.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Where the requests go.
    pub world: Arc<World>,
    /// Whose rights they need.
    pub principal: Principal,
    /// `http://HOST`, for links.
    pub origin: String,
    /// Id of the stack that deploys: its deny settings do not hold for its own requests.
    pub stack: Option<String>,
}

impl Caller {
    /// Sends a request about a resource and waits for the end of its operation.
    pub async fn send(
        &self,
        method: &str,
        id: &str,
        api_version: &str,
        body: Option<&Value>,
    ) -> Answer {
        let path = crate::table::segments(id).map(str::to_owned).collect();
        let query = BTreeMap::from([("api-version".to_owned(), api_version.to_owned())]);
        let bytes = body.map(|body| body.to_string().into_bytes());
        let answer = self
            .ask(method, path, query, bytes.unwrap_or_default())
            .await;
        let mut headers = answer.headers.iter();
        let Some((_, link)) = headers.find(|(name, _)| *name == "azure-asyncoperation") else {
            return answer;
        };
        let (path, query) = Request::target(link.strip_prefix(&self.origin).unwrap_or(link));
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let status = self
                .ask("GET", path.clone(), query.clone(), Vec::new())
                .await;
            match status.body.as_ref().map(|body| &body["status"]) {
                Some(word) if word == "InProgress" => {}
                Some(word) if word == "Succeeded" => return answer,
                _ => return status,
            }
        }
    }

    async fn ask(
        &self,
        method: &str,
        path: Vec<String>,
        query: BTreeMap<String, String>,
        bytes: Vec<u8>,
    ) -> Answer {
        // Reported for products: a stack's deletion reaches the checks behind If-Match
        // (Azure/deployment-stacks#208).
        let headers = match method {
            "DELETE" => BTreeMap::from([("if-match".to_owned(), "*".to_owned())]),
            _ => BTreeMap::new(),
        };
        let request = Request {
            method: method.to_owned(),
            path,
            query,
            headers,
            bytes,
            origin: self.origin.clone(),
            stack: self.stack.clone(),
        };
        let world = Arc::clone(&self.world);
        server::answer(world, request, Some(self.principal.clone()))
            .await
            .answer
    }
}
