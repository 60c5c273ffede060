//! A bundle to another place as it is, with everything that is said about it.

use super::packed::Packed;
use super::pointed::{look_all, moving};
use super::read::{manifest, resolve};
use super::signatures::layers_of;
use super::{Destination, Error, Policy, of_module, verify};
use crate::bundle::LAYER_MEDIA_TYPE;
use crate::diag::excerpt;
use crate::edge::oci::{self, Descriptor, Manifest, Target, check_new_tag};
use crate::edge::sign::BUNDLE_MEDIA_TYPE;
use crate::tree::{Digest, Limits};
use serde_json::{Value as Json, json};

/// How cosign names the tags of what it keeps beside an artifact: payloads, and the
/// attestations and SBOMs of its first versions.
const BESIDE: [&str; 3] = ["sig", "att", "sbom"];
/// Signatures of attestations of an artifact; nobody makes more levels.
const MAX_DEPTH: usize = 3;

/// What is copied, and on what terms.
#[derive(Debug, Clone, Default)]
pub struct CopyOptions {
    /// Tags that point to it afterwards; none leaves it by digest alone.
    pub tags: Vec<String>,
    /// The environment that it must be of.
    pub environment: Option<String>,
    /// What is asked of it before one byte is written.
    pub policy: Policy,
    /// Nothing is written.
    pub dry_run: bool,
}

/// What was copied.
#[derive(Debug)]
pub struct Copied {
    /// The artifact by digest, with its scheme.
    pub url: String,
    /// What it is.
    pub descriptor: Descriptor,
    /// The environment that it was rendered for.
    pub environment: Option<String>,
    /// Revision of its source.
    pub revision: Option<String>,
    /// Tags that point to it.
    pub tags: Vec<String>,
    /// Whether anything had to be sent, or a tag moved.
    pub pushed: bool,
    /// How many signatures, attestations and the like came along now.
    pub said: usize,
    /// Digest of the Bicep module that came along.
    pub module: Option<Digest>,
    /// What the reader should know beside.
    pub notes: Vec<String>,
}

/// Copies the bundle `reference` with its signatures, attestations and Bicep module.
/// Digests stay; what is there already is not sent; tags move last.
///
/// # Errors
/// When it is no bundle, not what is asked for, or either side refuses; the tags are then
/// where they were.
pub async fn copy(
    from: &Destination,
    reference: &str,
    to: &Destination,
    options: &CopyOptions,
    limits: &Limits,
) -> Result<Copied, Error> {
    for tag in &options.tags {
        check_new_tag(tag)?;
    }
    let what = resolve(&*from.target, reference).await?;
    let name = format!("{}@{}", from.target.name(), what.digest);
    let (manifest, _) = manifest(&*from.target, &what, &name).await?;
    let environment = bundle_environment(&manifest, &name)?;
    if let Some(wanted) = &options.environment
        && environment.as_deref() != Some(wanted)
    {
        let found = environment.as_deref().unwrap_or("none");
        return Err(Error::Usage(format!(
            "{name} is a bundle of the environment {}, not of {wanted}",
            excerpt(found, 100)
        )));
    }
    if options.policy.signed_by.is_some() || !options.policy.policies.is_empty() {
        let digest = what.digest.to_string();
        verify(&*from.target, &digest, &options.policy, limits).await?;
    }
    let current = look_all(&*to.target, &options.tags).await?;
    let mut notes = Vec::new();
    let moving = moving(&options.tags, &current, &what, &mut notes);
    // Tags move last: where one points to it already, all of it is there.
    let is_there = moving.len() < options.tags.len();
    let module = match is_there && moving.is_empty() {
        true => None,
        false => Module::plan(from, reference, to, &options.tags).await?,
    };
    let mut done = Copied {
        url: format!("{}@{}", to.url, what.digest),
        environment,
        revision: manifest
            .annotations
            .get("org.opencontainers.image.revision")
            .cloned(),
        tags: options.tags.clone(),
        pushed: !is_there || !moving.is_empty(),
        said: 0,
        module: module.as_ref().map(|module| module.what.digest),
        notes,
        descriptor: what.clone(),
    };
    if options.dry_run {
        return Ok(done);
    }
    if !is_there {
        oci::copy(&*from.target, &*to.target, &what).await?;
    }
    let asked = match (is_there, options.policy.signed_by.is_some()) {
        (false, _) => Beside::All,
        (true, true) => Beside::Payloads,
        (true, false) => Beside::New,
    };
    done.said = said(&*from.target, &*to.target, &what, asked).await?;
    if let Some(module) = &module {
        module.copy().await.map_err(of_module)?;
    }
    for tag in moving {
        to.target.tag(&what, tag).await?;
    }
    Ok(done)
}

/// Copies an artifact with what is said about it. No tag of the artifact moves.
///
/// # Errors
/// When either side refuses.
pub async fn copy_all(from: &dyn Target, to: &dyn Target, what: &Descriptor) -> Result<(), Error> {
    oci::copy(from, to, what).await?;
    said(from, to, what, Beside::All).await?;
    Ok(())
}

/// What is looked for beside the referrers of a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    /// All that any version of cosign kept: the bundle was not there.
    All,
    /// Payloads: a signature is asked for, in whichever format.
    Payloads,
    /// Payloads where they may be new: another referrer is, or no Sigstore bundle refers to
    /// it. Who signs writes the bundle, too, which newer readers read alone.
    New,
}

impl Beside {
    fn suffixes(self, is_new: bool) -> &'static [&'static str] {
        match self {
            Self::All => &BESIDE,
            Self::Payloads => &BESIDE[..1],
            Self::New if is_new => &BESIDE[..1],
            Self::New => &[],
        }
    }
}

