//! A graph from one place to another.

use super::spool::{LARGE, Spool};
use super::{Descriptor, Error, Manifest, Target};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use std::future::Future;
use std::pin::Pin;

/// Blobs on their way at once.
const AT_ONCE: usize = 4;
/// Indexes in indexes; real ones have one level.
const MAX_DEPTH: usize = 4;
/// What one manifest may refer to.
const MAX_CHILDREN: usize = 1000;

/// Copies `root` and all that it refers to: children before their manifest, so
/// that whatever happens the other side holds nothing that is incomplete. What
/// is there already is not sent; of one registry it is mounted where the
/// registry lets us.
///
/// # Errors
/// When either side refuses, or the graph is deeper or wider than real ones.
pub async fn copy(from: &dyn Target, to: &dyn Target, root: &Descriptor) -> Result<(), Error> {
    node(from, to, root.clone(), MAX_DEPTH).await
}

/// Copies manifests that are about something else, and lists them there as its
/// referrers, all at once.
///
/// # Errors
/// As [`copy`].
pub async fn copy_referrers(
    from: &dyn Target,
    to: &dyn Target,
    referrers: &[Descriptor],
) -> Result<(), Error> {
    let mut manifests = Vec::new();
    for what in referrers {
        manifests.push((what.clone(), children(from, to, what, MAX_DEPTH).await?));
    }
    match to.push_all(&manifests).await {
        Err(error) if error.lacks_blobs() => {
            for (what, bytes) in &manifests {
                send_blobs(from, to, what, bytes).await?;
            }
            to.push_all(&manifests).await?;
        }
        pushed => drop(pushed?),
    }
    Ok(())
}

type Step<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;

fn node<'a>(from: &'a dyn Target, to: &'a dyn Target, what: Descriptor, depth: usize) -> Step<'a> {
    Box::pin(async move {
        if to.exists(&what).await? {
            return Ok(());
        }
        if !what.is_manifest() {
            return blob(from, to, &what).await;
        }
        let bytes = children(from, to, &what, depth).await?;
        match to.push(&what, bytes.clone()).await {
            Err(error) if error.lacks_blobs() => {
                send_blobs(from, to, &what, &bytes).await?;
                to.push(&what, bytes).await?;
            }
            pushed => drop(pushed?),
        }
        Ok(())
    })
}

/// Copies all that the manifest `what` refers to; its bytes.
async fn children(
    from: &dyn Target,
    to: &dyn Target,
    what: &Descriptor,
    depth: usize,
) -> Result<Bytes, Error> {
    let attempted = format!("copy {} from {} to {}", what.digest, from.name(), to.name());
    let bytes = from.fetch(what).await?;
    let manifest = Manifest::parse(&bytes, &attempted)?;
    let children: Vec<Descriptor> = manifest.children().cloned().collect();
    let Some(depth) = depth.checked_sub(1) else {
        return Err(Error::malformed(
            attempted,
            "indexes lie too deep in indexes",
        ));
    };
    if children.len() > MAX_CHILDREN {
        let problem = format!("it refers to more than {MAX_CHILDREN} others");
        return Err(Error::malformed(attempted, problem));
    }
    stream::iter(children)
        .map(|child| node(from, to, child, depth))
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    Ok(bytes)
}

/// Sends the blobs of a manifest even where they seem to be there.
async fn send_blobs(
    from: &dyn Target,
    to: &dyn Target,
    what: &Descriptor,
    bytes: &Bytes,
) -> Result<(), Error> {
    let attempted = format!("copy {} from {} to {}", what.digest, from.name(), to.name());
    let manifest = Manifest::parse(bytes, &attempted)?;
    for child in manifest.children().filter(|child| !child.is_manifest()) {
        send(from, to, child).await?;
    }
    Ok(())
}

async fn blob(from: &dyn Target, to: &dyn Target, what: &Descriptor) -> Result<(), Error> {
    if let Some(repository) = from.repository()
        && to.mount(what, repository).await?
    {
        return Ok(());
    }
    send(from, to, what).await
}

/// Sends a blob that is not there, a large one through a file.
async fn send(from: &dyn Target, to: &dyn Target, what: &Descriptor) -> Result<(), Error> {
    if what.size <= LARGE {
        return to.send(what, from.fetch(what).await?).await;
    }
    let spool = Spool::new()?;
    from.fetch_into(what, &spool).await?;
    to.send_from(what, &spool).await
}
