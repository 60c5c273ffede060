//! Requests to Azure Resource Manager, as an identity.

use super::Cloud;
use crate::diag::excerpt;
use crate::edge::oci::acr::Identity;
use crate::edge::oci::{self, Connection, Credentials, Request, Wire, retry_after, usable};
use crate::edge::secret::Secret;
use flux_apim_deploy::{Answer, Fault, Method, Place, Service};
use reqwest::Url;
use reqwest::header::{
    AUTHORIZATION, CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderValue, IF_MATCH, LOCATION,
};
use serde_json::Value as Json;
use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::Mutex;

/// The most that is read of one answer: pages hold 100 entries, each with its texts.
const MAX: u64 = 64 << 20;
/// Of a token that does not say how long it is of use, this much is believed.
const UNSTATED: Duration = Duration::from_secs(600);
/// Every status is an answer; what it means is decided elsewhere.
const ALL: [u16; 500] = {
    let mut all = [0; 500];
    let mut n = 0;
    while n < 500 {
        all[n] = 100 + n as u16;
        n += 1;
    }
    all
};

/// A service of API Management behind Azure Resource Manager.
#[derive(Debug)]
pub struct ResourceManager {
    wire: Wire,
    identity: Identity,
    audience: String,
    service: String,
    token: Mutex<Option<(Secret, Instant)>>,
}

/// Why Resource Manager cannot be reached at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The endpoint is none.
    #[error(
        "`{0}` is no endpoint of Azure Resource Manager: tokens go to https URLs alone, and to this machine"
    )]
    Endpoint(String),
    /// The service's id is none.
    #[error(
        "`{0}` is no service of API Management; expected /subscriptions/ID/resourceGroups/GROUP/providers/\
         Microsoft.ApiManagement/service/NAME"
    )]
    Service(String),
    /// The connection cannot be prepared.
    #[error(transparent)]
    Connection(#[from] oci::Error),
}

impl ResourceManager {
    /// The service with this full id, reached as `identity`: in `cloud`, or at an endpoint
    /// that is named.
    ///
    /// # Errors
    /// When endpoint or id are none.
    pub fn new(
        service: &str,
        cloud: Cloud,
        endpoint: Option<&str>,
        identity: Identity,
        mut connection: Connection,
    ) -> Result<Self, Error> {
        let place = endpoint.unwrap_or(cloud.resource_manager());
        let wrong = || Error::Endpoint(excerpt(place, 200));
        let url = Url::parse(place).map_err(|_| wrong())?;
        let near = |host: &str| {
            let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
            address.map_or(host == "localhost", |address| address.is_loopback())
        };
        let safe = match url.scheme() {
            "https" => true,
            "http" => url.host_str().is_some_and(near),
            _ => false,
        };
        if !safe || !matches!(url.path(), "" | "/") || url.query().is_some() {
            return Err(wrong());
        }
        connection.insecure = url.scheme() == "http";
        connection.credentials = Credentials::Azure(identity.clone());
        Ok(Self {
            wire: Wire::new(&connection, url)?,
            identity,
            audience: cloud.audience().to_owned(),
            service: checked(service)?,
            token: Mutex::new(None),
        })
    }

    /// Full id of the service.
    pub fn service_id(&self) -> &str {
        &self.service
    }

    /// Where requests go.
    pub fn endpoint(&self) -> &str {
        self.wire.registry().as_str().trim_end_matches('/')
    }

