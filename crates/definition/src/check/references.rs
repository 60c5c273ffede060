//! References: what they may look like where they stand, and where they lead.

use super::styles::Style;
use super::{Check, Work};
use crate::reference::{self, ReferenceTarget};
use crate::rules::{
    dropped_value, reference_of_other_kind, some_services_refuse, unknown_field, unusual_reference,
    wrong_type,
};
use crate::shape::{Is, Version};
use flux_apim_syntax::NodeRef;

/// References that are followed from one place to the next.
const MAX_HOPS: usize = 32;

/// The reference of a schema.
pub(super) fn of_schema<'c>(check: &mut Check<'_, 'c>, reference: NodeRef<'c>) {
    if let Some(text) = text(check, reference) {
        look(check, reference, text, "schemas", Is::Schema);
    }
}

/// The `reference` that stands for a component in `folder`.
pub(super) fn of_object<'c>(
    check: &mut Check<'_, 'c>,
    node: NodeRef<'c>,
    reference: NodeRef<'c>,
    folder: &'static str,
    is: Is,
) {
    let Some(text) = text(check, reference) else {
        return;
    };
    let strict = check.version == Version::V2 && folder != "pathItems";
    let mut others = node
        .entries()
        .filter(|(key, _)| key.as_str() != Some("$ref"));
    if strict && let Some((key, _)) = others.next() {
        let name = key.as_str().unwrap_or("");
        check.say(unknown_field::not_of_this(key.span(), name, "a reference"));
    }
    look(check, reference, text, folder, is);
}

fn text<'c>(check: &mut Check<'_, 'c>, reference: NodeRef<'c>) -> Option<&'c str> {
    let text = reference.as_str();
    if text.is_none() {
        let found = reference.kind().as_str();
        check.say(match check.version {
            Version::V2 => {
                wrong_type::found(reference.span(), Some("$ref"), &wrong_type::TEXT, found)
            }
            _ => dropped_value::kind(reference.span(), Some("$ref"), "a text", found),
        });
    }
    text
}

fn look<'c>(
    check: &mut Check<'_, 'c>,
    reference: NodeRef<'c>,
    text: &'c str,
    folder: &'static str,
    is: Is,
) {
    check.spend(1 + text.len() / 32, reference);
    // What leads nowhere is said where references are followed.
    let Some(target) = check.resolver.target(reference) else {
        return;
    };
    if folder != "schemas" || !check.is_root(target) {
        check.style(Style::Reference, reference.span());
    }
    if !check.is_root(target) {
        return follow(check, target, is);
    }
    if !check.is_root(reference) {
        return;
    }
    let path = check.files.shared.tree().path(check.files.root);
    match reference::parse(text, path) {
        ReferenceTarget::Local(pointer) if !check.resolver.is_by_id(reference) => {
            local(check, reference, text, &pointer, folder);
        }
        _ => {
            if check.first("reference", text) {
                check.say(some_services_refuse::reference(reference.span(), text));
            }
        }
    }
}

/// Meets what another file has at `node`.
fn follow<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>, is: Is) {
    let key = (node.document().file(), node.index(), is.id());
    if check.met.insert(key) {
        check.open.push(Work {
            node,
            key: None,
            is,
            dropped: false,
        });
    }
}

/// Whether another file has what should be at `node`, where the specification has no
/// reference: it is put in its place, and is looked at as such.
pub(super) fn is_elsewhere<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>, is: Is) -> bool {
    let target = check.resolver.of(node);
    let Some(target) = target.filter(|target| !check.is_root(*target)) else {
        return false;
    };
    follow(check, target, is);
    true
}

/// A reference inside the definition: to a component, and of the right kind.
fn local<'c>(
    check: &mut Check<'_, 'c>,
    reference: NodeRef<'c>,
    text: &'c str,
    pointer: &str,
    folder: &'static str,
) {
    let mut tokens = pointer.split('/').skip(1);
    let two = check.version == Version::V2;
    let kind = match tokens.next() {
        Some("definitions") if two => Some("schemas"),
        Some("parameters") if two => Some("parameters"),
        Some("responses") if two => Some("responses"),
        Some("components") if !two => tokens.next(),
        _ => None,
    };
    let is_component = kind.is_some() && tokens.next().is_some() && tokens.next().is_none();
    let span = reference.span();
    let finding = match kind.filter(|_| is_component) {
        Some("pathItems") if folder == "pathItems" => some_services_refuse::reference(span, text),
        Some(kind) if kind == folder => return,
        Some(kind) if folder != "pathItems" => {
            reference_of_other_kind::found(span, text, folder, kind)
        }
        _ if check.version == Version::V30 && folder != "pathItems" => {
            unusual_reference::found(span, text)
        }
        _ => some_services_refuse::reference(span, text),
    };
    if check.first("reference", text) {
        check.say(finding);
    }
}

impl<'c> Check<'_, 'c> {
    /// What `node` is, or what its reference leads to; nothing when it leads nowhere.
    pub(super) fn resolve(&mut self, node: NodeRef<'c>) -> Option<NodeRef<'c>> {
        let mut node = node;
        for _ in 0..MAX_HOPS {
            let Some(reference) = node.get("$ref") else {
                return Some(node);
            };
            self.spend(1, reference);
            node = self.resolver.target(reference)?;
        }
        None
    }
}
