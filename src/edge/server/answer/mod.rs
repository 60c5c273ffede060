//! What clients get, as they accept it.

mod form;
mod stream;
mod text;

pub(super) use form::Form;

use super::job::Held;
use super::problem::Problem;
use crate::bundle::{Bundle, Member};
use crate::changes::Changes;
use crate::diag::{Budget, Place, Report, markdown, sarif};
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::json;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use text::{Text, over};

/// How answers are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) form: Form,
    /// Answers up to this many bytes are made in one piece, to be kept.
    pub(super) whole: usize,
    /// Larger ones are refused.
    pub(super) max: u64,
}

/// An answer that may be given more than once.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    media_type: &'static str,
    etag: Option<String>,
    content: Content,
}

/// An answer that was just made, and the memory that it takes until it is sent.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) answer: Answer,
    pub(super) held: Held,
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

    /// The response, which shares the bytes; `held` is given back when the last one was
    /// sent.
    pub(super) fn respond(&self, held: Held) -> Response {
        let held = Arc::new(held);
        let body = match &self.content {
            Content::Whole(bytes) => Body::from(owned(bytes.clone(), &held)),
            Content::Members(members) => {
                let members = members.clone().into_iter();
                let parts = members.map(move |member| owned(Shared(member), &held));
                Body::from_stream(futures_util::stream::iter(parts.map(Ok::<_, Infallible>)))
            }
            Content::Bundle { head, bundle } => {
                let head = futures_util::stream::iter([Ok(head.clone())]);
                let parts = head.chain(stream::files(Arc::clone(bundle)));
                let parts = parts.map(move |part| part.map(|part| owned(part, &held)));
                Body::from_stream(parts)
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

impl Made {
    fn of(status: StatusCode, media_type: &'static str, text: Text) -> Result<Self, Problem> {
        let (bytes, held) = text.finish()?;
        Ok(Self {
            answer: Answer {
                status,
                media_type,
                etag: None,
                content: Content::Whole(bytes),
            },
            held,
        })
    }

    /// Findings.
    pub(super) fn report(
        status: StatusCode,
        style: Style,
        report: &Report,
        budget: &Budget,
    ) -> Result<Self, Problem> {
        let mut text = Text::new(budget, style.max);
        match style.form {
            Form::Json | Form::Gzip => text.json(report)?,
            Form::Sarif => text.json(&sarif::to_sarif(report, env!("CARGO_PKG_VERSION")))?,
            Form::Markdown => text.push(markdown::to_markdown(report).as_bytes())?,
        }
        Self::of(status, style.form.media_type(), text)
    }

    /// Findings that keep a bundle from being made; of this side, if there are two.
    pub(super) fn findings(
        style: Style,
        report: Report,
        side: Option<&str>,
        budget: &Budget,
    ) -> Result<Self, Problem> {
        let problem = Problem::findings("nothing is rendered; `diagnostics` has the reasons");
        let status = problem.status();
        match (style.form, side) {
            (Form::Json | Form::Gzip, side) => {
                let more = side.map_or_else(|| json!({}), |side| json!({"side": side}));
                let problem = problem.report(report).with(more);
                let mut text = Text::new(budget, style.max);
                text.json(&problem.document())?;
                Self::of(status, Problem::MEDIA_TYPE, text)
            }
            (Form::Markdown, Some(side)) => {
                let mut text = Text::new(budget, style.max);
                text.push(format!("The {side} side:\n\n").as_bytes())?;
                text.push(markdown::to_markdown(&report).as_bytes())?;
                Self::of(status, style.form.media_type(), text)
            }
            _ => Self::report(status, style, &report, budget),
        }
    }

    /// Changes.
    pub(super) fn changes(
        style: Style,
        changes: &Changes,
        budget: &Budget,
    ) -> Result<Self, Problem> {
        let mut text = Text::new(budget, style.max);
        match style.form {
            Form::Markdown => text.push(changes.to_markdown().as_bytes())?,
            _ => text.json(changes)?,
        }
        Self::of(StatusCode::OK, style.form.media_type(), text)
    }

    /// A bundle. Writing it is spent from `budget`, inside of [`Budget::bound`].
    pub(super) fn bundle(
        style: Style,
        bundle: Bundle,
        report: &Report,
        budget: &Budget,
    ) -> Result<Self, Problem> {
        match style.form {
            Form::Gzip => Self::archive(style, &bundle, budget),
            Form::Json => Self::document(style, bundle, report, budget),
            _ => Self::report(StatusCode::OK, style, report, budget),
        }
    }

    fn archive(style: Style, bundle: &Bundle, budget: &Budget) -> Result<Self, Problem> {
        let archive = bundle.archive_within(budget);
        let len: usize = archive.members.iter().map(|m| m.bytes.len()).sum();
        if len as u64 > style.max {
            return Err(over(style.max));
        }
        let etag = Some(format!("\"{}\"", archive.digest()));
        let (content, held) = if len <= style.whole {
            let held = Held::of(budget, len)?;
            (Content::Whole(archive.bytes().into()), held)
        } else {
            // A member that is sent twice is there once.
            let once: BTreeMap<_, _> = archive
                .members
                .iter()
                .map(|member| (Arc::as_ptr(member), member.bytes.len()))
                .collect();
            let held = Held::of(budget, once.values().sum())?;
            (Content::Members(archive.members), held)
        };
        let answer = Answer {
            status: StatusCode::OK,
            media_type: style.form.media_type(),
            etag,
            content,
        };
        Ok(Self { answer, held })
    }

    fn document(
        style: Style,
        bundle: Bundle,
        report: &Report,
        budget: &Budget,
    ) -> Result<Self, Problem> {
        let len: usize = bundle.files.iter().map(|file| bundle.len_of(file)).sum();
        if len as u64 > style.max {
            return Err(over(style.max));
        }
        budget.spend(len as u64 / 16, Place::Source);
        let mut text = Text::new(budget, style.max);
        text.push(b"{\"inventory\":")?;
        text.push(bundle.inventory_text().trim_end().as_bytes())?;
        text.push(b",\"diagnostics\":")?;
        text.json(report)?;
        // The object goes on with its files, one by one.
        text.push(b",\"files\":{")?;
        if len > style.whole {
            let (head, _) = text.finish()?;
            let held = Held::of(budget, head.len() + stream::room(&bundle))?;
            let bundle = Arc::new(bundle);
            let answer = Answer {
                status: StatusCode::OK,
                media_type: style.form.media_type(),
                etag: None,
                content: Content::Bundle { head, bundle },
            };
            return Ok(Self { answer, held });
        }
        for (n, file) in bundle.files.iter().enumerate() {
            text.push(if n > 0 { b"," } else { b"" })?;
            text.json(&file.path)?;
            text.push(b":\"")?;
            let mut written = Ok(());
            bundle.each_text(file, &mut |part| {
                if written.is_ok() {
                    written = text.escaped(part);
                }
            });
            written?;
            text.push(b"\"")?;
        }
        text.push(b"}}")?;
        Self::of(StatusCode::OK, style.form.media_type(), text)
    }
}

/// A member as the owner of bytes.
struct Shared(Arc<Member>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0.bytes
    }
}

/// Bytes that are held until they were sent.
struct Owned<T>(
    T,
    #[expect(dead_code, reason = "it is given back when it is dropped")] Arc<Held>,
);

impl<T: AsRef<[u8]>> AsRef<[u8]> for Owned<T> {
    fn as_ref(&self) -> &[u8] {
        self.0.as_ref()
    }
}

fn owned<T: AsRef<[u8]> + Send + 'static>(bytes: T, held: &Arc<Held>) -> Bytes {
    Bytes::from_owner(Owned(bytes, Arc::clone(held)))
}
