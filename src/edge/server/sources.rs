//! The sources that a request names: one, or an old and a new one.

use super::job::{Held, stopped};
use super::problem::Problem;
use crate::bundle::Source;
use crate::diag::{Budget, Diagnostic, Report, excerpt};
use crate::edge::fetch;
use crate::edge::source::{self, Files, OpenOptions, Opened};
use crate::edge::work::Task;
use crate::rules::{SOURCE_LIMIT, digest_mismatch};
use crate::tree::{Limits, SourceTree};
use base64::Engine;
use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A source as it was sent.
#[derive(Debug, Clone)]
pub(super) enum Input {
    /// A `.tar.gz`.
    Archive(Bytes),
    /// Files one by one.
    Files(Files),
    /// An artifact to be fetched.
    Reference {
        /// Where it is.
        url: String,
        /// Digest of the archive.
        digest: String,
    },
    /// An artifact that was fetched.
    Fetched {
        /// Where it was.
        url: String,
        /// The archive.
        bytes: Bytes,
        /// The memory that is set aside for them.
        held: Arc<Held>,
    },
}

/// A source, and the one document in it, if only that is meant.
#[derive(Debug, Clone)]
pub(super) struct Named {
    input: Input,
    only: Option<String>,
}

/// What a request names.
#[derive(Debug, Default)]
pub(super) struct Sources {
    pub(super) source: Option<Named>,
    pub(super) old: Option<Named>,
    pub(super) new: Option<Named>,
    /// Options that a form gave beside the files.
    pub(super) fields: BTreeMap<String, String>,
}

impl Sources {
    pub(super) fn one(input: Input) -> Self {
        let named = Named { input, only: None };
        Self {
            source: Some(named),
            ..Self::default()
        }
    }

    /// `{"files": {...}}`, `{"archive": "<base64>"}` or `{"source": {"url",
    /// "digest"}}`, or `{"old": SOURCE, "new": SOURCE}` of those.
    pub(super) fn from_json(bytes: &[u8], limits: &Limits) -> Result<Self, Problem> {
        let over = RefCell::new(None);
        let seed = Request {
            limits,
            over: &over,
            nested: false,
        };
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let parsed = seed.deserialize(&mut json).and_then(|parsed| {
            json.end()?;
            Ok(parsed)
        });
        if let Some(error) = over.into_inner() {
            return Err(problem(error));
        }
        parsed.map_err(|e| {
            Problem::bad_request(format!(
                "the JSON is not a request: {}",
                excerpt(&e.to_string(), 300)
            ))
        })
    }

    /// Parts with a file name are files by that name; the parts `archive`,
    /// `old` and `new` are `.tar.gz`; other parts are options.
    pub(super) async fn from_form(
        bytes: Bytes,
        boundary: &str,
        limits: &Limits,
    ) -> Result<Self, Problem> {
        let malformed = |e: multer::Error| {
            Problem::bad_request(format!(
                "the form cannot be read: {}",
                excerpt(&e.to_string(), 200)
            ))
        };
        let stream = futures_util::stream::once(async { Ok::<_, std::io::Error>(bytes) });
        let mut form = multer::Multipart::new(stream, boundary);
        let mut sources = Self::default();
        let mut files = Files::new(limits);
        let mut count = 0;
        let mut parts = 0;
        while let Some(part) = form.next_field().await.map_err(malformed)? {
            parts += 1;
            if parts > limits.max_files {
                return Err(Problem::too_large(format!(
                    "the form has more than {} parts; the operator raises this with --max-files",
                    limits.max_files
                )));
            }
            let name = part.name().unwrap_or("").to_owned();
            let path = part.file_name().map(str::to_owned);
            let bytes = part.bytes().await.map_err(malformed)?;
            let place = match name.as_str() {
                "archive" => &mut sources.source,
                "old" => &mut sources.old,
                "new" => &mut sources.new,
                _ => {
                    match path {
                        // A browser sends an empty part for no file at all.
                        Some(path) if path.is_empty() && bytes.is_empty() => {}
                        Some(path) => {
                            count += 1;
                            files.add(&path, bytes.into()).map_err(problem)?;
                        }
                        None => {
                            let value = String::from_utf8(bytes.into()).map_err(|_| {
                                Problem::bad_request("a field of the form is not UTF-8")
                            })?;
                            if !value.is_empty() {
                                sources.fields.insert(name, value);
                            }
                        }
                    }
                    continue;
                }
            };
            if bytes.is_empty() && path.is_none_or(|path| path.is_empty()) {
                continue;
            }
            let named = Named {
                input: Input::Archive(bytes),
                only: None,
            };
            if place.replace(named).is_some() {
                return Err(Problem::bad_request(format!(
                    "the form has two parts `{}`",
                    excerpt(&name, 100)
                )));
            }
        }
        if count > 0 {
            let named = Named {
                input: Input::Files(files),
                only: None,
            };
            if sources.source.replace(named).is_some() {
                return Err(Problem::bad_request(
                    "the form has an archive and files; send one of them",
                ));
            }
        }
        Ok(sources)
    }

