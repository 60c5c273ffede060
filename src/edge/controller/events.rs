//! Events: to Kubernetes on the ApimBundle, and to notification-controller on
//! an object that its alerts can select, the ExternalArtifact or the source.

use super::answer::answered;
use super::api::{ApimBundle, GROUP, KIND, SourceKind};
use super::source_name::SourceName;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ObjectMeta, PostParams};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::mpsc;

/// Name of the controller in events and field managers.
pub(super) const CONTROLLER: &str = "flux-apim-controller";
/// Annotations with this prefix go along with every event.
const METADATA: &str = "event.toolkit.fluxcd.io/";
const SOURCE_GROUP: &str = "source.toolkit.fluxcd.io";
/// notification-controller takes no longer messages.
const MAX_MESSAGE: usize = 39_000;
/// Events that wait to be sent; more are dropped, with a warning.
const QUEUE: usize = 1000;
const ATTEMPTS: u32 = 4;

/// Whether something went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Info,
    Error,
}

/// What happened to an ApimBundle.
#[derive(Debug, Clone)]
pub(super) struct Happened {
    pub(super) level: Level,
    pub(super) reason: &'static str,
    pub(super) message: String,
    /// Revision of the ExternalArtifact.
    pub(super) revision: Option<String>,
    /// Revision of the source.
    pub(super) origin_revision: Option<String>,
    pub(super) digest: Option<String>,
}

/// Sends events without making a reconciliation wait. Each of those who get them
/// has a queue: one that is slow does not hold back the other.
#[derive(Debug, Clone)]
pub(super) struct Events {
    events: mpsc::Sender<Box<Event>>,
    /// None without notification-controller.
    notifications: Option<mpsc::Sender<Json>>,
    instance: String,
}

impl Events {
    /// Starts sending. `address` is notification-controller's. What comes beside
    /// ends when everything is sent and no clone is left.
    pub(super) fn start(
        client: kube::Client,
        address: Option<url::Url>,
        instance: &str,
    ) -> (Self, impl Future<Output = ()> + use<>) {
        let (events, mut outgoing) = mpsc::channel::<Box<Event>>(QUEUE);
        let mut sending = vec![tokio::spawn(async move {
            while let Some(event) = outgoing.recv().await {
                record(&client, &event).await;
            }
        })];
        let mut notifications = None;
        if let Some((http, address)) = address.and_then(|a| Some((http_client()?, a))) {
            let (queue, mut outgoing) = mpsc::channel::<Json>(QUEUE);
            notifications = Some(queue);
            sending.push(tokio::spawn(async move {
                while let Some(notification) = outgoing.recv().await {
                    notify(&http, &address, &notification).await;
                }
            }));
        }
        let events = Self {
            events,
            notifications,
            instance: instance.to_owned(),
        };
        let sent = async {
            futures_util::future::join_all(sending).await;
        };
        (events, sent)
    }

    pub(super) fn emit(&self, bundle: &ApimBundle, source: &SourceName, happened: &Happened) {
        let mut event = Box::new(event(bundle, happened));
        event.reporting_instance = Some(self.instance.clone());
        let mut dropped = self.events.try_send(event).is_err();
        if let Some(notifications) = &self.notifications {
            let mut notification = notification(bundle, source, happened);
            notification["reportingInstance"] = json!(self.instance);
            dropped |= notifications.try_send(notification).is_err();
        }
        if dropped {
            tracing::warn!(
                reason = happened.reason,
                "an event was dropped: too many wait to be sent"
            );
        }
    }
}

