//! `copy`: a bundle to another place as it is.

use super::options::{LimitFlags, ResultFormat};
use super::progress::Progress;
use super::registry::{ModuleArgs, Named, PinArgs, RegistryArgs, named};
use super::trust::TrustArgs;
use super::{Done, note, print};
use crate::edge::publish::{self, Copied, CopyOptions, Destination};
use crate::tree::Digest;
use clap::Args;
use std::path::PathBuf;

/// Flags of `copy`.
#[derive(Debug, Args)]
pub(super) struct Copy {
    /// oci://REGISTRY/REPOSITORY[:TAG][@sha256:DIGEST] or oci-layout:DIR[:TAG].
    #[arg(value_name = "SRC", value_parser = named)]
    from: Named,
    /// oci://REGISTRY/REPOSITORY[:TAG] or oci-layout:DIR[:TAG]; the tag of SRC unless it
    /// has one.
    #[arg(value_name = "DST", value_parser = named)]
    to: Named,
    /// A further tag.
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Nothing is written unless this key (cosign.pub, or azurekms://VAULT/KEY) signed it.
    #[arg(long, value_name = "KEY", env = "FLUX_APIM_REQUIRE_SIGNATURE")]
    require_signature: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
    /// It must have been held to the operator's policy of this digest (`sha256:...`).
    #[arg(long, value_name = "DIGEST")]
    require_policy: Vec<Digest>,
    /// It must be of this environment.
    #[arg(long, visible_alias = "env", value_name = "ENV")]
    environment: Option<String>,
    #[command(flatten)]
    pin: PinArgs,
    #[command(flatten)]
    module: ModuleArgs,
    /// Say what would be done; nothing is written.
    #[arg(long)]
    dry_run: bool,
    /// How the result is shown.
    #[arg(long, value_enum, default_value = "human")]
    format: ResultFormat,
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    limits: LimitFlags,
}

pub(super) fn copy(arguments: &Copy, quiet: bool) -> anyhow::Result<Done> {
    let (source, target) = (arguments.from.place()?, arguments.to.place()?);
    anyhow::ensure!(
        target.digest().is_none(),
        "{target}: a digest names what is there already; give a tag to copy to"
    );
    let connection = arguments.registry.connection()?;
    let from = Destination::open(source, &connection, arguments.module.suffix(source))?;
    let to = Destination::open(target, &connection, arguments.module.suffix(target))?;
    arguments.pin.check(&to, target)?;
    let policy = arguments.trust.policy(
        arguments.require_signature.as_deref(),
        &arguments.require_policy,
        &arguments.registry,
    )?;
    let reference = source.reference();
    let named = target.tag().or(source.tag());
    let by_digest = source.digest().is_some();
    // What was named by neither is what its own default names.
    let own = named.map_or_else(
        || (!by_digest).then(|| reference.clone()),
        |tag| Some(tag.to_owned()),
    );
    let mut tags: Vec<String> = Vec::new();
    for tag in own.into_iter().chain(arguments.tag.iter().cloned()) {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    let options = CopyOptions {
        tags,
        environment: arguments.environment.clone(),
        policy,
        dry_run: arguments.dry_run,
    };
    let limits = arguments.limits.limits()?;
    let copying = publish::copy(&from, &reference, &to, &options, &limits);
    let progress = Progress::start("copying", quiet);
    let copied = crate::edge::runtime()?.block_on(copying);
    drop(progress);
    let copied = copied?;
    for text in &copied.notes {
        note(text, quiet);
    }
    let (digest, tag) = (copied.descriptor.digest, copied.tags.first());
    arguments.pin.write(&to, digest, tag, arguments.dry_run)?;
    match arguments.format {
        ResultFormat::Json => print(&format!("{}\n", copied.to_json()))?,
        ResultFormat::Human => print(&shown(&copied, arguments.dry_run))?,
    }
    Ok(Done::Well)
}

fn shown(copied: &Copied, dry_run: bool) -> String {
    let mut text = String::new();
    let mut line = |what: &str, value: &str| text.push_str(&format!("{what:<13}{value}\n"));
    let known =
        |text: &Option<String>| crate::diag::excerpt(text.as_deref().unwrap_or("none"), 100);
    let said = match (dry_run, copied.pushed, copied.said) {
        (true, true, _) => "would be copied (dry run: nothing was written)".to_owned(),
        (true, false, _) => "nothing to do: it is there already".to_owned(),
        (false, false, 0) => "nothing to do: it was there already".to_owned(),
        (false, false, n) => format!("{n} signatures and attestations added"),
        (false, true, n) => format!("copied, with {n} signatures and attestations"),
    };
    line("result", &said);
    line("url", &copied.url);
    line("tags", &copied.tags.join(", "));
    line("environment", &known(&copied.environment));
    line("revision", &known(&copied.revision));
    if let Some(module) = &copied.module {
        line("bicep", &module.to_string());
    }
    text
}
