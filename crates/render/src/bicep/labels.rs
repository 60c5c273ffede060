//! What people call resources whose names are hexadecimal digits.

use flux_apim_link::{Expression, Linked};
use std::collections::HashMap;

/// Characters of a display name that are used.
const MAX: usize = 60;

/// By generated name: the display name.
#[derive(Debug, Default)]
pub(super) struct Labels(HashMap<String, String>);

impl Labels {
    pub(super) fn new(graph: &Linked) -> Self {
        let mut labels = HashMap::new();
        for node in graph.nodes() {
            let Some(name) = node.key.names.last().filter(|name| is_generated(name)) else {
                continue;
            };
            let shown = node.properties.iter().find(|(key, _)| key == "displayName");
            let shown = match shown {
                Some((_, Expression::String(text))) => Some(text),
                Some((_, Expression::Parameter(name))) => {
                    let parameter = graph.parameters().get(name);
                    parameter.and_then(|parameter| parameter.value.as_ref())
                }
                _ => None,
            };
            if let Some(text) = shown.filter(|text| !text.trim().is_empty()) {
                labels.insert(name.to_ascii_lowercase(), text.chars().take(MAX).collect());
            }
        }
        Self(labels)
    }

    /// What `name` is called in symbols and names of files.
    pub(super) fn of<'a>(&'a self, name: &'a str) -> &'a str {
        if !is_generated(name) {
            return name;
        }
        let label = self.0.get(&name.to_ascii_lowercase());
        label.map_or(name, String::as_str)
    }
}

/// Azure generates names of 24 hexadecimal digits.
fn is_generated(name: &str) -> bool {
    name.len() == 24 && name.bytes().all(|b| b.is_ascii_hexdigit())
}
