//! Runtime expressions, in the keys of callbacks and the values of links.

use super::Check;
use crate::rules::invalid_runtime_expression;
use flux_apim_syntax::NodeRef;

pub(super) fn callback<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>) {
    for (key, _) in node.entries() {
        let text = key.as_str().unwrap_or("");
        if text.starts_with("x-") {
            continue;
        }
        check.spend(text.len() / 16, key);
        let expressions = match text.starts_with('$') {
            true => vec![text],
            false => inside(text),
        };
        let wrong = expressions
            .into_iter()
            .find(|expression| !is_expression(expression));
        if let Some(wrong) = wrong {
            check.say(invalid_runtime_expression::found(key.span(), wrong));
        }
    }
}

pub(super) fn link<'c>(check: &mut Check<'_, 'c>, node: NodeRef<'c>) {
    let parameters = node
        .get("parameters")
        .into_iter()
        .flat_map(NodeRef::entries);
    let values = parameters
        .map(|(_, value)| value)
        .chain(node.get("requestBody"));
    for value in values {
        if let Some(text) = value.as_str()
            && text.starts_with('$')
            && !is_expression(text)
        {
            check.say(invalid_runtime_expression::found(value.span(), text));
        }
    }
}

/// The expressions between braces in `text`.
fn inside(text: &str) -> Vec<&str> {
    let pieces = text.split('{').skip(1);
    let pieces = pieces.filter_map(|piece| Some(piece.split_once('}')?.0));
    pieces.filter(|piece| piece.starts_with('$')).collect()
}

/// The grammar of the specification, as the readers take it.
fn is_expression(text: &str) -> bool {
    if matches!(text, "$url" | "$method" | "$statusCode") {
        return true;
    }
    let Some(source) = text
        .strip_prefix("$request.")
        .or(text.strip_prefix("$response."))
    else {
        return false;
    };
    let named = ["header.", "query.", "path."];
    source == "body"
        || source.starts_with("body#")
        || named.iter().any(|start| {
            source
                .strip_prefix(start)
                .is_some_and(|name| !name.is_empty())
        })
}
