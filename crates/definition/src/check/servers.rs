//! Servers: which become the address of the backend.

use super::Check;
use super::styles::Style;
use crate::rules::{doubtful_field_value, server_chosen, server_variable};
use flux_apim_syntax::NodeRef;

/// The servers of the document: one of them is the backend.
pub(super) fn all<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>) {
    let servers = node.get("servers").into_iter().flat_map(NodeRef::items);
    let urls = servers.filter_map(|server| server.get("url"));
    let urls: Vec<_> = urls.filter_map(|url| Some((url, url.as_str()?))).collect();
    let is_secure = |(_, url): &&(NodeRef<'c>, &str)| {
        let start = url.get(..8);
        start.is_some_and(|start| start.eq_ignore_ascii_case("https://"))
    };
    let is_plain = |text: &str| {
        let start = text.get(..7);
        start.is_some_and(|start| start.eq_ignore_ascii_case("http://"))
    };
    if let Some((url, _)) = urls.iter().find(|(_, text)| is_plain(text)) {
        check.style(Style::HttpServer, url.span());
    }
    let secure = urls.iter().find(is_secure);
    let Some((url, text)) = secure.or(urls.first()).copied() else {
        return;
    };
    if urls.len() > 1 {
        check.say(server_chosen::found(
            url.span(),
            text,
            urls.len(),
            secure.is_some(),
        ));
    }
    // Nothing makes another one the address of the backend.
    if text.contains('{') {
        check.say(server_variable::found(url.span(), text));
    }
}

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
    if !text.contains('{') && !is_address(text) {
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
