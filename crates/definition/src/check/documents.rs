//! What is said of the document as a whole, and of its contact.

use super::changes::Change;
use super::styles::Style;
use super::{Check, place};
use crate::rules::{
    doubtful_field_value, incomplete_object, invalid_field_value, missing_field,
    some_services_refuse,
};
use crate::shape::Version;
use flux_apim_syntax::{NodeKind, NodeRef};

pub(super) fn three<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>, key: Option<NodeRef<'c>>) {
    check.changes_fields(
        node,
        &[
            ("security", Change::Security),
            ("externalDocs", Change::Docs),
        ],
    );
    super::servers::all(check, node);
    if node.get("paths").is_some() {
        return;
    }
    let at = place(key, node);
    check.say(match check.version {
        Version::V31 => incomplete_object::paths(at),
        _ => missing_field::found(at, "document", "paths"),
    });
}

pub(super) fn two<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>) {
    check.changes_fields(
        node,
        &[
            ("security", Change::Security),
            ("securityDefinitions", Change::Security),
            ("externalDocs", Change::Docs),
            ("produces", Change::Produces),
        ],
    );
    let mut schemes = node.get("schemes").into_iter().flat_map(NodeRef::items);
    if let Some(plain) = schemes.find(|word| word.as_str() == Some("http")) {
        check.style(Style::HttpServer, plain.span());
    }
    let Some(version) = node.get("swagger") else {
        return;
    };
    let span = version.span();
    // A number becomes text when a document is read: quotes are not in its place then.
    let bare = version
        .as_str()
        .is_some_and(|text| text.len() == (span.end - span.start) as usize);
    if bare {
        check.say(doubtful_field_value::bare_version(span));
    }
    if version.as_str().is_some_and(|text| text != "2.0") {
        check.say(invalid_field_value::word(
            span,
            "swagger",
            version.as_str().unwrap_or(""),
            &["2.0"],
        ));
    }
}

pub(super) fn contact<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>) {
    let Some(email) = node.get("email") else {
        return;
    };
    // What is no text at all is said as such.
    let text = match email.kind() {
        NodeKind::True => Some("true"),
        NodeKind::False => Some("false"),
        _ => email.as_scalar(),
    };
    let Some(text) = text else {
        return;
    };
    let parts = text.split_once('@');
    let fits = parts
        .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'));
    if !fits {
        check.say(match check.version {
            Version::V2 => some_services_refuse::email(email.span(), text),
            _ => invalid_field_value::email(email.span(), text),
        });
    }
}
