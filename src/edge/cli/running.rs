//! Which bundles run, and since when: what ApimBundles and OCIRepositories of a cluster say.

use crate::edge::controller::api::ApimBundle;
use crate::edge::publish::{Times, digests_in};
use crate::tree::Digest;
use anyhow::Context;
use clap::Args;
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::config::KubeConfigOptions;
use kube::{Api, Client, Config, ResourceExt as _};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::path::Path;

/// Objects in one answer.
const PAGE: u32 = 500;

/// The cluster whose ApimBundles and OCIRepositories say what runs.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ClusterArgs {
    /// The context of the kubeconfig whose cluster is asked; the current one unless given.
    #[arg(long, value_name = "CONTEXT")]
    context: Option<String>,
    /// Ask no cluster: nothing of one consumes this repository.
    #[arg(long, conflicts_with = "context")]
    no_cluster: bool,
}

impl ClusterArgs {
    /// The digests that objects of the cluster name anywhere, in their spec or status: too
    /// many are kept rather than too few. `None` when none is asked, or this machine knows
    /// none.
    pub(super) async fn named(&self) -> anyhow::Result<Option<BTreeSet<Digest>>> {
        let help = "ask which bundles run in the cluster; --context names it, --no-cluster goes \
                    without";
        let Some(client) = self.client(help).await? else {
            return Ok(None);
        };
        let mut found = BTreeSet::new();
        for resource in [bundles(), repositories()] {
            let take = |object: &DynamicObject| digests_in(&object.data.to_string(), &mut found);
            each(&client, &resource, take)
                .await
                .with_context(|| format!("{help}: list {}", resource.plural))?;
        }
        Ok(Some(found))
    }

    /// When ApimBundles published what they name in their status.
    pub(super) async fn times(&self) -> anyhow::Result<Times> {
        let help = "ask when bundles were published; --context names the cluster, --no-cluster \
                    goes without";
        let mut times = Times::default();
        if let Some(client) = self.client(help).await? {
            let resource = bundles();
            each(&client, &resource, |object| {
                times_in(&object.data, &mut times);
            })
            .await
            .with_context(|| format!("{help}: list {}", resource.plural))?;
        }
        Ok(times)
    }

    async fn client(&self, help: &'static str) -> anyhow::Result<Option<Client>> {
        if self.no_cluster || (self.context.is_none() && !is_configured()) {
            return Ok(None);
        }
        crate::edge::tls::install_provider();
        let config = match &self.context {
            None => Config::infer().await.context(help)?,
            Some(_) => {
                let options = KubeConfigOptions {
                    context: self.context.clone(),
                    ..KubeConfigOptions::default()
                };
                Config::from_kubeconfig(&options).await.context(help)?
            }
        };
        Ok(Some(Client::try_from(config).context(help)?))
    }
}

fn bundles() -> ApiResource {
    ApiResource::erase::<ApimBundle>(&())
}

fn repositories() -> ApiResource {
    ApiResource {
        group: "source.toolkit.fluxcd.io".to_owned(),
        version: "v1".to_owned(),
        api_version: "source.toolkit.fluxcd.io/v1".to_owned(),
        kind: "OCIRepository".to_owned(),
        plural: "ocirepositories".to_owned(),
    }
}

/// The times in the status of an ApimBundle: of what is published, and of what was.
fn times_in(object: &Json, times: &mut Times) {
    let status = &object["status"];
    let published = &status["published"];
    let before = status["history"].as_array();
    let now = ["digest", "layerDigest"].map(|name| (&published[name], &published["time"]));
    let before = before.into_iter().flatten();
    let before = before.map(|entry| (&entry["layerDigest"], &entry["firstPublished"]));
    for (digest, time) in now.into_iter().chain(before) {
        let digest = digest.as_str().and_then(|digest| digest.parse().ok());
        if let (Some(digest), Some(time)) = (digest, time.as_str()) {
            times.add(digest, time);
        }
    }
}

/// Whether something says where a cluster is, be it right or wrong.
fn is_configured() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let home = std::env::var_os("HOME");
    let usual = home.is_some_and(|home| Path::new(&home).join(".kube/config").exists());
    usual || set("KUBECONFIG") || set("KUBERNETES_SERVICE_HOST")
}

/// Calls `take` with each object of the kind, in any namespace.
async fn each(
    client: &Client,
    resource: &ApiResource,
    mut take: impl FnMut(&DynamicObject),
) -> anyhow::Result<()> {
    let api = Api::<DynamicObject>::all_with(client.clone(), resource);
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let list = match api.list(&page).await {
            Ok(list) => list,
            // A cluster without the definition has no such objects.
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        for object in &list {
            tracing::debug!(kind = resource.kind, name = object.name_any(), "read");
            take(object);
        }
        match list.metadata.continue_.filter(|next| !next.is_empty()) {
            Some(next) => page = page.continue_token(&next),
            None => return Ok(()),
        }
    }
}
