//! `publish`: a source rendered, or a bundle as it is, to a registry.

use super::options::{Common, Rendering, ResultFormat};
use super::registry::{Named, named, signing_key};
use super::{Done, human, pipeline, print, show};
use crate::edge::oci::{Connection, Place};
use crate::edge::policies;
use crate::edge::publish::{self, Artifact, Destination, Pin, Published, TagTemplate};
use crate::edge::sign::Signer;
use crate::edge::source::{self, OpenOptions, SourceRef};
use crate::tree::Limits;
use anyhow::Context;
use clap::Args;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Flags of `publish`.
#[derive(Debug, Args)]
pub(super) struct Publish {
    #[command(flatten)]
    common: Common,
    /// oci://REGISTRY/REPOSITORY[:TAG] or oci-layout:DIR[:TAG].
    #[arg(value_name = "REPO", value_parser = named)]
    to: Named,
    #[command(flatten)]
    rendering: Rendering,
    /// A tag, `latest` unless given. {{revision}}, {{short}} (of the commit),
    /// {{branch}}, {{env}} and {{semver}} (of the Git tag) are filled in.
    #[arg(long, value_name = "TAG")]
    tag: Vec<TagTemplate>,
    /// Sign with this key (cosign.key, PKCS#8 or SEC1). COSIGN_PASSWORD holds
    /// its password.
    #[arg(long, value_name = "FILE", env = "FLUX_APIM_SIGN_KEY")]
    sign_key: Option<PathBuf>,
    /// Attest provenance and contents, signed with the same key.
    #[arg(long, requires = "sign_key")]
    attest: bool,
    /// What the repository of the Bicep module has behind REPO's name; empty
    /// for no module.
    #[arg(long, value_name = "SUFFIX", default_value = "/bicep")]
    bicep_suffix: String,
    /// Write digest and tag into the OCIRepository of this manifest.
    #[arg(long, value_name = "FILE")]
    write_pin: Option<PathBuf>,
    /// How the result is shown.
    #[arg(long, value_enum, default_value = "human")]
    format: ResultFormat,
}

/// What `publish` was given to publish.
enum Given {
    Artifact(Box<Artifact>),
    /// Shown already.
    Nothing(Done),
}

pub(super) fn publish(arguments: &Publish, quiet: bool) -> anyhow::Result<Done> {
    let place = arguments.to.place()?;
    anyhow::ensure!(
        place.digest().is_none(),
        "{place}: a digest names what is there already; give a tag to publish to"
    );
    if let (Some(path), Place::Layout { .. }) = (&arguments.write_pin, place) {
        anyhow::bail!(
            "--write-pin {}: an OCIRepository consumes a registry, not a layout",
            path.display()
        );
    }
    // What can be wrong without a registry is told before anything is made.
    let signer = arguments.sign_key.as_deref().map(signing_key).transpose()?;
    let signer = signer.map(|key| Arc::new(key) as Arc<dyn Signer>);
    let connection = arguments.common.registry.connection()?;
    let suffix = arguments.bicep_suffix.as_str();
    let bicep = (!suffix.is_empty()).then_some(suffix);
    let to = Destination::open(place, &connection, bicep)?;
    let options = publish::Options {
        tags: arguments.tags(place)?,
        signer,
        attest: arguments.attest,
    };
    let artifact = match given(arguments, &connection, quiet)? {
        Given::Artifact(artifact) => artifact,
        Given::Nothing(done) => return Ok(done),
    };
    let published = crate::edge::runtime()?.block_on(publish::publish(&artifact, &to, &options))?;
    let pinned = match &arguments.write_pin {
        Some(path) => Some((path, publish::write_pin(path, &pin(&to, &published))?)),
        None => None,
    };
    for note in &published.notes {
        let _ = writeln!(anstream::stderr(), "note: {note}");
    }
    match arguments.format {
        ResultFormat::Json => print(&format!("{}\n", published.to_json()))?,
        ResultFormat::Human => print(&shown(&published, pinned))?,
    }
    Ok(Done::Well)
}

impl Publish {
    /// The tag of the reference, then those of the flags.
    fn tags(&self, place: &Place) -> Result<Vec<TagTemplate>, publish::Error> {
        let own = place.tag().map(str::parse).transpose()?;
        Ok(own.into_iter().chain(self.tag.iter().cloned()).collect())
    }
}