    /// By how many seconds this machine's clock differs from Azure's, and whether it is ahead;
    /// `None` when the answer has no time. Asks without a token.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn clock(&self) -> Result<Option<(u64, bool)>, oci::Error> {
        let mut url = self.wire.registry().clone();
        url.set_path("/metadata/endpoints");
        url.set_query(Some("api-version=2022-09-01"));
        let attempted = format!("reach {}", self.endpoint());
        let asked = Request::new(attempted, reqwest::Method::GET, url);
        let answer = self.wire.send(&asked, &ALL).await?;
        let date = answer.headers.get(DATE).and_then(|date| date.to_str().ok());
        let Some(there) = date.and_then(|date| httpdate::parse_http_date(date).ok()) else {
            return Ok(None);
        };
        Ok(Some(match SystemTime::now().duration_since(there) {
            Ok(ahead) => (ahead.as_secs(), true),
            Err(behind) => (behind.duration().as_secs(), false),
        }))
    }

    /// Object id of whoever asks; none when its token does not say.
    ///
    /// # Errors
    /// When there is no token.
    pub async fn principal(&self) -> Result<Option<String>, oci::Error> {
        let token = self.token(None).await?;
        let claims = oci::claims_of(&token);
        Ok(claims.and_then(|claims| claims["oid"].as_str().map(str::to_owned)))
    }

    /// The token, which is got anew before it ends, or when `refused` was not taken.
    async fn token(&self, refused: Option<&Secret>) -> Result<Secret, oci::Error> {
        let mut kept = self.token.lock().await;
        if let Some((token, until)) = &*kept
            && Instant::now() < *until
            && refused.is_none_or(|refused| refused.expose() != token.expose())
        {
            return Ok(token.clone());
        }
        let token = self.identity.token(&self.wire, &self.audience).await?;
        let until = Instant::now() + usable(token.life.unwrap_or(UNSTATED));
        *kept = Some((token.secret.clone(), until));
        Ok(token.secret)
    }

    fn url(&self, request: &flux_apim_deploy::Request) -> Result<Url, Fault> {
        let mut url = self.wire.registry().clone();
        match &request.place {
            Place::Link(link) => {
                let target = url
                    .join(link)
                    .ok()
                    .filter(|target| self.wire.is_own(target));
                return target.ok_or_else(|| {
                    Fault::Unsent(
                        "the service sends us on to another host, where no token of ours goes"
                            .to_owned(),
                    )
                });
            }
            Place::Below(path) | Place::Group(path) => {
                // /subscriptions/ID/resourceGroups/NAME, and the rest.
                let of = match request.place {
                    Place::Group(_) => 4,
                    _ => usize::MAX,
                };
                let mut segments = url
                    .path_segments_mut()
                    .map_err(|()| Fault::Unsent("the endpoint has no path".to_owned()))?;
                segments.clear();
                let below = path.split('/').filter(|segment| !segment.is_empty());
                segments.extend(
                    self.service
                        .split('/')
                        .filter(|s| !s.is_empty())
                        .take(of)
                        .chain(below),
                );
            }
        }
        url.query_pairs_mut().extend_pairs(&request.query);
        Ok(url)
    }

    async fn send(&self, request: &flux_apim_deploy::Request) -> Result<Answer, Fault> {
        let url = self.url(request)?;
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
            Method::Post => reqwest::Method::POST,
        };
        let attempted = format!("{method} {}", url.path());
        let mut sent = Request::new(attempted, method, url);
        sent.cap = MAX;
        if let Some(etag) = &request.if_match {
            sent.headers.insert(IF_MATCH, header(etag)?);
        }
        if let Some(body) = &request.body {
            sent.headers
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            sent.body = body.0.to_string().into();
        }
        let mut refused = None;
        loop {
            let token = self
                .token(refused.as_ref())
                .await
                .map_err(|error| fault(&error))?;
            let mut authorization = header(&format!("Bearer {}", token.expose()))?;
            authorization.set_sensitive(true);
            sent.headers.insert(AUTHORIZATION, authorization);
            let answer = self
                .wire
                .send(&sent, &ALL)
                .await
                .map_err(|error| fault(&error))?;
            // It may have ended on the way, or have been revoked: once more with a new one.
            if answer.status.as_u16() == 401 && refused.is_none() {
                refused = Some(token);
                continue;
            }
            return read(answer.status.as_u16(), &answer.headers, &answer.body);
        }
    }
}

impl Service for ResourceManager {
    async fn call(&self, request: &flux_apim_deploy::Request) -> Result<Answer, Fault> {
        self.send(request).await
    }

    async fn wait(&self, time: Duration) {
        let mut byte = [0];
        // Without random numbers two writers may meet again; they wait on.
        let _ = getrandom::fill(&mut byte);
        let more = time.mul_f64(f64::from(byte[0]) / 1024.0);
        tokio::time::sleep(time + more).await;
    }
}