    /// The one source of `render` and `validate`.
    pub(super) fn single(self) -> Result<Named, Problem> {
        if self.old.is_some() || self.new.is_some() {
            return Err(Problem::bad_request(
                "there are an old and a new source; that is for /v1/diff",
            ));
        }
        self.source.ok_or_else(|| {
            Problem::bad_request("there is no source: send `files`, `archive` or `source`")
        })
    }

    /// The two sources of `diff`.
    pub(super) fn pair(self) -> Result<(Named, Named), Problem> {
        if self.source.is_some() {
            return Err(Problem::bad_request(
                "there is one source; a difference takes `old` and `new`",
            ));
        }
        match (self.old, self.new) {
            (Some(old), Some(new)) => Ok((old, new)),
            _ => Err(Problem::bad_request("a difference takes `old` and `new`")),
        }
    }
}

impl Named {
    /// An artifact that an object of the cluster names.
    #[cfg(feature = "controller")]
    pub(super) fn artifact(url: &str, digest: &str) -> Self {
        let (url, digest) = (url.to_owned(), digest.to_owned());
        Self {
            input: Input::Reference { url, digest },
            only: None,
        }
    }

    /// Whether it is only named.
    pub(super) fn is_elsewhere(&self) -> bool {
        matches!(self.input, Input::Reference { .. })
    }

    /// Bytes that a clone of it copies.
    pub(super) fn copied(&self) -> usize {
        match &self.input {
            Input::Files(files) => files.bytes(),
            _ => 0,
        }
    }

    /// Fetches what is only named, as `policy` allows.
    pub(super) async fn fetch(
        self,
        policy: &fetch::Policy,
        limits: &Limits,
        task: &Task,
    ) -> Result<Self, Problem> {
        let input = match self.input {
            Input::Reference { url, digest } => {
                let mut held = Held::none(&task.budget);
                let mut full = None;
                let mut room = |bytes| match held.grow(bytes) {
                    Ok(()) => true,
                    Err(problem) => {
                        full = Some(problem);
                        false
                    }
                };
                let fetched = fetch::artifact_within(&url, &digest, policy, limits, &mut room);
                let bytes = fetched.await.map_err(|error| {
                    let text = error.to_string();
                    match error {
                        fetch::Error::Over { .. } => Problem::too_large(text),
                        fetch::Error::Full { .. } => {
                            full.take().unwrap_or_else(|| Problem::busy(text))
                        }
                        fetch::Error::Io { .. } => Problem::upstream(text),
                        fetch::Error::Mismatch { .. } => refused(&digest_mismatch::fetched(text)),
                        fetch::Error::Refused { .. } | fetch::Error::NotFound { .. } => {
                            Problem::refused(text)
                        }
                    }
                })?;
                let held = Arc::new(held);
                Input::Fetched { url, bytes, held }
            }
            other => other,
        };
        Ok(Self { input, ..self })
    }

    /// The tree of it.
    pub(super) fn open(self, limits: &Limits, budget: &Budget) -> Result<Opened, Problem> {
        let options = OpenOptions {
            limits: limits.clone(),
            budget: budget.clone(),
            ..OpenOptions::default()
        };
        let only = self.only.as_deref();
        let opened = match self.input {
            Input::Archive(bytes) => source::unpack(&bytes, "archive", &options),
            Input::Fetched { url, bytes, held } => {
                // Given back with the last clone, when the bytes are unpacked.
                let _held = held;
                source::unpack(&bytes, "http", &options).map(|mut opened| {
                    opened.origin = Source {
                        url: Some(url),
                        ..opened.origin
                    };
                    opened
                })
            }
            Input::Files(files) => return files.open(only).map_err(problem),
            Input::Reference { .. } => {
                return Err(Problem::internal("an artifact was not fetched"));
            }
        };
        let mut opened = opened.map_err(problem)?;
        opened.narrow(only).map_err(problem)?;
        Ok(opened)
    }
}

/// A source that is refused.
fn problem(error: source::Error) -> Problem {
    match error {
        source::Error::Refused(finding) => refused(&finding),
        source::Error::Usage(text) => Problem::bad_request(text),
        source::Error::Ended(stop) => stopped(&stop),
        other => Problem::internal(other.to_string()),
    }
}

fn refused(finding: &Diagnostic) -> Problem {
    let help = finding
        .help
        .as_deref()
        .map_or(String::new(), |help| format!("; {help}"));
    let detail = format!("{}: {}{help}", finding.rule.code, finding.message);
    let over = finding.rule.code == SOURCE_LIMIT.code;
    let make = if over {
        Problem::too_large
    } else {
        Problem::refused
    };
    let empty = SourceTree::in_memory(BTreeMap::new());
    let report = Report::resolve(&vec![finding.clone()].into(), &empty, &BTreeMap::new());
    match report {
        Ok(report) => make(detail).report(report),
        Err(_) => make(detail),
    }
}

