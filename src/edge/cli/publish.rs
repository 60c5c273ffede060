//! `publish`: a source rendered, or a bundle as it is, to a registry.

use super::options::{Common, Rendering, ResultFormat};
use super::progress::Progress;
use super::registry::{ModuleArgs, Named, PinArgs, named};
use super::trust::KeylessArgs;
use super::{Done, human, note, pipeline, print, show};
use crate::edge::oci::{Connection, Descriptor, Place};
use crate::edge::policies;
use crate::edge::publish::{
    self, Artifact, Destination, Filling, Published, SignatureFormat, TagTemplate,
};
use crate::edge::source::{self, OpenOptions, SourceRef};
use crate::tree::Limits;
use anyhow::Context;
use clap::{Args, ValueEnum};
use std::io::Read;
use std::path::{Path, PathBuf};

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
    /// A tag; `latest` and, where there is a revision, {{short}} unless given.
    /// {{revision}}, {{short}} (of the commit), {{branch}}, {{env}} and {{semver}} (of the
    /// Git tag) are filled in.
    #[arg(long, value_name = "TAG")]
    tag: Vec<TagTemplate>,
    /// Take a tree with changes that no commit has for the commit: {{short}} without
    /// `-dirty`, `latest` moves, --attest is done.
    #[arg(long)]
    allow_dirty: bool,
    /// Sign with this key: a file (cosign.key, PKCS#8 or SEC1; COSIGN_PASSWORD holds its
    /// password), or azurekms://VAULT/KEY[/VERSION] in an Azure Key Vault.
    #[arg(long, value_name = "KEY", env = "FLUX_APIM_SIGN_KEY")]
    sign_key: Option<PathBuf>,
    /// What signatures look like: Sigstore's bundle, cosign's first format, or both. Unless
    /// given, what is not signed yet gets both, and a bundle that is signed in Sigstore's
    /// format stays so; --keyless has Sigstore's alone.
    #[arg(long, value_enum, value_name = "FORMAT")]
    signature_format: Option<Format>,
    /// Attest provenance and contents, signed by the same.
    #[arg(long)]
    attest: bool,
    #[command(flatten)]
    keyless: KeylessArgs,
    #[command(flatten)]
    module: ModuleArgs,
    #[command(flatten)]
    pin: PinArgs,
    /// Say what would be done; nothing is written.
    #[arg(long)]
    dry_run: bool,
    /// How the result is shown.
    #[arg(long, value_enum, default_value = "human")]
    format: ResultFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Sigstore,
    Legacy,
    Both,
}

/// A bundle that is published.
struct Bundle {
    artifact: Artifact,
    /// Where it is already, with what is said about it.
    from: Option<(Destination, Descriptor)>,
}

/// What `publish` was given to publish.
enum Given {
    Bundle(Box<Bundle>),
    /// Shown already.
    Nothing(Done),
}

pub(super) fn publish(arguments: &Publish, quiet: bool) -> anyhow::Result<Done> {
    let place = arguments.to.place()?;
    anyhow::ensure!(
        place.digest().is_none(),
        "{place}: a digest names what is there already; give a tag to publish to"
    );
    // What can be wrong without a registry is told before anything is made.
    let registry = &arguments.common.registry;
    let signer = arguments.sign_key.as_deref();
    let signer = signer.map(|key| registry.signer(key)).transpose()?;
    let connection = registry.connection()?;
    let signer = match signer {
        Some(signer) => Some(signer),
        None => arguments.keyless.signer(&connection)?,
    };
    let format = arguments.signatures()?;
    let to = Destination::open(place, &connection, arguments.module.suffix(place))?;
    arguments.pin.check(&to, place)?;
    let given = match given(arguments, &connection, quiet)? {
        Given::Bundle(bundle) => *bundle,
        Given::Nothing(done) => return Ok(done),
    };
    let artifact = given.artifact;
    let mut options = publish::Options {
        tags: arguments.tags(place, &artifact)?,
        filling: Filling {
            branch: super::ci::branch(),
            allow_dirty: arguments.allow_dirty,
        },
        signer,
        format,
        attest: arguments.attest,
        subject: None,
        dry_run: arguments.dry_run,
    };
    let runtime = crate::edge::runtime()?;
    if artifact.inventory()["source"]["revision"].is_null()
        && let Some(trouble) = arguments.common.git_trouble()
        && arguments.attest
    {
        anyhow::bail!("--attest: provenance needs the commit; {trouble}");
    }
    let mut promoted = false;
    if let Some((from, what)) = given.from {
        if !arguments.dry_run {
            let copying = publish::copy_all(&*from.target, &*to.target, &what);
            runtime.block_on(copying)?;
        }
        promoted = true;
        options.subject = Some(what);
    }
    let progress = Progress::start("publishing", quiet);
    let publishing = runtime.block_on(publish::publish(&artifact, &to, &options));
    drop(progress);
    let published = publishing.map_err(|error| match &error {
        publish::Error::Tag { .. } => match arguments.common.git_trouble() {
            Some(trouble) => anyhow::anyhow!("{error}; {trouble}"),
            None => error.into(),
        },
        _ => error.into(),
    })?;
    let (digest, tag) = (published.digest, published.tags.first());
    let pinned = arguments.pin.write(&to, digest, tag, arguments.dry_run)?;
    for text in &published.notes {
        note(text, quiet);
    }
    match arguments.format {
        ResultFormat::Json => print(&format!("{}\n", published.to_json()))?,
        ResultFormat::Human => print(&shown(&published, pinned, promoted, arguments.dry_run))?,
    }
    Ok(Done::Well)
}

