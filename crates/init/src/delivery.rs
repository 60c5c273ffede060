//! The chain in a cluster: Flux fetches the repository, the controller of flux-apim renders,
//! signs and publishes, Flux verifies and applies.

use crate::quote::{label, scalar};
use crate::workflow::host;
use crate::{Environment, File, Look, Repository};
use flux_apim_diag::tree::join;
use std::fmt;

/// What the chain needs to know beside the tree.
#[derive(Debug, Clone)]
pub struct Chain {
    /// Where Flux fetches the repository.
    url: String,
    /// The repository of an OCI registry that bundles are published to, without `oci://`.
    registry: String,
    /// What the objects are called.
    name: String,
}

/// The URL of a remote, as Flux takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// `https://` or `ssh://`.
    pub url: String,
    host: String,
    path: String,
}

/// Why there is no chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoChain {
    /// The remote is none that Flux could fetch.
    Remote(String),
    /// No registry is known for the forge of the remote.
    Registry(String),
    /// The registry is none.
    Malformed(String),
}

impl fmt::Display for NoChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote(url) => write!(
                f,
                "Flux fetches https:// and ssh:// only, and the remote `origin` is `{url}`"
            ),
            Self::Registry(host) => write!(
                f,
                "no registry is known that belongs to {host}; name one with --registry \
                 oci://HOST/REPOSITORY"
            ),
            Self::Malformed(registry) => write!(
                f,
                "--registry `{registry}` is no oci://HOST/REPOSITORY without tag"
            ),
        }
    }
}

impl Remote {
    /// Reads what Git says of a remote; credentials must be gone from it.
    ///
    /// # Errors
    /// When Flux cannot fetch from there.
    pub fn parse(url: &str) -> Result<Self, NoChain> {
        let other = || NoChain::Remote(flux_apim_diag::excerpt(url, 200));
        let host = host(url).to_owned();
        let url = match url.split_once("://") {
            Some(("https" | "ssh", _)) => url.to_owned(),
            // git@github.com:owner/repository
            None if url.contains('@') => {
                let (server, path) = url.split_once(':').ok_or_else(other)?;
                format!("ssh://{server}/{}", path.trim_start_matches('/'))
            }
            _ => return Err(other()),
        };
        let path = url
            .splitn(4, '/')
            .nth(3)
            .map(|path| path.trim_end_matches('/').trim_end_matches(".git"));
        let path = path.filter(|path| !path.is_empty()).ok_or_else(other)?;
        let odd = |c: char| c.is_whitespace() || c.is_control();
        if host.is_empty() || url.contains(odd) {
            return Err(other());
        }
        Ok(Self {
            path: path.to_owned(),
            host,
            url,
        })
    }

    /// The repository's own place in the registry of its forge.
    fn registry(&self) -> Option<String> {
        let path = self.path.to_ascii_lowercase();
        match self.host.as_str() {
            "github.com" => Some(format!("ghcr.io/{path}/apim")),
            "gitlab.com" => Some(format!("registry.gitlab.com/{path}/apim")),
            _ => None,
        }
    }
}

impl Chain {
    /// The chain of the repository at `remote`, through `registry` (`oci://...`), else the
    /// registry that belongs to its forge.
    ///
    /// # Errors
    /// When there is none, or it is no repository.
    pub fn new(remote: &Remote, registry: Option<&str>) -> Result<Self, NoChain> {
        let registry = match registry {
            Some(registry) => {
                let bad = || NoChain::Malformed(flux_apim_diag::excerpt(registry, 200));
                let name = registry.strip_prefix("oci://").ok_or_else(bad)?;
                let name = name.trim_end_matches('/');
                let is_good = is_repository(name);
                is_good.then(|| name.to_owned()).ok_or_else(bad)?
            }
            None => remote
                .registry()
                .filter(|name| is_repository(name))
                .ok_or_else(|| NoChain::Registry(remote.host.clone()))?,
        };
        Ok(Self {
            name: label(remote.path.rsplit('/').next().unwrap_or("apim")),
            url: remote.url.clone(),
            registry,
        })
    }
}

/// Whether `name` is a host and a path without tag, in characters that registries take.
fn is_repository(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._/-:".contains(c);
    let path = name.split_once('/').map_or("", |(_, path)| path);
    !path.is_empty() && !path.contains(':') && name.chars().all(plain)
}