/// The bundle that is named, or the one that is rendered.
fn given(arguments: &Publish, connection: &Connection, quiet: bool) -> anyhow::Result<Given> {
    let common = &arguments.common;
    let limits = common.limits()?;
    let source: SourceRef = common.source.parse()?;
    if let Some(artifact) = bundle(&source, arguments, connection, &limits)? {
        return Ok(Given::Artifact(Box::new(artifact)));
    }
    let outcome = match pipeline(common, |options| arguments.rendering.set(options))? {
        Ok(outcome) => outcome,
        Err(report) => {
            show(&report, arguments.format.findings(), quiet)?;
            return Ok(Given::Nothing(Done::Refused));
        }
    };
    let Some(bundle) = &outcome.bundle else {
        show(&outcome.report, arguments.format.findings(), quiet)?;
        return Ok(Given::Nothing(Done::Findings));
    };
    if arguments.format == ResultFormat::Human {
        let (report, shown) = super::places::for_people(
            outcome.report.clone(),
            &common.source,
            &outcome.checked,
            quiet,
        );
        human::report(&mut anstream::stderr(), &report, &shown)?;
    }
    Ok(Given::Artifact(Box::new(Artifact::of(bundle))))
}

/// The bundle that `source` is, if it is one: its bytes are kept.
fn bundle(
    source: &SourceRef,
    arguments: &Publish,
    connection: &Connection,
    limits: &Limits,
) -> anyhow::Result<Option<Artifact>> {
    let name = arguments.common.source.as_str();
    let digest = arguments.common.digest;
    let artifact = match source {
        SourceRef::Directory(path) if path.join("bundle.json").is_file() => {
            let options = OpenOptions {
                limits: limits.clone(),
                ..OpenOptions::default()
            };
            let tree = source::open(source, &options)?.tree;
            if !publish::is_bundle(&tree) {
                return Ok(None);
            }
            Artifact::of_folder(&tree, name)?
        }
        SourceRef::Archive(path) => {
            let bytes = archive(path, limits)?;
            let options = OpenOptions {
                digest,
                limits: limits.clone(),
                ..OpenOptions::default()
            };
            // What is wrong with it is told where it is opened as a source.
            match source::unpack(&bytes, "archive", &options) {
                Ok(opened) if publish::is_bundle(&opened.tree) => {
                    Artifact::of_layer(&bytes.into(), name, limits)?
                }
                _ => return Ok(None),
            }
        }
        SourceRef::Layout { .. } | SourceRef::Registry(_) => {
            let place: Place = name.parse()?;
            let from = Destination::target(&place, connection)?;
            let reference = digest.map_or(place.reference(), |digest| digest.to_string());
            let read = publish::read(&*from, &reference, limits);
            match crate::edge::runtime()?.block_on(read) {
                Ok(found) => Artifact::of_layer(&found.layer, &found.what, limits)?,
                Err(publish::Error::NotABundle { .. } | publish::Error::NotThere { .. }) => {
                    return Ok(None);
                }
                Err(error) => return Err(error.into()),
            }
        }
        _ => return Ok(None),
    };
    // A bundle is what it was rendered to be.
    let asked = arguments.rendering.given().or(arguments.common.changes());
    if let Some(flag) = asked {
        anyhow::bail!("{name} is a bundle and published as it is; {flag} is for sources");
    }
    for policy in policies::read(&arguments.common.policies.policy)? {
        publish::held_to(artifact.inventory(), name, &policy.digest())?;
    }
    let rendered_for = artifact.inventory()["environment"].as_str();
    if let Some(asked) = &arguments.common.env
        && rendered_for != Some(asked)
    {
        let rendered_for = rendered_for.unwrap_or("none");
        anyhow::bail!("{name} is a bundle of the environment {rendered_for}, not of {asked}");
    }
    Ok(Some(artifact))
}

fn archive(path: &Path, limits: &Limits) -> anyhow::Result<Vec<u8>> {
    let attempted = || format!("read the archive {}", path.display());
    let file = std::fs::File::open(path).with_context(attempted)?;
    let mut bytes = Vec::new();
    file.take(limits.max_archive_bytes + 1)
        .read_to_end(&mut bytes)
        .with_context(attempted)?;
    Ok(bytes)
}

fn pin(to: &Destination, published: &Published) -> Pin {
    Pin {
        url: to.url.clone(),
        digest: published.digest,
        tag: published.tags.first().cloned(),
    }
}

fn shown(published: &Published, pinned: Option<(&PathBuf, bool)>) -> String {
    let mut text = String::new();
    let mut line = |what: &str, value: &str| text.push_str(&format!("{what:<8}{value}\n"));
    let said = match (published.pushed, published.signed) {
        (true, _) => "published",
        (false, true) => "signature added; the bundle was there already",
        (false, false) => "nothing to do: the bundle was there already",
    };
    line("result", said);
    line("url", &published.url);
    line("tags", &published.tags.join(", "));
    line("layer", &published.layer_digest.to_string());
    if let Some(module) = &published.module {
        line("bicep", &module.to_string());
    }
    if let Some((path, changed)) = pinned {
        let word = if changed { "written" } else { "unchanged" };
        line("pin", &format!("{} ({word})", path.display()));
    }
    text
}
