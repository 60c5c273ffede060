//! `--server`: the same commands, answered by a preview service.

use super::compared::Compared;
use super::options::{Common, RemoteArgs, Render, Rendering, ResultFormat, Validate};
use super::{Done, human, open, places, print, show};
use crate::bundle::OciImage;
use crate::changes::Changes;
use crate::definition;
use crate::diag::{Budget, Report, excerpt};
use crate::edge::output::{self, Output, Pulled};
use crate::edge::secret::Secret;
use crate::edge::source::{self, OpenOptions, Opened};
use crate::rules::REGISTRY;
use crate::tree::{Digest, FileId, SourceTree};
use anyhow::{Context, bail, ensure};
use base64::Engine;
use flate2::{Compression, write::GzEncoder};
use reqwest::blocking::{Client, Response};
use reqwest::header;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::time::Duration;
use url::{Host, Url};

/// How often a service that is busy is asked again.
const ATTEMPTS: u32 = 5;

/// A preview service that does the work (`--server`).
#[derive(Debug)]
pub(super) struct Server {
    base: Url,
    client: Client,
    token: Option<Secret>,
}

impl RemoteArgs {
    /// The service that is asked, if one is.
    pub(super) fn server(&self) -> anyhow::Result<Option<Server>> {
        let Some(text) = &self.server else {
            return Ok(None);
        };
        let mut base = Url::parse(text).with_context(|| format!("--server {text}"))?;
        ensure!(
            matches!(base.scheme(), "http" | "https"),
            "--server {text}: the URL must be http or https"
        );
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let token = match &self.server_token_file {
            None => None,
            Some(file) => {
                let text = std::fs::read_to_string(file);
                let text = text.with_context(|| format!("read {}", file.display()))?;
                Some(Secret::new(text.trim().to_owned()))
            }
        };
        ensure!(
            token.is_none() || base.scheme() == "https" || is_local(&base),
            "--server {text}: a token is not sent over plain HTTP; use https"
        );
        crate::edge::tls::install_provider();
        let mut builder = Client::builder()
            .user_agent(concat!("flux-apim/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(600))
            .redirect(reqwest::redirect::Policy::none());
        if let Some(file) = &self.server_ca {
            let pem = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem);
            for certificate in certificates.with_context(|| format!("read {}", file.display()))? {
                builder = builder.add_root_certificate(certificate);
            }
        }
        let client = builder.build().context("build an HTTP client")?;
        Ok(Some(Server {
            base,
            client,
            token,
        }))
    }
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// What the service answered.
struct Reply {
    status: u16,
    etag: Option<String>,
    body: Vec<u8>,
}

impl Reply {
    fn json(&self) -> anyhow::Result<Json> {
        serde_json::from_slice(&self.body).context("read the answer of the service")
    }

    /// The findings that kept it from doing its work; everything else that it
    /// refuses is an error.
    fn refusal(&self, at: &Url, tree: &SourceTree) -> anyhow::Result<(Report, Done, Json)> {
        let problem: Json = serde_json::from_slice(&self.body).unwrap_or(Json::Null);
        let kind = problem["type"].as_str().unwrap_or("");
        if problem["diagnostics"].is_array() {
            let report = Report::from_json(&problem, tree, REGISTRY).map_err(anyhow::Error::msg)?;
            let done = if kind.ends_with("#findings") {
                Done::Findings
            } else {
                Done::Refused
            };
            return Ok((report, done, problem));
        }
        let detail = problem["detail"].as_str().or(problem["title"].as_str());
        bail!(
            "{at} answered {}: {}",
            self.status,
            excerpt(detail.unwrap_or("no problem document"), 500)
        )
    }
}

impl Server {
    fn post(
        &self,
        path: &str,
        query: &[(&str, String)],
        body: (&str, Vec<u8>),
        accept: &str,
        cap: u64,
    ) -> anyhow::Result<(Url, Reply)> {
        let mut url = self.base.join(path).context("build the URL")?;
        if !query.is_empty() {
            url.query_pairs_mut()
                .extend_pairs(query.iter().map(|(name, value)| (*name, value.as_str())));
        }
        let (media_type, body) = body;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let mut request = self
                .client
                .post(url.clone())
                .header(header::CONTENT_TYPE, media_type)
                .header(header::ACCEPT, accept)
                .body(body.clone());
            if let Some(token) = &self.token {
                request = request.bearer_auth(token.expose());
            }
            let attempted = || format!("ask {}", self.base);
            let response = request
                .send()
                .map_err(reqwest::Error::without_url)
                .with_context(attempted)?;
            let busy = matches!(response.status().as_u16(), 429 | 503);
            if busy && attempt < ATTEMPTS {
                std::thread::sleep(Duration::from_secs(wait(&response)));
                continue;
            }
            let status = response.status().as_u16();
            let etag = response.headers().get(header::ETAG);
            let etag = etag.and_then(|etag| etag.to_str().ok()).map(str::to_owned);
            let mut bytes = Vec::new();
            response
                .take(cap + 1)
                .read_to_end(&mut bytes)
                .with_context(attempted)?;
            ensure!(
                bytes.len() as u64 <= cap,
                "the answer of {} has more than {cap} bytes; raise the cap with --max-archive-bytes",
                self.base
            );
            url.set_query(None);
            let reply = Reply {
                status,
                etag,
                body: bytes,
            };
            return Ok((url, reply));
        }
    }
}

/// Seconds until a busy service may be asked again.
fn wait(response: &Response) -> u64 {
    let value = response.headers().get(header::RETRY_AFTER);
    let seconds = value.and_then(|value| value.to_str().ok()?.parse().ok());
    seconds.unwrap_or(1).clamp(1, 30)
}

/// Caps on documents are the service's own: a lower one here would be ignored.
fn refuse_caps(common: &Common) -> anyhow::Result<()> {
    ensure!(
        common.policies.policy.is_empty(),
        "--policy is for what is rendered here: with --server the service's policies hold; leave it out"
    );
    if let Some(flag) = common.limits.of_documents() {
        bail!(
            "--{flag} is for documents that are read here: with --server the service's caps hold; leave it out"
        );
    }
    Ok(())
}

/// The tree as a `.tar.gz`; the same tree is the same bytes, so that the service
/// knows it again. Of a single document only the files that it refers to go
/// along: what else lies beside it is nobody's business.
fn pack(opened: &Opened, common: &Common) -> anyhow::Result<Vec<u8>> {
    let tree = &opened.tree;
    let chosen: Option<BTreeSet<FileId>> = match opened.only {
        None => None,
        Some(only) => {
            let compiled =
                definition::compile(tree, only, &common.limits()?, &mut Vec::new().into())?;
            let mut files = compiled.map_or_else(BTreeSet::new, |compiled| compiled.used);
            files.insert(only);
            Some(files)
        }
    };
    let encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut builder = tar::Builder::new(encoder);
    for (id, path) in tree.files() {
        if chosen.as_ref().is_some_and(|files| !files.contains(&id)) {
            continue;
        }
        let bytes = tree.read(id)?;
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        builder.append_data(&mut header, path.as_str(), &bytes[..])?;
    }
    Ok(builder.into_inner()?.finish()?)
}

/// Digest of the tar in a bundle whose size was checked.
fn tar_digest(layer: &[u8]) -> std::io::Result<Digest> {
    let mut tar = Vec::new();
    flate2::read::MultiGzDecoder::new(layer).read_to_end(&mut tar)?;
    Ok(Digest::of(&tar))
}

fn query(common: &Common, opened: &Opened) -> Vec<(&'static str, String)> {
    let mut query = Vec::new();
    let only = opened.only.map(|file| opened.tree.path(file).to_string());
    for (name, value) in [
        ("env", &common.env),
        ("config", &common.config.as_deref().map(super::config_path)),
        ("path", &common.path),
        ("only", &only),
    ] {
        if let Some(value) = value {
            query.push((name, value.clone()));
        }
    }
    if common.deny.iter().any(|word| word == "warnings") {
        query.push(("deny", "warnings".to_owned()));
    }
    query
}

/// What was found while the source was opened here.
fn notes(opened: &mut Opened) -> anyhow::Result<Report> {
    let notes = std::mem::take(&mut opened.notes);
    Ok(Report::resolve(
        &notes.into(),
        &opened.tree,
        &BTreeMap::new(),
    )?)
}

const GZIP: &str = "application/gzip";
const JSON: &str = "application/json";

pub(super) fn validate(
    server: &Server,
    arguments: &Validate,
    common: &Common,
) -> anyhow::Result<(Report, Done)> {
    ensure!(
        arguments.baseline.is_none() && arguments.write_baseline.is_none(),
        "--baseline and --write-baseline are for findings that are made here; leave --server out"
    );
    refuse_caps(common)?;
    let mut opened = match open(common, &Budget::new(&common.limits()?))? {
        Ok(opened) => opened,
        Err(report) => return Ok((report, Done::Refused)),
    };
    let own = notes(&mut opened)?;
    let body = (GZIP, pack(&opened, common)?);
    let cap = common.limits()?.max_archive_bytes;
    let mut query = query(common, &opened);
    rendered(&arguments.rendering, &mut query);
    let (url, reply) = server.post("v1/validate", &query, body, JSON, cap)?;
    Ok(if reply.status == 200 {
        let report = Report::from_json(&reply.json()?, &opened.tree, REGISTRY);
        let report = report.map_err(anyhow::Error::msg)?.with(own);
        let done = common.judge(&report);
        (report, done)
    } else {
        let (report, done, _) = reply.refusal(&url, &opened.tree)?;
        (report, done)
    })
}

/// What is asked of rendering.
fn rendered(rendering: &Rendering, query: &mut Vec<(&'static str, String)>) {
    if !rendering.target.is_empty() {
        let targets: Vec<&str> = rendering.target.iter().map(|t| t.as_str()).collect();
        query.push(("target", targets.join(",")));
    }
    for (name, value) in [
        ("service", &rendering.service),
        ("aso_owner", &rendering.aso_owner),
        ("flux_source", &rendering.flux_source),
        ("arm_api_version", &rendering.arm_api_version),
    ] {
        if let Some(value) = value {
            query.push((name, value.clone()));
        }
    }
}

pub(super) fn render(server: &Server, arguments: &Render, quiet: bool) -> anyhow::Result<Done> {
    let common = &arguments.common;
    let output = Output::parse(&arguments.output)?;
    refuse_caps(common)?;
    let mut opened = match open(common, &Budget::new(&common.limits()?))? {
        Ok(opened) => opened,
        Err(report) => {
            show(&report, arguments.format.findings(), quiet)?;
            return Ok(Done::Refused);
        }
    };
    let own = notes(&mut opened)?;
    let mut query = query(common, &opened);
    rendered(&arguments.rendering, &mut query);
    arguments.rendering.set_origin(&mut opened.origin)?;
    let origin = serde_json::to_string(&opened.origin).context("write the origin")?;
    query.push(("origin", origin));
    let limits = common.limits()?;
    let body = (GZIP, pack(&opened, common)?);
    let cap = limits.max_archive_bytes;
    let (url, reply) = server.post("v1/render", &query, body, GZIP, cap)?;
    if reply.status != 200 {
        let (report, done, _) = reply.refusal(&url, &opened.tree)?;
        let report = match done {
            Done::Findings => report.with(own),
            _ => report,
        };
        show(&report, arguments.format.findings(), quiet)?;
        return Ok(done);
    }
    // The digest is the service's word for these very bytes.
    let digest = Digest::of(&reply.body);
    let said = reply.etag.as_deref().unwrap_or("");
    ensure!(
        said.trim_matches('"') == digest.to_string(),
        "{url} says that the bundle is {}, but its bytes are {digest}; nothing was written",
        excerpt(said, 100)
    );
    let unpack = OpenOptions {
        limits,
        ..OpenOptions::default()
    };
    let bundle = source::unpack(&reply.body, "bundle", &unpack)?.tree;
    let document = |path: &str| -> anyhow::Result<Json> {
        let file = bundle.find(path);
        let file = file.with_context(|| format!("the bundle of {url} has no {path}"))?;
        let bytes = bundle.read(file)?;
        serde_json::from_slice(&bytes).with_context(|| format!("read {path}"))
    };
    let inventory = document("bundle.json")?;
    let findings = document("reports/diagnostics.json")?;
    let report =
        Report::from_json(&findings, &opened.tree, REGISTRY).map_err(anyhow::Error::msg)?;
    let written = if let Output::Layout { folder, tag } = &output {
        let tar = tar_digest(&reply.body).context("unpack the bundle")?;
        let image = OciImage::of_layer(reply.body, &tar, &inventory);
        output::write_layout(folder, tag, &image)?
    } else {
        output.write_pulled(&Pulled {
            tree: &bundle,
            archive: &reply.body,
        })?
    };
    if arguments.format == ResultFormat::Json {
        print(&format!("{inventory}\n"))?;
    } else {
        let asked = &arguments.rendering.target;
        let (report, shown) = places::for_people(report.with(own), common, asked, quiet);
        human::report(&mut anstream::stderr(), &report, &shown)?;
        let resources = inventory["resources"].as_array().into_iter().flatten();
        let types = resources.map(|resource| resource["type"].as_str().unwrap_or(""));
        human::bundle(&mut anstream::stdout(), types, bundle.len(), &written)?;
    }
    Ok(Done::Well)
}

pub(super) fn diff(
    server: &Server,
    sides: &[(&'static str, Common); 2],
) -> anyhow::Result<Compared> {
    let mut body = serde_json::Map::new();
    let mut trees = Vec::new();
    for (side, common) in sides {
        refuse_caps(common)?;
        let opened = match open(common, &Budget::new(&common.limits()?))? {
            Ok(opened) => opened,
            Err(report) => {
                return Ok(Compared::Not {
                    side,
                    source: common.source.clone(),
                    report,
                    done: Done::Refused,
                });
            }
        };
        let archive = base64::engine::general_purpose::STANDARD.encode(pack(&opened, common)?);
        let mut source = json!({"archive": archive});
        if let Some(file) = opened.only {
            source["only"] = json!(opened.tree.path(file).as_str());
        }
        body.insert(side.to_lowercase(), source);
        trees.push(opened.tree);
    }
    let (_, common) = &sides[0];
    let mut query = Vec::new();
    for (name, value) in [("env", &common.env), ("path", &common.path)] {
        if let Some(value) = value {
            query.push((name, value.clone()));
        }
    }
    let body = (JSON, Json::Object(body).to_string().into_bytes());
    let cap = common.limits()?.max_archive_bytes;
    let (url, reply) = server.post("v1/diff", &query, body, JSON, cap)?;
    if reply.status == 200 {
        let changes = Changes::from_json(&reply.json()?);
        return Ok(Compared::Changes(changes.map_err(anyhow::Error::msg)?));
    }
    let problem: Json = serde_json::from_slice(&reply.body).unwrap_or(Json::Null);
    let at = usize::from(problem["side"] == "new");
    let (report, done, _) = reply.refusal(&url, &trees[at])?;
    let (side, common) = &sides[at];
    Ok(Compared::Not {
        side,
        source: common.source.clone(),
        report,
        done,
    })
}
