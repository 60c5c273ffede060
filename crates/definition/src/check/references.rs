//! References: what they may look like where they stand, and where they lead.

use super::shape::{Is, Version};
use super::{Check, Work};
use crate::ids::Ids;
use crate::reference::{self, Target};
use crate::rules::{
    dropped_value, reference_of_other_kind, some_services_refuse, unknown_field, unusual_reference,
    wrong_type,
};
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
    let file = reference.document().file();
    let files = check.files;
    match reference::parse(text, files.shared.tree().path(file)) {
        Target::Local(pointer) if check.is_root(reference) => {
            // What leads nowhere is said where references are looked up.
            if check.root.pointer(&pointer).is_some() {
                local(check, reference, text, &pointer, folder);
            }
        }
        Target::Local(pointer) => follow(check, reference.document().root(), &pointer, is),
        Target::File { path, pointer } => {
            let target = files.shared.tree().find(&path);
            if target.is_none() && is_id(check, reference, text) {
                check.say(some_services_refuse::reference(reference.span(), text));
            }
            if let Some(target) = target.filter(|target| *target != files.root)
                && let Some(root) = files.root_of(target)
            {
                follow(check, root, &pointer, is);
            }
        }
        Target::Remote if !is_id(check, reference, text) => {}
        Target::Anchor | Target::Remote => {
            if check.version == Version::V31 && check.first("reference", text) {
                check.say(some_services_refuse::reference(reference.span(), text));
            }
        }
        Target::Outside => {}
    }
}

/// Whether the reference `text` names a schema of its document by `$id`.
fn is_id<'c>(check: &mut Check<'_, 'c>, reference: NodeRef<'c>, text: &str) -> bool {
    if check.version != Version::V31 || !check.is_root(reference) {
        return false;
    }
    let (files, document) = (check.files, reference.document());
    let ids = || Ids::of(document, files.meter);
    check.ids.get_or_insert_with(ids).has(text)
}

/// Meets what another file has at `pointer`.
fn follow<'c>(check: &mut Check<'_, 'c>, root: NodeRef<'c>, pointer: &str, is: Is) {
    let Some(node) = root.pointer(pointer) else {
        return;
    };
    let of = match is {
        Is::Object(shape) => std::ptr::from_ref(shape).addr(),
        _ => 0,
    };
    if check.met.insert((node.document().file(), node.index(), of)) {
        check.open.push(Work {
            node,
            key: None,
            is,
            dropped: false,
        });
    }
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
    pub(super) fn resolve(&self, node: NodeRef<'c>) -> Option<NodeRef<'c>> {
        let files = self.files;
        let mut node = node;
        for _ in 0..MAX_HOPS {
            let Some(reference) = node.get("$ref") else {
                return Some(node);
            };
            let text = reference.as_str()?;
            self.spend(1 + text.len() / 32, reference);
            let file = reference.document().file();
            node = match reference::parse(text, files.shared.tree().path(file)) {
                Target::Local(pointer) => node.document().root().pointer(&pointer)?,
                Target::File { path, pointer } => {
                    let target = files.shared.tree().find(&path)?;
                    files.root_of(target)?.pointer(&pointer)?
                }
                Target::Anchor | Target::Remote | Target::Outside => return None,
            };
        }
        None
    }
}