/// The manifests, a folder for each environment, and what to do with them.
pub(crate) fn files(
    chain: &Chain,
    look: &Look,
    repository: &Repository,
) -> (Vec<File>, Vec<String>) {
    let mut files = Vec::new();
    let mut next = Vec::new();
    let each: Vec<Option<&Environment>> = match look.environments.as_slice() {
        [] => vec![None],
        all => all.iter().map(Some).collect(),
    };
    for environment in each {
        let env = environment.map(|environment| environment.name.as_str());
        let folder = join("flux-apim", env.unwrap_or("all"));
        let service = environment
            .and_then(|environment| environment.service.as_deref())
            .or(look.service.as_deref());
        let one = One {
            chain,
            env,
            service,
            // The folder of the source, where it is not the whole repository.
            path: &repository.source,
            branch: &repository.branch,
        };
        for (name, text) in [
            ("kustomization.yaml", KUSTOMIZATION.to_owned()),
            ("namespace.yaml", NAMESPACE.to_owned()),
            ("source.yaml", one.source()),
            ("bundle.yaml", one.bundle()),
            ("delivery.yaml", one.delivery()),
        ] {
            files.push(File {
                path: join(&folder, name),
                text,
                adds: false,
            });
        }
        next.push(format!(
            "{folder}/kustomization.yaml says which secrets the cluster needs; then `kubectl \
             apply -k {folder}`"
        ));
    }
    (files, next)
}

const NAMESPACE: &str = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: apim\n";

const KUSTOMIZATION: &str = "\
# Git -> bundle -> signed OCI artifact -> verified by Flux -> Azure Service Operator objects.
# The cluster has Flux, Azure Service Operator and the controller of flux-apim. Before this is
# applied, make the secrets, after `flux-apim keygen`:
#
#   kubectl create namespace apim
#   kubectl -n apim create secret generic cosign-key \\
#     --from-file=cosign.key --from-literal=cosign.password=...
#   kubectl -n apim create secret generic cosign-pub --from-file=cosign.pub
#   kubectl -n apim create secret docker-registry registry --docker-server=... \\
#     --docker-username=... --docker-password=...
#
# and, where the repository is not public, one for Git, named in source.yaml.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: apim
resources:
  - namespace.yaml
  - source.yaml
  - bundle.yaml
  - delivery.yaml
";

/// The manifests of one environment.
struct One<'a> {
    chain: &'a Chain,
    env: Option<&'a str>,
    service: Option<&'a str>,
    path: &'a str,
    branch: &'a str,
}

impl One<'_> {
    /// What its objects are called.
    fn name(&self) -> String {
        match self.env {
            Some(env) => label(&format!("{env}-{}", self.chain.name)),
            None => self.chain.name.clone(),
        }
    }

    /// Each environment has a repository of its own: no tag of one stands for another.
    fn registry(&self) -> String {
        match self.env {
            Some(env) => format!("oci://{}/{}", self.chain.registry, label(env)),
            None => format!("oci://{}", self.chain.registry),
        }
    }

    fn source(&self) -> String {
        format!(
            "# What Flux fetches. `secretRef` for a repository that is not public.\n\
             apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\n\
             metadata:\n  name: {}\nspec:\n  interval: 1m\n  url: {}\n  ref:\n    branch: {}\n",
            self.name(),
            scalar(&self.chain.url),
            scalar(self.branch)
        )
    }

    fn bundle(&self) -> String {
        let name = self.name();
        let mut out = format!(
            "# What is rendered of it, and where it goes, signed.\n\
             apiVersion: flux-apim.dev/v1alpha1\nkind: ApimBundle\n\
             metadata:\n  name: {name}\nspec:\n  interval: 10m\n\
             \x20 sourceRef:\n    kind: GitRepository\n    name: {name}\n"
        );
        if !self.path.is_empty() {
            out.push_str(&format!("  path: {}\n", scalar(self.path)));
        }
        if let Some(env) = self.env {
            out.push_str(&format!("  environment: {}\n", scalar(env)));
        }
        match self.service {
            Some(service) => out.push_str(&format!(
                "  service:\n    name: {}\n    # The Service object of Azure Service Operator.\n\
                 \x20   asoOwner: {}\n",
                scalar(service),
                scalar(&label(service))
            )),
            None => out.push_str(
                "  # No file names the service: give its name, and its Service object of Azure\n\
                 \x20 # Service Operator.\n  # service:\n  #   name: NAME\n  #   asoOwner: NAME\n",
            ),
        }
        out.push_str(&format!(
            "  publish:\n    oci:\n      url: {}\n      secretRef:\n        name: registry\n\
             \x20     sign:\n        secretRef:\n          name: cosign-key\n",
            scalar(&self.registry())
        ));
        out
    }

    fn delivery(&self) -> String {
        let name = self.name();
        format!(
            "# Flux believes nothing that was not signed with the key.\n\
             apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\n\
             metadata:\n  name: {name}-bundle\nspec:\n  interval: 1m\n  url: {}\n\
             \x20 ref:\n    tag: latest\n  secretRef:\n    name: registry\n\
             \x20 verify:\n    provider: cosign\n    secretRef:\n      name: cosign-pub\n\
             ---\n\
             apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n\
             metadata:\n  name: {name}-bundle\nspec:\n  interval: 10m\n  path: ./aso\n\
             \x20 prune: true\n  targetNamespace: apim\n\
             \x20 sourceRef:\n    kind: OCIRepository\n    name: {name}-bundle\n",
            scalar(&self.registry())
        )
    }
}
