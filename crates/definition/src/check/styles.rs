//! Conventions: one finding of each for a definition, which counts where somebody asks.

use super::Check;
use crate::rules::{http_server, operation_id_style, reference_outside_schemas};
use flux_apim_diag::{Diagnostic, Span};
use flux_apim_syntax::NodeRef;
use std::collections::BTreeMap;

/// What some teams do not want.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Style {
    OperationId,
    HttpServer,
    Reference,
}

/// Where each was met first, and in how many places.
pub(super) type Styles = BTreeMap<Style, (Span, usize)>;

impl<'c> Check<'_, 'c> {
    pub(super) fn style(&mut self, style: Style, at: Span) {
        let (_, places) = self.styles.entry(style).or_insert((at, 0));
        *places += 1;
    }

    /// Looks at the `operationId` that is `text`.
    pub(super) fn operation_id(&mut self, id: NodeRef<'c>, text: &str) {
        let is_word = |word: &str| {
            let mut bytes = word.bytes();
            !word.is_empty() && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        if text.len() > operation_id_style::MAX || !text.split('-').all(is_word) {
            self.style(Style::OperationId, id.span());
        }
    }

    pub(super) fn say_styles(&mut self) {
        let found = self.styles.iter().map(|(style, (at, places))| match style {
            Style::OperationId => operation_id_style::found(*at, *places),
            Style::HttpServer => http_server::found(*at),
            Style::Reference => reference_outside_schemas::found(*at, *places),
        });
        let found: Vec<Diagnostic> = found.collect();
        self.findings.extend(found);
    }
}