/// A full id of a service of API Management, without a slash at its end.
fn checked(service: &str) -> Result<String, Error> {
    let id = service.trim_end_matches('/');
    let parts: Vec<&str> = id.split('/').collect();
    let is = |at: usize, word: &str| {
        parts
            .get(at)
            .is_some_and(|part| part.eq_ignore_ascii_case(word))
    };
    let whole = parts.len() == 9
        && parts[0].is_empty()
        && is(1, "subscriptions")
        && is(3, "resourceGroups")
        && is(5, "providers")
        && is(6, "Microsoft.ApiManagement")
        && is(7, "service");
    let odd = |part: &&&str| {
        part.is_empty() || **part == "." || **part == ".." || part.contains(['?', '#', '%'])
    };
    match whole && parts.iter().skip(1).find(odd).is_none() {
        true => Ok(id.to_owned()),
        false => Err(Error::Service(excerpt(service, 300))),
    }
}

fn header(text: &str) -> Result<HeaderValue, Fault> {
    HeaderValue::from_str(text)
        .map_err(|_| Fault::Unsent("it does not fit into a header of HTTP".to_owned()))
}

/// What a request that got no answer may mean.
fn fault(error: &oci::Error) -> Fault {
    if let oci::Error::Late { .. } = error {
        return Fault::Late(error.to_string());
    }
    match error.is_retryable()
        || matches!(
            error,
            oci::Error::Network { .. } | oci::Error::Silent { .. }
        ) {
        true => Fault::Cut(error.to_string()),
        false => Fault::Unsent(error.to_string()),
    }
}

fn read(status: u16, headers: &HeaderMap, body: &[u8]) -> Result<Answer, Fault> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let well = (200..300).contains(&status);
    let body = match serde_json::from_slice(body) {
        Ok(body) => body,
        Err(_) if body.is_empty() || !well => Json::Null,
        Err(_) => return Err(Fault::Cut(format!("the answer ({status}) is no JSON"))),
    };
    let milliseconds = text("x-ms-retry-after-ms").and_then(|text| text.trim().parse().ok());
    Ok(Answer {
        status,
        etag: text(ETAG.as_str()),
        operation: text("azure-asyncoperation"),
        location: text(LOCATION.as_str()),
        retry_after: milliseconds
            .map(Duration::from_millis)
            .or_else(|| retry_after(headers)),
        body,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str =
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/x";

    fn manager(service: &str, endpoint: Option<&str>) -> Result<ResourceManager, Error> {
        let identity = Identity {
            source: oci::acr::Source::Cli,
            hosts: Vec::new(),
        };
        ResourceManager::new(
            service,
            Cloud::Public,
            endpoint,
            identity,
            Connection::default(),
        )
    }

    fn request(place: Place) -> flux_apim_deploy::Request {
        flux_apim_deploy::Request {
            method: Method::Get,
            place,
            query: vec![("api-version".to_owned(), "2024-05-01".to_owned())],
            if_match: None,
            body: None,
        }
    }

    #[test]
    fn tokens_go_to_azure_and_to_this_machine_alone() {
        for good in [
            "https://management.azure.com",
            "http://127.0.0.1:1",
            "http://localhost:1/",
        ] {
            assert!(manager(SERVICE, Some(good)).is_ok(), "{good}");
        }
        for bad in [
            "http://management.azure.com",
            "x",
            "https://x/y",
            "ftp://127.0.0.1",
        ] {
            assert!(manager(SERVICE, Some(bad)).is_err(), "{bad}");
        }
        let azure = manager(SERVICE, None).unwrap();
        let next = |url: &str| azure.url(&request(Place::Link(url.to_owned())));
        assert!(next("https://management.azure.com:443/x?y=z").is_ok());
        for other in [
            "https://evil.example/",
            "http://management.azure.com/",
            "//evil.example/",
        ] {
            assert!(next(other).is_err(), "{other}");
        }
    }

    #[test]
    fn names_are_encoded() {
        let azure = manager(&format!("{SERVICE}/"), None).unwrap();
        let path = "apis/a;rev=2/operations/get pets?#%2F";
        let url = azure.url(&request(Place::Below(path.to_owned()))).unwrap();
        let expected = format!("{SERVICE}/apis/a;rev=2/operations/get%20pets%3F%23%252F");
        assert_eq!(url.path(), expected);
        assert_eq!(url.query(), Some("api-version=2024-05-01"));
    }

    #[test]
    fn services_have_full_ids() {
        for bad in [
            "x",
            "",
            "/subscriptions/s",
            &SERVICE.replace("/g/", "/../"),
            &SERVICE.replace("service", "other"),
        ] {
            assert!(manager(bad, None).is_err(), "{bad}");
        }
    }
}
