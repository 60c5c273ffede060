//! Which form of an answer a client takes.

use super::super::problem::Problem;
use crate::diag::excerpt;
use axum::http::{HeaderMap, header};

/// Forms of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::edge::server) enum Form {
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
    pub(in crate::edge::server) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Gzip => "application/gzip",
            Self::Sarif => "application/sarif+json",
            Self::Markdown => "text/markdown; charset=utf-8",
        }
    }

    /// The one of `offered` that the client likes best; the first when it does
    /// not say.
    pub(in crate::edge::server) fn negotiate(
        headers: &HeaderMap,
        offered: &[Self],
    ) -> Result<Self, Problem> {
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
