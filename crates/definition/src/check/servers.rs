//! Servers: which become the address of the backend.

use super::Check;
use crate::rules::{doubtful_field_value, server_variable};
use flux_apim_syntax::NodeRef;

pub(super) fn server<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>, key: Option<NodeRef<'c>>) {
    // Azure ignores servers of paths, operations and links.
    let servers = check.root.get("servers");
    let first = servers.and_then(|servers| {
        (servers.index() < node.index() && node.index() < servers.end_index()).then_some(servers)
    });
    if key.is_some() || first.is_none() || !check.is_root(node) {
        return;
    }
    let Some(url) = node.get("url") else {
        return;
    };
    let Some(text) = url.as_str() else {
        return;
    };
    if text.contains('{') {
        check.say(server_variable::found(url.span(), text));
    } else if !is_address(text) {
        check.say(doubtful_field_value::address(url.span(), text));
    }
}

/// Whether `text` may be a URL, absolute or relative.
fn is_address(text: &str) -> bool {
    if text.contains(|c: char| {
        c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | '\\' | '^' | '`')
    }) {
        return false;
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return true;
    };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, port),
        _ => (host, ""),
    };
    is_scheme && !name.is_empty() && port.parse::<u16>().is_ok() | port.is_empty()
}
