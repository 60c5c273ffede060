//! Tags: all of them, what they stand for, and that they cannot move.

use super::super::reference::{check_new_tag, check_tag};
use super::super::{
    DOCKER_INDEX, DOCKER_MANIFEST, Descriptor, Error, INDEX, MANIFEST, MAX_MANIFEST, Manifest,
};
use super::Remote;
use super::registry::{Ask, json, media_type, next_page, stated_digest};
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_LENGTH};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Pages of tags, and tags in all.
const MAX_PAGES: usize = 1000;
const MAX_TAGS: usize = 200_000;

#[derive(Deserialize)]
struct Tags {
    // Registries are known to say null for none.
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl Remote {
    /// What `tag` stands for, whatever that is, by a question without an answer's body
    /// where the registry answers that.
    pub(super) async fn look_for(&self, tag: &str) -> Result<Option<Descriptor>, Error> {
        check_tag(tag, tag)?;
        let attempted = format!("look for {}:{tag}", self.at);
        let url = self
            .registry
            .url(&self.at.repository, &format!("manifests/{tag}"));
        let ask = Ask::new(attempted, Method::HEAD, url, self.reading())
            .with(ACCEPT, &any_manifest())
            .expecting(&[200, 400, 404, 405, 406, 501]);
        let answer = self.registry.ask(&self.at, &ask).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        let length = answer.headers.get(CONTENT_LENGTH);
        let length: Option<u64> = length.and_then(|v| v.to_str().ok()?.parse().ok());
        let stated = (
            stated_digest(&answer.headers),
            length.filter(|length| *length > 0),
            media_type(&answer.headers),
        );
        match stated {
            (Some(digest), Some(size), Some(media_type)) if answer.status == 200 => {
                Ok(Some(Descriptor {
                    media_type,
                    digest,
                    size,
                    artifact_type: None,
                    annotations: BTreeMap::new(),
                }))
            }
            _ => self.bytes_behind(tag).await,
        }
    }

    /// A manifest as it comes, of any kind, and its media type.
    async fn bytes_behind(&self, tag: &str) -> Result<Option<Descriptor>, Error> {
        let attempted = format!("read {}:{tag}", self.at);
        let url = self
            .registry
            .url(&self.at.repository, &format!("manifests/{tag}"));
        let ask = Ask::new(attempted, Method::GET, url, self.reading())
            .with(ACCEPT, &any_manifest())
            .capped(MAX_MANIFEST)
            .expecting(&[200, 404]);
        let answer = self.registry.ask(&self.at, &ask).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        let own = Manifest::parse(&answer.body, "").ok();
        let own = own.and_then(|manifest| manifest.media_type);
        let kind = own.or_else(|| media_type(&answer.headers));
        let what = Descriptor::of(kind.as_deref().unwrap_or(MANIFEST), &answer.body);
        self.registry.keep(
            &self.at.repository,
            what.digest,
            &what.media_type,
            &answer.body,
        );
        Ok(Some(what))
    }

    /// All tags, sorted.
    pub(super) async fn listed_tags(&self) -> Result<Vec<String>, Error> {
        let attempted = format!("list the tags of {}", self.at);
        let mut url = self.registry.url(&self.at.repository, "tags/list");
        url.query_pairs_mut().append_pair("n", "1000");
        let mut next = Some(url);
        let mut found = Vec::new();
        let mut pages = 0;
        while let Some(url) = next {
            let ask = Ask::new(attempted.clone(), Method::GET, url.clone(), self.reading());
            let answer = self.registry.ask(&self.at, &ask).await;
            if pages == 0
                && url.query().is_some()
                && answer
                    .as_ref()
                    .is_err_and(|error| error.status() == Some(400))
            {
                // Its pages are smaller, and it does not cut ours down to them.
                next = Some(self.registry.url(&self.at.repository, "tags/list"));
                continue;
            }
            let answer = answer?;
            let page: Tags = json(&answer, &attempted)?;
            found.extend(page.tags.unwrap_or_default());
            pages += 1;
            if pages > MAX_PAGES || found.len() > MAX_TAGS {
                return Err(Error::malformed(attempted, "tags without end"));
            }
            next = next_page(&self.registry.wire, &url, &answer.headers, &attempted)?;
        }
        found.sort();
        found.dedup();
        Ok(found)
    }
}

/// `error`, or that `tag` cannot move: registries answer that with several statuses.
pub(super) fn immutable(error: Error, tag: &str) -> Error {
    let Error::Status {
        attempted,
        registry,
        status,
        said,
        ..
    } = &error
    else {
        return error;
    };
    let words = said.to_ascii_lowercase();
    let marks = [
        "immutable",
        "overwrit",
        "tag_invalid",
        "already exists",
        "cannot be updated",
    ];
    let told = marks.iter().any(|mark| words.contains(mark));
    let is_so = match status {
        409 | 412 => true,
        400 | 403 | 405 | 422 => told,
        _ => false,
    };
    if !is_so || tag.contains(':') {
        return error;
    }
    let help = match check_new_tag(tag) {
        Ok(()) => format!(
            "`{tag}` cannot move; publish to a new tag, as in --tag '{{{{short}}}}', or exempt this \
             one from the rule"
        ),
        Err(_) => format!(
            "`{tag}` holds what is said about an artifact (signatures, referrers) and has to be \
             written again; exempt tags that begin with `sha256-` from the rule"
        ),
    };
    Error::Immutable {
        attempted: attempted.clone(),
        registry: registry.clone(),
        status: *status,
        said: said.clone(),
        help,
    }
}

/// All that a tag may point to: ours, and a sign that others are welcome.
fn any_manifest() -> String {
    [MANIFEST, INDEX, DOCKER_MANIFEST, DOCKER_INDEX, "*/*"].join(", ")
}