type Over<'a> = &'a RefCell<Option<source::Error>>;

/// A request in JSON.
struct Request<'a> {
    limits: &'a Limits,
    over: Over<'a>,
    /// Whether this is `old` or `new` of another.
    nested: bool,
}

impl<'de> DeserializeSeed<'de> for Request<'_> {
    type Value = Sources;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Sources, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Request<'_> {
    type Value = Sources;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `files`, `archive` or `source`, or with `old` and `new`")
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Sources, E> {
        Err(E::custom(
            "a source is a text; it is an object with `files`, `archive` or `source`",
        ))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sources, A::Error> {
        let mut sources = Sources::default();
        let mut input = None;
        let mut only = None;
        while let Some(key) = map.next_key::<String>()? {
            let twice = match key.as_str() {
                "files" => {
                    let files = map.next_value_seed(FileMap {
                        limits: self.limits,
                        over: self.over,
                    })?;
                    input.replace(Input::Files(files)).is_some()
                }
                "archive" => {
                    let text = map.next_value::<String>()?;
                    input
                        .replace(Input::Archive(decode(&text)?.into()))
                        .is_some()
                }
                "source" => {
                    let Reference { url, digest } = map.next_value()?;
                    input.replace(Input::Reference { url, digest }).is_some()
                }
                "only" => only.replace(map.next_value::<String>()?).is_some(),
                "old" | "new" if !self.nested => {
                    let side = map.next_value_seed(Request {
                        nested: true,
                        ..self
                    })?;
                    let place = if key == "old" {
                        &mut sources.old
                    } else {
                        &mut sources.new
                    };
                    let side = side.source.ok_or_else(|| {
                        A::Error::custom(format!(
                            "`{key}` has none of `files`, `archive`, `source`"
                        ))
                    })?;
                    place.replace(side).is_some()
                }
                _ => {
                    let key = excerpt(&Source::public_url(&key), 100);
                    return Err(A::Error::custom(format!("there is no member `{key}`")));
                }
            };
            if twice {
                return Err(A::Error::custom(
                    "there is more than one of `files`, `archive` and `source`, or a member twice",
                ));
            }
        }
        sources.source = input.map(|input| Named { input, only });
        Ok(sources)
    }
}

/// An artifact by name. What is wrong with it is said without it: its URL may hold what
/// only the client may know.
struct Reference {
    url: String,
    digest: String,
}

impl<'de> serde::Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Reference;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with the texts `url` and `digest`")
            }

            fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Reference, E> {
                Err(E::custom(
                    "`source` is a text; it is an object with `url` and `digest`",
                ))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Reference, A::Error> {
                let (mut url, mut digest) = (None, None);
                while let Some(key) = map.next_key::<String>()? {
                    let place = match key.as_str() {
                        "url" => &mut url,
                        "digest" => &mut digest,
                        _ => {
                            let why = "`source` has the members `url` and `digest`, and no others";
                            return Err(A::Error::custom(why));
                        }
                    };
                    if place.replace(map.next_value::<String>()?).is_some() {
                        return Err(A::Error::custom("`source` has a member twice"));
                    }
                }
                match (url, digest) {
                    (Some(url), Some(digest)) => Ok(Reference { url, digest }),
                    _ => Err(A::Error::custom("`source` needs `url` and `digest`")),
                }
            }
        }
        deserializer.deserialize_any(Members)
    }
}

struct FileMap<'a> {
    limits: &'a Limits,
    over: Over<'a>,
}

impl<'de> DeserializeSeed<'de> for FileMap<'_> {
    type Value = Files;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Files, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FileMap<'_> {
    type Value = Files;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of paths with their text, or `{\"base64\": \"...\"}`")
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Files, E> {
        Err(E::custom(
            "`files` is a text; it is an object of paths with their text",
        ))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Files, A::Error> {
        let mut files = Files::new(self.limits);
        while let Some((path, content)) = map.next_entry::<String, Content>()? {
            if let Err(error) = files.add(&path, content.0) {
                *self.over.borrow_mut() = Some(error);
                return Err(A::Error::custom("a file is refused"));
            }
        }
        Ok(files)
    }
}

/// The content of a file.
struct Content(Vec<u8>);

impl<'de> serde::Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Content;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the text of a file, or `{\"base64\": \"...\"}`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Content, E> {
                Ok(Content(text.as_bytes().to_vec()))
            }

            fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Content, E> {
                Ok(Content(text.into_bytes()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content, A::Error> {
                let Some((key, text)) = map.next_entry::<String, String>()? else {
                    return Err(A::Error::custom("there is no `base64`"));
                };
                if key != "base64" || map.next_key::<String>()?.is_some() {
                    return Err(A::Error::custom(
                        "a file is a text, or has the one member `base64`",
                    ));
                }
                decode(&text).map(Content)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

fn decode<E: serde::de::Error>(text: &str) -> Result<Vec<u8>, E> {
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .map_err(|e| E::custom(format!("the base64 cannot be read: {e}")))
}
