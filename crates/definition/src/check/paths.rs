//! Paths: their templates, what makes two of them one, and the names of operations.

use super::Check;
use super::changes::Change;
use super::template::{self, Fault};
use crate::operations::methods;
use crate::rules::{
    duplicate_operation_id, duplicate_signature, invalid_path_template, long_path, query_in_path,
    similar_paths,
};
use flux_apim_syntax::NodeRef;
use std::collections::HashMap;

/// Characters that a URL template may have.
const MAX_PATH: usize = 1000;

/// What API Management does not take of a path.
pub(super) fn item<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>) {
    super::parameters::listed(check, node);
    check.changes_fields(
        node,
        &[("servers", Change::Servers), ("trace", Change::Trace)],
    );
}

pub(super) fn paths<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>) {
    let mut known = Known::default();
    for (key, value) in node.entries() {
        let path = key.as_str().unwrap_or("");
        if !path.starts_with('/') {
            continue;
        }
        check.spend(1 + path.len() / 8, key);
        let Some(item) = check.resolve(value) else {
            continue;
        };
        if item.index() != value.index() && check.is_root(item) {
            // Another path of the document, which is looked at where it stands.
            continue;
        }
        if path.len() > MAX_PATH {
            let length = path.chars().count();
            if length > MAX_PATH {
                check.say(long_path::found(key.span(), length, MAX_PATH));
            }
        }
        if path.contains('?') {
            check.say(query_in_path::found(key.span(), path));
        }
        match template::names(path) {
            Ok(names) => super::parameters::of_path(check, key, item, &names),
            Err(fault) => check.say(match fault {
                Fault::Unclosed => invalid_path_template::unclosed(key.span(), path),
                Fault::Unopened => invalid_path_template::unopened(key.span(), path),
                Fault::Empty => invalid_path_template::empty(key.span(), path),
                Fault::Twice(name) => invalid_path_template::twice(key.span(), path, name),
            }),
        }
        known.path(check, key, path, item);
        for (method, operation) in methods(item.entries()) {
            known.operation(check, method, operation);
        }
    }
}

/// Paths and names that were met.
#[derive(Default)]
struct Known<'c> {
    /// By signature in lower case and method.
    signatures: HashMap<(String, &'c str), NodeRef<'c>>,
    /// By signature as it is written.
    paths: HashMap<String, NodeRef<'c>>,
    ids: HashMap<String, NodeRef<'c>>,
}

impl<'c> Known<'c> {
    fn path(
        &mut self,
        check: &mut Check<'_, 'c>,
        key: NodeRef<'c>,
        path: &'c str,
        item: NodeRef<'c>,
    ) {
        let signature = template::signature(path);
        let lower = signature.to_lowercase();
        let mut same = None;
        for (method, _) in methods(item.entries()) {
            let method = method.as_str().unwrap_or("");
            let first = self
                .signatures
                .entry((lower.clone(), method))
                .or_insert(key);
            if first.index() != key.index() && same.is_none() {
                same = Some((method, *first));
            }
        }
        if let Some((method, first)) = same {
            let finding = duplicate_signature::found(key.span(), method, &lower, first.span());
            check.say(finding);
        } else if let Some(first) = self.paths.get(&signature) {
            check.say(similar_paths::found(key.span(), &signature, first.span()));
        }
        self.paths.entry(signature).or_insert(key);
    }

    fn operation(&mut self, check: &mut Check<'_, 'c>, _: NodeRef<'c>, operation: NodeRef<'c>) {
        let Some(id) = operation.get("operationId") else {
            return;
        };
        let text = id.as_scalar().unwrap_or("").trim();
        if text.is_empty() {
            return;
        }
        check.spend(1 + text.len() / 16, id);
        check.operation_id(id, text);
        match self.ids.get(&text.to_lowercase()) {
            Some(first) => {
                let other = first.as_scalar().unwrap_or("");
                let finding =
                    duplicate_operation_id::found(id.span(), text, first.span(), other.trim());
                check.say(finding);
            }
            None => {
                self.ids.insert(text.to_lowercase(), id);
            }
        }
    }
}