fn http_client() -> Option<reqwest::Client> {
    crate::edge::tls::install_provider();
    let client = reqwest::Client::builder()
        .user_agent(concat!("flux-apim/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(5))
        .build();
    client
        .inspect_err(|error| tracing::error!(%error, "cannot send events"))
        .ok()
}

async fn record(client: &kube::Client, event: &Event) {
    let namespace = event.metadata.namespace.as_deref().unwrap_or_default();
    let api: Api<Event> = Api::namespaced(client.clone(), namespace);
    if let Err(error) = api.create(&PostParams::default(), event).await {
        tracing::warn!(error = %answered(&error), "cannot record an event");
    }
}

async fn notify(http: &reqwest::Client, address: &url::Url, notification: &Json) {
    for attempt in 1..=ATTEMPTS {
        let failure = match http
            .post(address.clone())
            .header("content-type", "application/json")
            .body(notification.to_string())
            .send()
            .await
        {
            // 429: notification-controller has this event already.
            Ok(response) if response.status().is_success() || response.status() == 429 => return,
            Ok(response) => format!("it answered {}", response.status()),
            Err(error) => error.without_url().to_string(),
        };
        if attempt == ATTEMPTS {
            tracing::warn!(error = failure, %address, "notification-controller did not take an event");
            return;
        }
        tokio::time::sleep(Duration::from_millis(250 << attempt)).await;
    }
}

fn event(bundle: &ApimBundle, happened: &Happened) -> Event {
    let now = Timestamp::now();
    let mut annotations = BTreeMap::new();
    if let Some(revision) = &happened.origin_revision {
        annotations.insert(format!("{GROUP}/revision"), revision.clone());
    }
    Event {
        metadata: ObjectMeta {
            name: Some(format!("{}.{:x}", bundle.name(), now.as_nanosecond())),
            namespace: Some(bundle.namespace().to_owned()),
            annotations: (!annotations.is_empty()).then_some(annotations),
            ..ObjectMeta::default()
        },
        involved_object: ObjectReference {
            api_version: Some(format!("{GROUP}/v1alpha1")),
            kind: Some(KIND.to_owned()),
            name: Some(bundle.name().to_owned()),
            namespace: Some(bundle.namespace().to_owned()),
            resource_version: bundle.metadata.resource_version.clone(),
            uid: bundle.metadata.uid.clone(),
            field_path: None,
        },
        type_: Some(match happened.level {
            Level::Info => "Normal".to_owned(),
            Level::Error => "Warning".to_owned(),
        }),
        reason: Some(happened.reason.to_owned()),
        message: Some(crate::diag::excerpt(&happened.message, 1000)),
        source: Some(EventSource {
            component: Some(CONTROLLER.to_owned()),
            host: None,
        }),
        first_timestamp: Some(Time(now)),
        last_timestamp: Some(Time(now)),
        count: Some(1),
        reporting_component: Some(CONTROLLER.to_owned()),
        ..Event::default()
    }
}

/// The event in the format of notification-controller. It keeps metadata only
/// under the group of the object that is involved.
fn notification(bundle: &ApimBundle, source: &SourceName, happened: &Happened) -> Json {
    let ours = bundle.spec.publish.external_artifact;
    let (kind, namespace, name) = if ours {
        (
            SourceKind::ExternalArtifact,
            bundle.namespace(),
            bundle.name(),
        )
    } else {
        (source.kind, source.namespace.as_str(), source.name.as_str())
    };
    let origin = happened.origin_revision.as_deref();
    let revision = if ours {
        happened.revision.as_deref().or(origin)
    } else {
        origin
    };
    let mut metadata = BTreeMap::new();
    let mut known = |key: &str, value: Option<&str>| {
        if let Some(value) = value {
            metadata.insert(format!("{SOURCE_GROUP}/{key}"), value.to_owned());
        }
    };
    known("revision", revision);
    known("originRevision", origin);
    known("digest", happened.digest.as_deref());
    let annotations = bundle.metadata.annotations.iter().flatten();
    for (key, value) in annotations.filter(|(key, _)| key.starts_with(METADATA)) {
        metadata.insert(key.clone(), value.clone());
    }
    json!({
        "involvedObject": {
            "apiVersion": kind.resource().api_version,
            "kind": kind.as_str(),
            "namespace": namespace,
            "name": name,
        },
        "severity": match happened.level { Level::Info => "info", Level::Error => "error" },
        "timestamp": Timestamp::now().to_string(),
        "message": crate::diag::excerpt(
            &format!("{KIND}/{}/{}: {}", bundle.namespace(), bundle.name(), happened.message),
            MAX_MESSAGE,
        ),
        "reason": happened.reason,
        "metadata": metadata,
        "reportingController": CONTROLLER,
        "reportingInstance": "",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(publish: &Json) -> ApimBundle {
        serde_json::from_value(json!({
            "apiVersion": "flux-apim.dev/v1alpha1", "kind": "ApimBundle",
            "metadata": {
                "name": "contoso", "namespace": "apis",
                "annotations": {"event.toolkit.fluxcd.io/change_request": "7", "other": "x"},
            },
            "spec": {
                "interval": "1m", "publish": publish,
                "sourceRef": {"kind": "GitRepository", "name": "contoso-apis"},
            },
        }))
        .unwrap()
    }

    fn happened() -> Happened {
        Happened {
            level: Level::Error,
            reason: "ValidationFailed",
            message: "APIM3001 apis/a/policy.xml:3:5: unclosed".into(),
            revision: Some("latest@sha256:aa".into()),
            origin_revision: Some("main@sha1:bb".into()),
            digest: None,
        }
    }

    #[test]
    fn notifications_name_what_alerts_can_select() {
        for (publish, kind, name, revision) in [
            (
                json!({"externalArtifact": true}),
                "ExternalArtifact",
                "contoso",
                "latest@sha256:aa",
            ),
            (
                json!({"oci": {"url": "oci://r/x"}}),
                "GitRepository",
                "contoso-apis",
                "main@sha1:bb",
            ),
        ] {
            let bundle = bundle(&publish);
            let sent = notification(&bundle, &SourceName::of(&bundle), &happened());
            assert_eq!(sent["involvedObject"]["kind"], kind);
            assert_eq!(sent["involvedObject"]["name"], name);
            assert_eq!(sent["severity"], "error");
            let metadata = sent["metadata"].as_object().unwrap();
            assert_eq!(metadata["source.toolkit.fluxcd.io/revision"], revision);
            assert_eq!(
                metadata["source.toolkit.fluxcd.io/originRevision"],
                "main@sha1:bb"
            );
            assert_eq!(metadata["event.toolkit.fluxcd.io/change_request"], "7");
            assert_eq!(metadata.len(), 3);
        }
    }
}
