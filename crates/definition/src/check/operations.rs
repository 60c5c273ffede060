//! Operations: their answers, their bodies, what APIM shows of them.

use super::changes::Change;
use super::{Check, place};
use crate::rules::{
    invalid_status, long_summary, lower_case_status, operation_without_response, several_bodies,
};
use crate::shape::Version;
use flux_apim_syntax::{NodeKind, NodeRef};

/// Characters that a display name of APIM may have.
const MAX_NAME: usize = 300;

pub(super) fn operation<'c>(
    check: &mut Check<'_, 'c>,
    node: NodeRef<'c>,
    key: Option<NodeRef<'c>>,
) {
    super::parameters::listed(check, node);
    check.changes_fields(
        node,
        &[
            ("security", Change::Security),
            ("servers", Change::Servers),
            ("callbacks", Change::Callbacks),
            ("externalDocs", Change::Docs),
            ("produces", Change::Produces),
        ],
    );
    let method = key.and_then(NodeRef::as_str).unwrap_or("");
    if matches!(method, "get" | "head" | "options") {
        check.changes_fields(node, &[("requestBody", Change::Body)]);
    }
    match node.entry("responses") {
        None => check.say(operation_without_response::missing(place(key, node))),
        Some((word, responses)) if responses.kind() == NodeKind::Object => {
            let mut keys = responses.entries().filter_map(|(key, _)| key.as_str());
            if !keys.any(|key| !key.starts_with("x-")) {
                check.say(operation_without_response::found(word.span()));
            }
        }
        // Said as a value of the wrong type.
        Some(_) => {}
    }
    if let Some(summary) = node.get("summary")
        && let Some(text) = summary.as_str()
        && text.len() > MAX_NAME
    {
        let length = text.chars().count();
        if length > MAX_NAME {
            check.say(long_summary::found(summary.span(), length, MAX_NAME));
        }
    }
    if check.version == Version::V2 {
        bodies(check, node);
    }
}

/// The key of a response.
pub(super) fn status<'c>(check: &mut Check<'_, 'c>, key: NodeRef<'c>, name: &str) {
    let bytes = name.as_bytes();
    let digits = |from: usize| bytes[from..].iter().all(u8::is_ascii_digit);
    let three = bytes.len() == 3;
    let known = three && matches!(bytes[0], b'1'..=b'5');
    let two = check.version == Version::V2;
    if name == "default" || known && digits(1) || two && three && digits(0) {
        return;
    }
    check.say(match bytes.get(1..) {
        Some(b"XX") if known && !two => return,
        Some(b"xx") if known && !two => lower_case_status::found(key.span(), name),
        _ => invalid_status::found(key.span(), name, two),
    });
}

/// The body of an operation of 2.0: one, or a form.
fn bodies<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>) {
    let parameters = node.get("parameters").into_iter().flat_map(NodeRef::items);
    let (mut body, mut form, mut file) = (None, None, None);
    for item in parameters {
        let Some(parameter) = check.resolve(item) else {
            continue;
        };
        let text = |name: &str| parameter.get(name).and_then(NodeRef::as_str);
        match text("in") {
            Some("body") if body.is_some() => {
                return check.say(several_bodies::two(place(None, item)));
            }
            Some("body") => body = Some(item),
            Some("formData") => {
                form = form.or(Some(item));
                if text("type") == Some("file") {
                    file = Some(item);
                }
            }
            _ => {}
        }
    }
    if let (Some(body), Some(form)) = (body, form) {
        let later = if body.index() < form.index() {
            form
        } else {
            body
        };
        return check.say(several_bodies::form(place(None, later)));
    }
    let consumes = node.get("consumes").or_else(|| check.root.get("consumes"));
    let mut types = consumes
        .into_iter()
        .flat_map(NodeRef::items)
        .filter_map(NodeRef::as_str);
    let is_form = |media: &str| {
        media.starts_with("multipart/form-data")
            || media.starts_with("application/x-www-form-urlencoded")
    };
    if let Some(file) = file
        && !types.any(is_form)
    {
        check.say(several_bodies::file(place(None, file)));
    }
}
