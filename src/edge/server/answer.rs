//! What clients get, as they accept it.

use super::problem::Problem;
use crate::bundle::{Bundle, Member};
use crate::changes::Changes;
use crate::diag::{Report, excerpt, markdown, sarif};
use crate::syntax::{write_escaped, write_string};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde_json::Value as Json;
use std::convert::Infallible;
use std::sync::Arc;

/// Forms of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `application/json`
    Json,
    /// `application/gzip`: the bundle itself.
    Gzip,
    /// `application/sarif+json`
    Sarif,
    /// `text/markdown`
    Markdown,
}

impl Form {
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Gzip => "application/gzip",
            Self::Sarif => "application/sarif+json",
            Self::Markdown => "text/markdown; charset=utf-8",
        }
    }

    /// The one of `offered` that the client likes best; the first when it does
    /// not say.
    pub(super) fn negotiate(headers: &HeaderMap, offered: &[Self]) -> Result<Self, Problem> {
        let mut best: Option<(f32, Self)> = None;
        let mut asked = String::new();
        for value in headers.get_all(header::ACCEPT) {
            if !asked.is_empty() {
                asked.push(',');
            }
            asked.push_str(value.to_str().unwrap_or(""));
        }
        if asked.trim().is_empty() {
            asked.push_str("*/*");
        }
        for &form in offered {
            let essence = form.media_type().split(';').next().unwrap_or("");
            let weight = weight(&asked, essence);
            if weight > 0.0 && best.is_none_or(|(other, _)| weight > other) {
                best = Some((weight, form));
            }
        }
        best.map(|(_, form)| form).ok_or_else(|| {
            let types: Vec<&str> = offered.iter().map(|form| form.media_type()).collect();
            Problem::not_acceptable(format!(
                "`Accept: {}` takes none of {}",
                excerpt(&asked, 200),
                types.join(", ")
            ))
        })
    }
}

/// How much `accept` likes `essence`: the weight of the most specific range.
fn weight(accept: &str, essence: &str) -> f32 {
    let family = essence.split('/').next().unwrap_or("");
    let mut found = (0, 0.0);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or("").to_ascii_lowercase();
        let specific = if name == essence {
            3
        } else if name.strip_suffix("/*") == Some(family) {
            2
        } else if name == "*/*" {
            1
        } else {
            continue;
        };
        let q = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
        let q = q.filter(|q| (0.0..=1.0).contains(q)).unwrap_or(1.0);
        if specific > found.0 {
            found = (specific, q);
        }
    }
    found.1
}

/// An answer that may be given more than once.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    media_type: &'static str,
    etag: Option<String>,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Whole(Bytes),
    /// The members of an archive.
    Members(Vec<Arc<Member>>),
    /// A bundle as JSON, written file by file.
    Bundle {
        head: Bytes,
        bundle: Arc<Bundle>,
    },
}

impl Answer {
    /// Bytes of it, when they are all there.
    pub(super) fn len(&self) -> Option<usize> {
        match &self.content {
            Content::Whole(bytes) => Some(bytes.len()),
            Content::Members(_) | Content::Bundle { .. } => None,
        }
    }

    fn whole(status: StatusCode, form: Form, text: impl Into<Bytes>) -> Self {
        Self {
            status,
            media_type: form.media_type(),
            etag: None,
            content: Content::Whole(text.into()),
        }
    }

    /// The answer of a problem that is a property of the input.
    pub(super) fn problem(problem: &Problem) -> Self {
        Self {
            media_type: "application/problem+json",
            ..Self::whole(problem.status(), Form::Json, problem.to_text())
        }
    }

    /// Findings.
    pub(super) fn report(status: StatusCode, form: Form, report: &Report) -> Self {
        let text = match form {
            Form::Json | Form::Gzip => json_text(report),
            Form::Sarif => json_text(&sarif::to_sarif(report, env!("CARGO_PKG_VERSION"))),
            Form::Markdown => markdown::to_markdown(report),
        };
        Self::whole(status, form, text)
    }

    /// Findings that keep a bundle from being made.
    pub(super) fn findings(form: Form, report: Report, more: Json) -> Self {
        let side = more["side"].as_str().map(str::to_owned);
        let problem = Problem::findings("nothing is rendered; `diagnostics` has the reasons");
        match (form, side) {
            (Form::Json | Form::Gzip, _) => Self::problem(&problem.report(report).with(more)),
            (Form::Markdown, Some(side)) => {
                let text = format!("The {side} side:\n\n{}", markdown::to_markdown(&report));
                Self::whole(problem.status(), form, text)
            }
            (form, _) => Self::report(problem.status(), form, &report),
        }
    }