impl Publish {
    /// In which formats is signed; nothing where that is left to what is there.
    fn signatures(&self) -> anyhow::Result<Option<SignatureFormat>> {
        let given = self.signature_format.map(|format| match format {
            Format::Sigstore => SignatureFormat::Sigstore,
            Format::Legacy => SignatureFormat::Legacy,
            Format::Both => SignatureFormat::Both,
        });
        anyhow::ensure!(
            !self.keyless.keyless || given.is_none_or(|f| f == SignatureFormat::Sigstore),
            "--signature-format: an identity signs Sigstore bundles alone, which cosign 3 and Flux \
             from 2.8 on read; leave it out with --keyless"
        );
        Ok(given)
    }

    /// The tag of the reference, then those of the flags; without any `latest`, and one
    /// that stays where it is, to go back to.
    fn tags(&self, place: &Place, artifact: &Artifact) -> Result<Vec<TagTemplate>, publish::Error> {
        let own = place.tag().map(str::parse).transpose()?;
        let given: Vec<TagTemplate> = own.into_iter().chain(self.tag.iter().cloned()).collect();
        if !given.is_empty() {
            return Ok(given);
        }
        let revised = artifact.inventory()["source"]["revision"].is_string();
        let usual = ["latest", "{{short}}"].into_iter();
        usual
            .take(if revised { 2 } else { 1 })
            .map(str::parse)
            .collect()
    }
}

/// The bundle that is named, or the one that is rendered.
fn given(arguments: &Publish, connection: &Connection, quiet: bool) -> anyhow::Result<Given> {
    let common = &arguments.common;
    let limits = common.limits()?;
    let source: SourceRef = common.source.parse()?;
    if let Some(bundle) = bundle(&source, arguments, connection, &limits)? {
        return Ok(Given::Bundle(Box::new(bundle)));
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
        let (report, shown) =
            super::places::for_people(outcome.report.clone(), common, &outcome.asked, quiet);
        human::report(&mut anstream::stderr(), &report, &shown)?;
    }
    Ok(Given::Bundle(Box::new(Bundle {
        artifact: Artifact::of(bundle),
        from: None,
    })))
}

/// The bundle that `source` is, if it is one: its bytes are kept.
fn bundle(
    source: &SourceRef,
    arguments: &Publish,
    connection: &Connection,
    limits: &Limits,
) -> anyhow::Result<Option<Bundle>> {
    let name = arguments.common.source.as_str();
    let digest = arguments.common.digest;
    let mut there = None;
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
            let from = Destination::open(&place, connection, None)?;
            let reference = digest.map_or(place.reference(), |digest| digest.to_string());
            let read = publish::read(&*from.target, &reference, limits);
            match crate::edge::runtime()?.block_on(read) {
                Ok(found) => {
                    let artifact = Artifact::of_layer(&found.layer, &found.what, limits)?;
                    there = Some((from, found.descriptor));
                    artifact
                }
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
    Ok(Some(Bundle {
        artifact,
        from: there,
    }))
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

fn shown(
    published: &Published,
    pinned: Option<(&Path, bool)>,
    promoted: bool,
    dry_run: bool,
) -> String {
    let mut text = String::new();
    let mut line = |what: &str, value: &str| text.push_str(&format!("{what:<8}{value}\n"));
    let said = match (published.pushed, published.signed) {
        (true, _) if dry_run => "would be published (dry run: nothing was written)",
        (false, true) if dry_run => "would be signed, if it is not (dry run: nothing was written)",
        (true, _) if promoted => "published, with its signatures",
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
