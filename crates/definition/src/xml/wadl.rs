//! WADL: whether it declares anything.

use super::reader::Tag;
use crate::rules::definition_without_operations;
use flux_apim_diag::Findings;
use flux_apim_diag::tree::FileId;
use std::ops::ControlFlow;

/// What was seen of a document.
#[derive(Default)]
pub(super) struct Wadl {
    methods: usize,
}

impl Wadl {
    pub(super) fn start(&mut self, tag: &Tag<'_>) -> ControlFlow<()> {
        if tag.local() == "method" {
            self.methods += 1;
        }
        ControlFlow::Continue(())
    }

    pub(super) fn check(&self, file: FileId, findings: &mut Findings) {
        if self.methods == 0 {
            findings.push(definition_without_operations::wadl(file));
        }
    }
}
