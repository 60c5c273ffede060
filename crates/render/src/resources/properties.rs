//! Properties as JSON. What is no literal is `null`, and listed with its place (a JSON
//! pointer).

use flux_apim_link::{Expression, Linked};
use flux_apim_syntax::write_string;
use std::collections::BTreeMap;

/// Places that are no literals, in the order of the text.
#[derive(Debug, Default)]
pub(super) struct Special {
    /// The resource that is referred to; the empty text for the service.
    pub(super) references: Vec<(String, String)>,
    /// Places of secrets (JSON pointers), with the secure parameter of each.
    pub(super) secrets: Vec<(String, String)>,
    /// Places of long texts (JSON pointers), with the content of each.
    pub(super) texts: Vec<(String, usize)>,
}

pub(super) fn write(
    graph: &Linked,
    entries: &[(String, Expression)],
    special: &mut Special,
    out: &mut String,
) {
    let mut walk = Walk {
        graph,
        at: String::new(),
        special,
        out,
    };
    walk.object(entries);
}

struct Walk<'a> {
    graph: &'a Linked,
    /// The pointer to where the walk is.
    at: String,
    special: &'a mut Special,
    out: &'a mut String,
}

impl Walk<'_> {
    /// Keys sorted; of one that is there twice, the last counts.
    fn object(&mut self, entries: &[(String, Expression)]) {
        let entries: BTreeMap<&String, &Expression> =
            entries.iter().map(|(key, value)| (key, value)).collect();
        self.out.push('{');
        for (n, (key, value)) in entries.into_iter().enumerate() {
            self.out.push_str(if n > 0 { "," } else { "" });
            write_string(self.out, key);
            self.out.push(':');
            self.below(&key.replace('~', "~0").replace('/', "~1"), value);
        }
        self.out.push('}');
    }

    fn below(&mut self, key: &str, value: &Expression) {
        let above = self.at.len();
        self.at.push('/');
        self.at.push_str(key);
        self.value(value);
        self.at.truncate(above);
    }

    fn value(&mut self, value: &Expression) {
        let at = || self.at.clone();
        match value {
            Expression::Null => return self.out.push_str("null"),
            Expression::Bool(true) => return self.out.push_str("true"),
            Expression::Bool(false) => return self.out.push_str("false"),
            Expression::Number(digits) => return self.out.push_str(digits),
            Expression::String(text) => return write_string(self.out, text),
            Expression::Array(items) => {
                self.out.push('[');
                for (n, item) in items.iter().enumerate() {
                    self.out.push_str(if n > 0 { "," } else { "" });
                    self.below(&n.to_string(), item);
                }
                return self.out.push(']');
            }
            Expression::Object(entries) => return self.object(entries),
            Expression::Parameter(name) => {
                let parameter = self.graph.parameters().get(name);
                if let Some(value) = parameter.and_then(|parameter| parameter.value.as_ref()) {
                    return write_string(self.out, value);
                }
                self.special.secrets.push((at(), name.clone()));
            }
            Expression::Id(key) => self.special.references.push((at(), key.to_string())),
            Expression::ServiceId => self.special.references.push((at(), String::new())),
            Expression::Content(index) => self.special.texts.push((at(), *index)),
        }
        self.out.push_str("null");
    }
}