    /// Changes.
    pub(super) fn changes(form: Form, changes: &Changes) -> Self {
        let text = match form {
            Form::Markdown => changes.to_markdown(),
            _ => changes.to_json().to_string(),
        };
        Self::whole(StatusCode::OK, form, text)
    }

    /// A bundle; in one piece when it has at most `whole` bytes.
    pub(super) fn bundle(form: Form, bundle: Bundle, report: &Report, whole: usize) -> Self {
        match form {
            Form::Gzip => {
                let archive = bundle.archive();
                let etag = Some(format!("\"{}\"", archive.digest()));
                let len: usize = archive.members.iter().map(|m| m.bytes.len()).sum();
                let content = if len <= whole {
                    Content::Whole(archive.bytes().into())
                } else {
                    Content::Members(archive.members)
                };
                Self {
                    etag,
                    content,
                    ..Self::whole(StatusCode::OK, form, "")
                }
            }
            Form::Json => {
                let mut head = json_text(&Head {
                    inventory: bundle.inventory(),
                    diagnostics: report,
                });
                // The object goes on with its files, one by one.
                head.pop();
                head.push_str(",\"files\":{");
                let len: usize = bundle.files.iter().map(|file| bundle.len_of(file)).sum();
                let content = if len <= whole {
                    let mut text = head.into_bytes();
                    for at in 0..=bundle.files.len() {
                        text.extend_from_slice(&file_entry(&bundle, at));
                    }
                    Content::Whole(text.into())
                } else {
                    let (head, bundle) = (head.into(), Arc::new(bundle));
                    Content::Bundle { head, bundle }
                };
                Self {
                    content,
                    ..Self::whole(StatusCode::OK, form, "")
                }
            }
            form => Self::report(StatusCode::OK, form, report),
        }
    }

    /// The first line of a text.
    #[cfg(feature = "controller")]
    pub(super) fn first_line(&self) -> String {
        match &self.content {
            Content::Whole(bytes) => {
                let text = String::from_utf8_lossy(bytes);
                text.lines().next().unwrap_or("").to_owned()
            }
            Content::Members(_) | Content::Bundle { .. } => String::new(),
        }
    }

    /// The response, which shares the bytes.
    pub(super) fn respond(&self) -> Response {
        let body = match &self.content {
            Content::Whole(bytes) => Body::from(bytes.clone()),
            Content::Members(members) => {
                let members = members.clone().into_iter();
                Body::from_stream(stream::iter(
                    members.map(|member| Ok::<_, Infallible>(Bytes::from_owner(Shared(member)))),
                ))
            }
            Content::Bundle { head, bundle } => {
                let head = std::iter::once(head.clone());
                let (bundle, count) = (Arc::clone(bundle), bundle.files.len());
                let files = (0..=count).map(move |at| file_entry(&bundle, at).into());
                Body::from_stream(stream::iter(head.chain(files).map(Ok::<Bytes, Infallible>)))
            }
        };
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(self.media_type),
        );
        if let Some(etag) = self.etag.as_deref().and_then(|etag| etag.parse().ok()) {
            headers.insert(header::ETAG, etag);
        }
        if self.media_type == Form::Gzip.media_type() {
            let name = HeaderValue::from_static("attachment; filename=\"bundle.tar.gz\"");
            headers.insert(header::CONTENT_DISPOSITION, name);
        }
        response
    }
}

/// The members before the files of a bundle in JSON.
#[derive(serde::Serialize)]
struct Head<'a> {
    inventory: Json,
    diagnostics: &'a Report,
}

fn json_text(value: &impl serde::Serialize) -> String {
    // Nothing that is written here has keys that are no strings.
    serde_json::to_string(value).unwrap_or_default()
}

/// A member as the owner of bytes.
struct Shared(Arc<Member>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0.bytes
    }
}

/// The entry of file `at` in `files`, or the end of the document.
fn file_entry(bundle: &Bundle, at: usize) -> Vec<u8> {
    let Some(file) = bundle.files.get(at) else {
        return b"}}".to_vec();
    };
    let mut out = String::with_capacity(bundle.len_of(file) + file.path.len() + 64);
    if at > 0 {
        out.push(',');
    }
    write_string(&mut out, &file.path);
    out.push_str(":\"");
    bundle.each_text(file, &mut |text| write_escaped(&mut out, text));
    out.push('"');
    out.into_bytes()
}