/// The environment of a bundle by its manifest; an error when it is none.
fn bundle_environment(manifest: &Manifest, name: &str) -> Result<Option<String>, Error> {
    let layer = manifest.layers.first().map(|l| l.media_type.as_str());
    if layer != Some(LAYER_MEDIA_TYPE) {
        let found = excerpt(layer.unwrap_or("nothing"), 100);
        return Err(Error::NotABundle {
            what: name.to_owned(),
            found: format!("its first layer is `{found}`"),
            expected: "an image manifest whose first layer is `application/vnd.cncf.flux.content.v1.tar+gzip`",
        });
    }
    Ok(manifest
        .annotations
        .get("dev.flux-apim.environment")
        .cloned())
}

/// Copies what is said about `what`; how many of it had to be.
async fn said(
    from: &dyn Target,
    to: &dyn Target,
    what: &Descriptor,
    asked: Beside,
) -> Result<usize, Error> {
    let referring = from.referrers(what).await?;
    let is_bundle =
        |referrer: &Descriptor| referrer.artifact_type.as_deref() == Some(BUNDLE_MEDIA_TYPE);
    let is_signed = referring.iter().any(is_bundle);
    let mut missing = missing(to, what, referring).await?;
    let mut copied = 0;
    // Readers take bundles alone where there is one: payloads are there before.
    for suffix in asked.suffixes(!missing.is_empty() || !is_signed) {
        copied += beside(from, to, what, suffix).await?;
    }
    for depth in (0..MAX_DEPTH).rev() {
        if missing.is_empty() {
            break;
        }
        oci::copy_referrers(from, to, &missing).await?;
        copied += missing.len();
        let mut next = Vec::new();
        for subject in missing.iter().filter(|_| depth > 0) {
            let there = from.referrers(subject).await?;
            next.extend(self::missing(to, subject, there).await?);
        }
        missing = next;
    }
    Ok(copied)
}

/// Those of `referring` that the other side does not list as referrers of `subject`.
async fn missing(
    to: &dyn Target,
    subject: &Descriptor,
    referring: Vec<Descriptor>,
) -> Result<Vec<Descriptor>, Error> {
    if referring.is_empty() {
        return Ok(referring);
    }
    let known = to.referrer_digests(subject).await?;
    let unknown = |referrer: &Descriptor| !known.contains(&referrer.digest);
    Ok(referring.into_iter().filter(unknown).collect())
}

/// Copies what is kept under the tag of `what` that ends in `suffix`. Signatures that the
/// other side has and this one does not stay.
async fn beside(
    from: &dyn Target,
    to: &dyn Target,
    what: &Descriptor,
    suffix: &str,
) -> Result<usize, Error> {
    let tag = format!("{}.{suffix}", what.digest.to_string().replace(':', "-"));
    let Some(ours) = from.look(&tag).await?.filter(Descriptor::is_manifest) else {
        return Ok(0);
    };
    let theirs = to.look(&tag).await?;
    if theirs
        .as_ref()
        .is_some_and(|theirs| theirs.digest == ours.digest)
    {
        return Ok(0);
    }
    oci::copy(from, to, &ours).await?;
    let Some(theirs) = theirs.filter(Descriptor::is_manifest) else {
        to.tag(&ours, &tag).await?;
        return Ok(1);
    };
    let mut layers = layers_of(to, &theirs).await?;
    let before = layers.len();
    for layer in layers_of(from, &ours).await? {
        if !layers.contains(&layer) {
            layers.push(layer);
        }
    }
    if layers.len() > before {
        let all = Packed::signatures(&layers, Vec::new());
        all.push(to).await?;
        to.tag(&all.descriptor(), &tag).await?;
    }
    Ok(layers.len() - before)
}

/// The Bicep module of a bundle.
struct Module<'m> {
    from: &'m dyn Target,
    to: &'m dyn Target,
    what: Descriptor,
    /// Tags that do not point to it.
    tags: Vec<String>,
}

impl<'m> Module<'m> {
    /// The module under the tag that the bundle was named by, or under one of those that
    /// it gets; none, when there is none.
    async fn plan(
        from: &'m Destination,
        reference: &str,
        to: &'m Destination,
        tags: &[String],
    ) -> Result<Option<Self>, Error> {
        let (Some(source), Some(target)) = (&from.bicep, &to.bicep) else {
            return Ok(None);
        };
        if reference.parse::<Digest>().is_ok() {
            return Ok(None);
        }
        let found = source.look(reference).await;
        let Some(what) = found.unwrap_or_default().filter(Descriptor::is_manifest) else {
            return Ok(None);
        };
        let current = look_all(&**target, tags).await.map_err(of_module)?;
        let tags = moving(tags, &current, &what, &mut Vec::new());
        Ok(Some(Self {
            from: &**source,
            to: &**target,
            tags: tags.into_iter().cloned().collect(),
            what,
        }))
    }

    async fn copy(&self) -> Result<(), Error> {
        oci::copy(self.from, self.to, &self.what).await?;
        for tag in &self.tags {
            self.to.tag(&self.what, tag).await?;
        }
        Ok(())
    }
}

impl Copied {
    /// The answer of `copy --format json`, version 1.
    pub fn to_json(&self) -> Json {
        json!({
            "version": 1,
            "url": self.url,
            "digest": self.descriptor.digest.to_string(),
            "environment": self.environment,
            "revision": self.revision,
            "tags": self.tags,
            "pushed": self.pushed,
            "said": self.said,
            "module": self.module.map(|digest| digest.to_string()),
        })
    }
}
